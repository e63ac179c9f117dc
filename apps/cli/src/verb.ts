import { isNativeError } from 'node:util/types';
import { StartError } from '@spendgate/platform';
import type { Command } from 'commander';
import { EXIT } from './exit-codes.js';
import { note } from './output.js';

/** Help is grouped by what a person is doing. */
export const GROUPS = { run: 'Run', spend: 'Spend', operate: 'Operate', verify: 'Verify', conformance: 'Conformance' };

/** One verb: its group, what it does in a few words, an example that works as it stands. */
export interface VerbHelp {
  readonly group: keyof typeof GROUPS;
  readonly summary: string;
  readonly example: string;
  /** What exit codes other than 0 and 1 mean here. */
  readonly exits?: string;
}

/** Adds help in the one form every verb has. */
export function describeVerb(command: Command, { group, summary, example, exits }: VerbHelp): Command {
  const codes = `Exit codes: 0 done, 1 could not run${exits === undefined ? '' : `, ${exits}`}`;
  return command
    .helpGroup(`${GROUPS[group]}:`)
    .summary(summary)
    .description(summary)
    .addHelpText('after', `\nExample:\n  ${example}\n\n${codes}`);
}

/** Turns a failure into one line that says what to do, and the exit code scripts rely on. */
export function reportFailure(error: unknown): void {
  process.exitCode = EXIT.couldNotRun;
  if (error instanceof StartError) note(error.message);
  else if (isMissingFile(error)) note(`${error.path ?? 'file'} does not exist`);
  else note(isNativeError(error) ? error.message : String(error));
  if (process.env.SPENDGATE_LOG_LEVEL === 'debug' && isNativeError(error)) note(error.stack ?? '');
}

function isMissingFile(error: unknown): error is NodeJS.ErrnoException {
  return isNativeError(error) && 'code' in error && error.code === 'ENOENT';
}
