import { describe, expect, it } from '@jest/globals';
import { captureRun } from '@spendgate/testing';
import type { Command } from 'commander';
import { buildProgram, run } from './index.js';
import { VERBS } from './verbs.js';

/** Help as a person sees it, with what `addHelpText` adds. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

const program = await buildProgram();
const pathOf = (command: Command): string => (command.parent ? `${pathOf(command.parent)} ` : '') + command.name();
const all = program.commands.flatMap(leaves).map((command) => [pathOf(command), command] as const);

describe('the command line', () => {
  it('groups its help: Run, Spend, Operate, Verify, Conformance', () => {
    const groups = [...helpOf(program).matchAll(/^([A-Z][a-z]+):$/gm)].map((match) => match[1]);
    const ours = groups.filter((name) => !['Options', 'Commands'].includes(name ?? ''));
    expect(ours).toEqual(['Run', 'Spend', 'Operate', 'Verify', 'Conformance']);
  });

  it('shows the batch forms in the group Conformance only', () => {
    for (const [name, command] of all) {
      const [before = '', after] = helpOf(command).split('Conformance:');
      expect([name, before.includes('--cases <')]).toEqual([name, false]);
      expect([name, after?.includes('--cases <') ?? false]).toEqual([
        name,
        /verify (jws|inclusion|consistency)$/.test(name),
      ]);
    }
  });

  it.each(all)('%s has an example, its exit codes and --json', (_name, command) => {
    const help = helpOf(command);
    expect(help).toMatch(/\nExample:\n {2}\S*.*spendgate /);
    expect(help).toMatch(/Exit codes: 0 .*, 1 could not run/);
    expect(help).toContain('--json');
  });

  it('knows each verb under its own name, so that it alone is loaded', async () => {
    for (const name of Object.keys(VERBS)) {
      expect((await buildProgram(name)).commands.map((command) => command.name())).toEqual([name]);
    }
  });

  it('exits with 1 and says what there is when it does not know a verb or an option', async () => {
    const unknown = await captureRun(run, ['frobnicate']);
    expect([unknown.exitCode, unknown.stderr]).toEqual([1, expect.stringContaining("unknown command 'frobnicate'")]);
    const option = await captureRun(run, ['verify', 'jws', '--nope']);
    expect([option.exitCode, option.stderr]).toEqual([1, expect.stringContaining("unknown option '--nope'")]);
  });

  it('writes help to standard output and exits with 0', async () => {
    const { exitCode, stdout } = await captureRun(run, ['decisions', 'count', '--help']);
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('how many by outcome and code')]);
  });

  it('says in one line that a file is not there, and exits with 1', async () => {
    const { exitCode, stdout, stderr } = await captureRun(run, ['verify', 'jws', '/no/such.jwt', '--keys', 'k']);
    expect([exitCode, stdout, stderr]).toEqual([1, '', '/no/such.jwt does not exist\n']);
  });
});
