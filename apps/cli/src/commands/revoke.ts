import { isUuid } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import { hasDecided } from '@spendgate/store';
import type { Command } from 'commander';
import { applyNow } from '../apply/apply-change.js';
import type { DifferenceRow } from '../apply/difference.js';
import type { RevokingChange } from '../apply/change.js';
import { actAlone } from '../apply/act-alone.js';
import { EXIT } from '../exit-codes.js';
import { signAndTake } from '../ops/sign-and-take.js';
import { printJson, printRows } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { chooseIssuer } from '../runtime/issuer.js';
import { readProcessSettings } from '../runtime/read-process-settings.js';
import { ROLE_NAMES } from '../runtime/roles.js';
import { keyFolder, personFrom } from '../signing-keys.js';
import { describeVerb } from '../verb.js';

interface Options {
  readonly as: string;
  readonly reason: string;
  readonly keys?: string;
  readonly json?: boolean;
}

/** `spendgate revoke KIND ID`: ends something for good. When it has returned, nothing is decided on it any more. */
export function addRevoke(program: Command): void {
  const revoke = describeVerb(program.command('revoke'), {
    group: 'operate',
    summary: 'end a mandate, an artifact, a key, an agent, a counterparty or a principal for good',
    example: "spendgate revoke key KID --as ada --reason 'laptop lost'",
    exits: '2 nothing was there to revoke',
  });
  const kinds = [
    ['mandate', 'with all under it; halted at once, a second person makes it final', revokeMandate],
    ['agent', 'with its mandates; halted at once, a second person makes it final', revokeByTwo('agent')],
    [
      'counterparty',
      'with its open holds; halted at once, a second person makes it final',
      revokeByTwo('counterparty'),
    ],
    ['principal', 'with its mandates; halted at once, a second person makes it final', revokeByTwo('principal')],
    ['artifact', 'its uncaptured money is free again', revokeAlone('artifact')],
    ['key', 'of a party, lost or stolen', revokeAlone('key')],
  ] as const;
  for (const [kind, about, act] of kinds) {
    const command = revoke
      .command(kind)
      .argument('<id>', kind === 'key' ? 'kid: RFC 7638 thumbprint' : `${kind} id`)
      .requiredOption('--as <person>', 'who revokes; signs with PERSON.jwk.json of the key folder')
      .requiredOption('--reason <text>', 'why, in words; kept for auditors')
      .option('--keys <dir>', "folder of private keys; default: the demo domain's")
      .option('--json', 'one JSON object: {"applied", "request", "changes"}')
      .action(act);
    describeVerb(command, {
      group: 'operate',
      summary: `end a ${kind}: ${about}`,
      example: `spendgate revoke ${kind} ID --as ada --reason 'no longer trusted'`,
      exits: '2 nothing was there to revoke',
    });
  }
}

/** Stopping one artifact or one key is what a single operator may do at once: it can only ever stop a spend. */
function revokeAlone(kind: 'artifact' | 'key') {
  return async (id: string, { as, reason, keys, json = false }: Options): Promise<void> => {
    if (kind === 'artifact' && !isUuid(id)) throw new StartError(`"${id}" is no artifact id`);
    const issuer = chooseIssuer(readProcessSettings(ROLE_NAMES));
    const person = await personFrom(keyFolder(keys), as);
    const action = kind === 'key' ? 'revoke_key' : 'revoke_artifact';
    const rows = await withDatabase((pool) => actAlone(pool, { action, ids: [id], issuer, person, reason }));
    show({ applied: rows.length > 0, rows }, json);
  };
}

/** One person's signature halts it, another one's ends it. */
function revokeByTwo(kind: 'mandate' | 'agent' | 'counterparty' | 'principal') {
  return (id: string, options: Options): Promise<void> => signAndTake('revoke', [{ kind, id, version: null }], options);
}

/** In a domain that has never decided one person is enough. */
async function revokeMandate(id: string, options: Options): Promise<void> {
  if (!isUuid(id)) throw new StartError(`"${id}" is no mandate id`);
  const change: RevokingChange = { kind: 'revoke', mandates: [id], reason: options.reason, by: options.as };
  const rows = await withDatabase(async (pool) => ((await hasDecided(pool)) ? undefined : applyNow(pool, change)));
  if (rows === undefined) return revokeByTwo('mandate')(id, options);
  show({ applied: rows.length > 0, rows }, options.json ?? false);
}

interface Shown {
  readonly applied: boolean;
  readonly rows: readonly DifferenceRow[];
}

function show({ applied, rows }: Shown, json: boolean): void {
  if (json) printJson({ applied, request: null, changes: rows });
  else
    printRows(
      rows.map(({ what, change, count }) => ({ what, change, count })),
      false,
    );
  if (rows.length === 0) process.exitCode = EXIT.denied;
}
