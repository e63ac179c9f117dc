import { type PartyKeyPurpose, PrivateKeySigner, readPartySigner, writePartyKey } from '@spendgate/artifact';
import { KEY_OVERLAP_SECONDS_MAX, PARTY_PURPOSES } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import type { Command } from 'commander';
import type { DifferenceRow } from '../apply/difference.js';
import { EXIT } from '../exit-codes.js';
import { type EndedKey, type Removal, removeWithSuccessors, retireOne } from '../keys/end-key.js';
import { showKeys } from '../keys/list-keys.js';
import { rotatePartyKey } from '../keys/rotate-key.js';
import { limitOption, readLimit } from '../limit.js';
import { type ActOptions, actOptions } from '../ops/sign-and-take.js';
import { note, printJson, printRows } from '../output.js';
import { chooseIssuer } from '../runtime/issuer.js';
import { withDatabase } from '../runtime/open-database.js';
import { readProcessSettings } from '../runtime/read-process-settings.js';
import { ROLE_NAMES } from '../runtime/roles.js';
import { serviceUrl } from '../service.js';
import { keyFolder, personFrom } from '../signing-keys.js';
import { parseTime } from '../times.js';
import { describeVerb } from '../verb.js';

const FOLDER = "folder of private keys; default: the demo domain's";
const PURPOSE = PARTY_PURPOSES.join(', ');
const KID = 'RFC 7638 thumbprint, see `keys list`';
const OVERLAP_SECONDS = 86_400;

/** `spendgate keys`: parties' keys, in this machine's files and in the registry. */
export function addKeys(program: Command): void {
  const keys = describeVerb(program.command('keys'), {
    group: 'operate',
    summary: "list, make, rotate, retire and remove parties' keys",
    example: 'spendgate keys list',
  });
  addList(keys);
  addAdd(keys);
  addRotate(keys);
  addRetire(keys);
  addRemove(keys);
}

function addList(keys: Command): void {
  const list = keys
    .command('list')
    .option('--keys <dir>', FOLDER)
    .addOption(limitOption())
    .option('--json', 'JSON Lines')
    .action(({ keys: dir, limit, json = false }: { keys?: string; limit?: string; json?: boolean }) =>
      showKeys(keyFolder(dir), readLimit(limit), json),
    );
  describeVerb(list, {
    group: 'operate',
    summary: 'registered keys with their state, and the key files of this machine',
    example: 'spendgate keys list --keys ./party-keys --json',
  });
}

function addAdd(keys: Command): void {
  const add = keys
    .command('add')
    .argument('<party>', 'party id')
    .requiredOption('--purpose <purpose>', PURPOSE)
    .option('--keys <dir>', FOLDER)
    .option('--json', 'the output is JSON in any case')
    .action((party: string, { purpose, keys: dir }: { purpose: string; keys?: string }) =>
      addKey(party, purposeOf(purpose), keyFolder(dir)),
    );
  describeVerb(add, {
    group: 'operate',
    summary: 'make a key; prints the public JWK to register with apply',
    example: 'spendgate keys add shop-agent --purpose agent --keys ./party-keys',
  });
}

interface RotateOptions {
  readonly purpose: string;
  readonly overlap: string;
  readonly url?: string;
  readonly as?: string;
  readonly keys?: string;
  readonly json?: boolean;
}

function addRotate(keys: Command): void {
  const rotate = keys
    .command('rotate')
    .argument('<party>', 'party id; its key file signs')
    .option('--purpose <purpose>', PURPOSE, 'agent')
    .option('--overlap <seconds>', 'how long the old key signs too', String(OVERLAP_SECONDS))
    .option('--url <url>', "the running service; default: this machine's")
    .option('--as <person>', "of a person's or principal's key: the operator who asks for the change")
    .option('--keys <dir>', FOLDER)
    .option('--json', 'one JSON object')
    .action((party: string, { purpose, overlap, url, keys: dir, as, json = false }: RotateOptions) =>
      rotatePartyKey({
        party,
        purpose: purposeOf(purpose),
        folder: keyFolder(dir),
        url: serviceUrl(url),
        overlapSeconds: secondsOf(overlap),
        as,
        json,
      }),
    );
  describeVerb(rotate, {
    group: 'operate',
    summary: 'go over to a new key, by a transition that both keys sign; run again, it takes up where it was',
    example: 'spendgate keys rotate shop-agent --overlap 3600 --keys ./party-keys',
    exits: '2 refused',
  });
}

