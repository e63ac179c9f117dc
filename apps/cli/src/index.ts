import { Command, CommanderError } from 'commander';
import { EXIT } from './exit-codes.js';
import { reportFailure } from './verb.js';
import { VERBS } from './verbs.js';

const ABOUT =
  'Machine-commerce transaction authorization broker: intents in, bounded signed artifacts out, proof kept.';
const CONFORMANCE = `
Conformance:
  verify jws|inclusion|consistency --cases FILE.jsonl
                               one case a line in, one result a line out

Exit codes: 0 done or valid, 1 could not run, 2 the answer is no`;

/**
 * Builds the command line; `--help` of each verb shows an example that works as it stands.
 *
 * @param name the one verb that will run; absent or unknown: all of them
 */
export async function buildProgram(name?: string): Promise<Command> {
  const program = new Command('spendgate').description(ABOUT).version('0.1.0').showHelpAfterError();
  program.addHelpText('after', CONFORMANCE);
  const only = name === undefined || !Object.hasOwn(VERBS, name) ? undefined : VERBS[name];
  for (const load of only === undefined ? Object.values(VERBS) : [only]) (await load())(program);
  exitOverride(program);
  return program;
}

/** Runs one command line and sets the exit code: 0 done, 1 could not run, 2 the answer is no. */
export async function run(argv: readonly string[]): Promise<void> {
  try {
    const program = await buildProgram(argv[2]);
    await program.parseAsync([...argv]);
  } catch (error) {
    // commander has printed its own message already
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.couldNotRun;
    else reportFailure(error);
  }
}

/** commander would end the process by itself, before output is flushed. */
function exitOverride(command: Command): void {
  command.exitOverride();
  for (const each of command.commands) exitOverride(each);
}
