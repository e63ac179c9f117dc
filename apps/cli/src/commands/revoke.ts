import { isUuid } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import { type Pool, hasDecided } from '@spendgate/store';
import type { Command } from 'commander';
import { applyNow, askForChange } from '../apply/apply-change.js';
import { type DifferenceRow, readDifference } from '../apply/difference.js';
import type { RevokingChange } from '../apply/change.js';
import { actAlone } from '../apply/act-alone.js';
import { EXIT } from '../exit-codes.js';
import { note, printJson, printRows } from '../output.js';
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
    summary: 'end a mandate, an artifact or a key for good',
    example: "spendgate revoke key KID --as ada --reason 'laptop lost'",
    exits: '2 nothing was there to revoke',
  });
  const kinds = [
    ['mandate', 'with all under it; a second person makes it final', revokeMandate],
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
    const rows = await withDatabase((pool) => actAlone(pool, { kind, id, issuer, person, reason }));
    show({ applied: rows.length > 0, request: null, rows }, json);
  };
}

async function revokeMandate(id: string, { as, reason, keys, json = false }: Options): Promise<void> {
  if (!isUuid(id)) throw new StartError(`"${id}" is no mandate id`);
  const issuer = chooseIssuer(readProcessSettings(ROLE_NAMES));
  const change: RevokingChange = { kind: 'revoke', mandates: [id], reason, by: as };
  const person = await personFrom(keyFolder(keys), as);
  const ask = async (pool: Pool): Promise<Shown> => {
    if (!(await hasDecided(pool))) {
      const rows = await applyNow(pool, change);
      return { applied: rows.length > 0, request: null, rows };
    }
    const rows = await readDifference(pool, change);
    const request = rows.length === 0 ? null : await askForChange(pool, { change, issuer, person, reason });
    return { applied: false, request, rows };
  };
  show(await withDatabase(ask), json);
}

interface Shown {
  readonly applied: boolean;
  readonly request: string | null;
  readonly rows: readonly DifferenceRow[];
}

function show({ applied, request, rows }: Shown, json: boolean): void {
  if (json) printJson({ applied, request, changes: rows });
  else
    printRows(
      rows.map(({ what, change, count }) => ({ what, change, count })),
      false,
    );
  if (rows.length === 0) process.exitCode = EXIT.denied;
  if (request === null) return;
  note(
    `Nothing is in force yet. Next, by another person within a day:\n  spendgate apply --approve ${request} --as PERSON`,
  );
}
