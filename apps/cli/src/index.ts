import { Command, CommanderError } from 'commander';
import { EXIT } from './exit-codes.js';
import { VERBS } from './verbs.js';
import { reportFailure } from './verb.js';

const ABOUT =
  'Machine-commerce transaction authorization broker: intents in, bounded signed artifacts out, proof kept.';

/** Builds the whole command line; `--help` of each verb shows an example that works as it stands. */
export function buildProgram(): Command {
  const program = new Command('spendgate').description(ABOUT).version('0.1.0').showHelpAfterError();
  for (const add of VERBS) add(program);
  return program;
}

/** Runs one command line and sets the exit code: 0 done, 1 could not run, 2 the answer is no. */
export async function run(argv: readonly string[]): Promise<void> {
  const program = buildProgram().exitOverride();
  for (const command of program.commands) command.exitOverride();
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    // commander has printed its own message already
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.couldNotRun;
    else reportFailure(error);
  }
}
