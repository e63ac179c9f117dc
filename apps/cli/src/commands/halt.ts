import { EVERYTHING, HALT_SCOPES, type HaltScope } from '@spendgate/core';
import { StartError } from '@spendgate/platform';
import { readBlastRadius } from '@spendgate/store';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { type ActOptions, actOptions, signAndTake } from '../ops/sign-and-take.js';
import { note, printRows } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { describeVerb } from '../verb.js';

interface Options extends ActOptions {
  readonly dryRun?: boolean;
}

/** `spendgate halt SCOPE [ID]`: one person stops something at once. */
export function addHalt(program: Command): void {
  const halt = actOptions(program.command('halt'))
    .argument('<scope>', HALT_SCOPES.join(', '))
    .argument('[id]', 'what of it; none for all')
    .option('--dry-run', 'show what would stop, and stop nothing')
    .action(haltNow);
  describeVerb(halt, {
    group: 'operate',
    summary: 'stop an artifact, a flow, an agent, a counterparty … at once; shows what it reaches first',
    example: "spendgate halt agent demo-agent --as ada --reason 'buys at night' --dry-run",
    exits: '2 nothing was there to halt',
  });
}

/** `spendgate release SCOPE [ID]`: two people let it go on. */
export function addRelease(program: Command): void {
  const release = actOptions(program.command('release'))
    .argument('<scope>', HALT_SCOPES.filter((scope) => scope !== 'flow').join(', '))
    .argument('[id]', 'what of it; none for all')
    .action((scope: string, id: string | undefined, options: Options) =>
      signAndTake('release', [{ kind: scopeOf(scope), id: idOf(scope, id), version: null }], options),
    );
  describeVerb(release, {
    group: 'operate',
    summary: 'ask to let go on what was halted; another person approves it. A flow goes on by `incidents revalidate`',
    example: "spendgate release agent demo-agent --as ada --reason 'was a sale'",
    exits: '2 not taken',
  });
}

async function haltNow(scope: string, id: string | undefined, options: Options): Promise<void> {
  const target = { kind: scopeOf(scope), id: idOf(scope, id), version: null };
  const radius = await withDatabase((pool) => readBlastRadius(pool, target.kind, target.id));
  if (options.dryRun === true) {
    printRows(
      radius.map(({ flows, holds, held, capturing, currency }) => ({ flows, holds, held, capturing, currency })),
      options.json === true,
    );
    if (radius.length === 0) process.exitCode = EXIT.denied;
    return;
  }
  for (const { flows, holds, held, capturing, currency } of radius)
    note(`reaches ${flows} flows, ${holds} live holds: ${held} ${currency} held, ${capturing} ${currency} in capture`);
  await signAndTake('halt', [target], options);
}

function scopeOf(scope: string): HaltScope {
  const known = HALT_SCOPES.find((each) => each === scope);
  if (known === undefined) throw new StartError(`"${scope}" is no scope: ${HALT_SCOPES.join(', ')}`);
  return known;
}

function idOf(scope: string, id: string | undefined): string {
  if (scope === 'all') return EVERYTHING;
  if (id === undefined) throw new StartError(`which ${scope}? Name its id`);
  return id;
}