function addRetire(keys: Command): void {
  const retire = actOptions(keys.command('retire').argument('<kid>', KID))
    .option('--at <time>', 'the key signs nothing from then on; default: now')
    .action(async (kid: string, { at, ...options }: ActOptions & { at?: string }) => {
      const atMs = Math.max(at === undefined ? 0 : parseTime(at), Date.now());
      const ended = await endedBy(kid, options);
      const rows = await withDatabase((pool) => retireOne(pool, ended, atMs));
      show({ rows, left: [] }, options.json ?? false);
    });
  describeVerb(retire, {
    group: 'operate',
    summary: 'let a key end; what it signed before stays as it is',
    example: "spendgate keys retire KID --at 2030-01-31T12:00:00Z --as ada --reason 'no longer used'",
    exits: '2 there is no such key, or it retires sooner',
  });
}

function addRemove(keys: Command): void {
  const remove = actOptions(keys.command('remove').argument('<kid>', KID))
    .option('--since <time>', 'also remove its successors that became active at or after this time')
    .action(async (kid: string, { since, ...options }: ActOptions & { since?: string }) => {
      const sinceMs = since === undefined ? null : parseTime(since);
      const ended = await endedBy(kid, options);
      show(await withDatabase((pool) => removeWithSuccessors(pool, ended, sinceMs)), options.json ?? false);
    });
  describeVerb(remove, {
    group: 'operate',
    summary: 'end a lost or stolen key at once: nothing it signed is accepted any more',
    example: "spendgate keys remove KID --since 2030-01-31T12:00:00Z --as ada --reason 'laptop stolen'",
    exits: '2 there is no such key, or it was removed before',
  });
}

async function endedBy(kid: string, { as, reason, keys }: ActOptions): Promise<EndedKey> {
  const issuer = chooseIssuer(readProcessSettings(ROLE_NAMES));
  return { kid, issuer, reason, person: await personFrom(keyFolder(keys), as) };
}

function show({ rows, left }: Removal, json: boolean): void {
  const flat = rows.flatMap(({ change, ids }: DifferenceRow) => ids.map((kid) => ({ kid, change })));
  if (json) printJson({ changes: flat, left: left.map(({ kid, party, state }) => ({ kid, party, state })) });
  else printRows(flat, false);
  if (rows.length === 0) process.exitCode = EXIT.denied;
  for (const { kid } of left)
    note(`still in force, signed for by a removed key: ${kid}\n  spendgate keys remove ${kid}`);
}

function purposeOf(name: string): PartyKeyPurpose {
  const purpose = PARTY_PURPOSES.find((each) => each === name);
  if (purpose === undefined) throw new StartError(`--purpose is one of ${PURPOSE}`);
  return purpose;
}

function secondsOf(text: string): number {
  const seconds = /^\d{1,8}$/.test(text) ? Number(text) : -1;
  if (seconds >= 0 && seconds <= KEY_OVERLAP_SECONDS_MAX) return seconds;
  throw new StartError(`--overlap is a number of seconds from 0 to ${KEY_OVERLAP_SECONDS_MAX}`);
}

async function addKey(party: string, purpose: PartyKeyPurpose, folder: string): Promise<void> {
  if ((await readPartySigner(folder, party, purpose)) !== undefined) {
    throw new StartError(
      `${party} has a key in ${folder} already: replace it with keys rotate, name another folder with --keys, or remove ` +
        'that file if nothing was enrolled with it',
    );
  }
  const signer = PrivateKeySigner.generate(purpose);
  await writePartyKey(folder, party, signer);
  printJson({ ...signer.jwk, kid: signer.kid, alg: signer.alg });
}
