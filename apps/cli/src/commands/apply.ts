import { RULES_VERSION } from '@spendgate/core';
import { StartError } from '@spendgate/platform';
import {
  type ChangeRequest,
  hasDecided,
  listOpenChanges,
  migrate,
  openDomain,
  readChangeRequest,
} from '@spendgate/store';
import type { Pool } from '@spendgate/store';
import { isUuid } from '@spendgate/codec';
import type { Command } from 'commander';
import { applyNow, approve, askForChange, changeOf } from '../apply/apply-change.js';
import type { Change } from '../apply/change.js';
import { type DifferenceRow, readDifference } from '../apply/difference.js';
import { readPolicyReach } from '../apply/policy-reach.js';
import { type ApplyPlace, prepareChanges } from '../apply/prepare-change.js';
import { readDomainFile } from '../apply/read-domain-file.js';
import { note, printJson, printRows } from '../output.js';
import { dataFolders } from '../runtime/data-folders.js';
import { DEMO_ISSUER, chooseIssuer } from '../runtime/issuer.js';
import { openDatabase } from '../runtime/open-database.js';
import { readProcessSettings } from '../runtime/read-process-settings.js';
import { ROLE_NAMES } from '../runtime/roles.js';
import { personFrom } from '../signing-keys.js';
import { describeVerb } from '../verb.js';

interface Options {
  readonly keys?: string;
  readonly as?: string;
  readonly approve?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

const IDS_SHOWN = 4;
/** Ids are shortened for people; `--json` has them whole. */
const ID_CHARS = 20;
const OPEN_SHOWN = 10;

/** `spendgate apply`: declares parties, counterparties, policies and mandates; by two people once the domain decides. */
export function addApply(program: Command): void {
  const command = program
    .command('apply')
    .argument('[file]', 'YAML or JSON; examples/demo/domain.yaml shows every part')
    .option('--keys <dir>', "folder of the parties' private keys; a missing one is made there")
    .option('--as <person>', 'who asks, or approves; signs with PERSON.jwk.json of the key folder')
    .option('--approve <id>', 'approve this change instead of asking for one; without --as it is only shown')
    .option('--reason <text>', 'why, in words; kept for auditors')
    .option('--json', 'JSON Lines, {"applied", "request", "changes"} for each change')
    .action(apply);
  describeVerb(command, {
    group: 'operate',
    summary: 'declare parties, counterparties, policies and mandates',
    example:
      'spendgate apply examples/cdnow/domain.yaml\n' +
      '  spendgate apply domain.yaml --as ada && spendgate apply --approve ID --as grace',
  });
}

async function apply(name: string | undefined, options: Options): Promise<void> {
  const settings = readProcessSettings(ROLE_NAMES);
  const issuer = chooseIssuer(settings);
  const database = await openDatabase(settings.SPENDGATE_DATA, options.approve === undefined);
  const folders = dataFolders(settings.SPENDGATE_DATA);
  const place: ApplyPlace = {
    pool: database.pool,
    issuer,
    domainKeys: folders.domainKeys,
    partyKeys: options.keys ?? folders.partyKeys,
    passphrase: settings.SPENDGATE_KEY_PASSPHRASE,
    nowMs: Date.now(),
  };
  try {
    if (options.approve !== undefined) return await approveOne(options.approve, place, options);
    if (name === undefined) throw new StartError('name the FILE to apply, or the change to --approve');
    if (settings.SPENDGATE_DATABASE_URL === undefined) await migrate(database.url);
    const kind = issuer === DEMO_ISSUER ? 'demo' : 'own';
    await openDomain(database.pool, { issuer, kind, rulesVersion: RULES_VERSION });
    await applyFile(name, place, options);
  } finally {
    await database.close();
  }
}

async function applyFile(name: string, place: ApplyPlace, options: Options): Promise<void> {
  const domain = readDomainFile(name);
  const declared = domain.file.domain;
  if (declared !== undefined && declared.issuer !== place.issuer) {
    throw new StartError(`${name} declares domain ${declared.issuer}, this is ${place.issuer}: set SPENDGATE_ISSUER`);
  }
  const isDecided = await hasDecided(place.pool);
  const changes = await prepareChanges(domain, place, !isDecided);
  for (const change of changes)
    await (isDecided ? ask(change, name, place, options) : applyOne(change, place, options));
  if (!isDecided) warnOfLockOut(domain.file.people);
}

async function applyOne(change: Change, { pool }: ApplyPlace, { json }: Options): Promise<void> {
  show({ applied: true, request: null, rows: await applyNow(pool, change) }, json);
}

async function ask(change: Change, name: string, place: ApplyPlace, { as, reason, json }: Options): Promise<void> {
  const { pool, issuer, partyKeys } = place;
  const rows = await readDifference(pool, change);
  if (rows.length === 0) return show({ applied: false, request: null, rows }, json);
  await warnOfPolicies(pool, change);
  if (as === undefined) {
    show({ applied: false, request: null, rows }, json);
    throw new StartError(
      `nothing was applied: this domain has decided, so a change takes two people.\nNext: spendgate apply ${name} --as PERSON`,
    );
  }
  const person = await personFrom(partyKeys, as);
  const request = await askForChange(pool, { change, issuer, person, reason: reason ?? `apply ${name}`.slice(0, 500) });
  show({ applied: false, request, rows }, json);
  note(
    `Nothing is in force yet. Next, by another person within a day:\n  spendgate apply --approve ${request} --as PERSON`,
  );
}

async function approveOne(id: string, { pool, issuer, partyKeys }: ApplyPlace, { as, json }: Options): Promise<void> {
  const request = isUuid(id) ? await readChangeRequest(pool, id) : undefined;
  if (request === undefined || request.approvedBy !== null) throw await notWaiting(pool, id, request);
  if (as !== undefined) {
    const person = await personFrom(partyKeys, as);
    return show({ applied: true, request: id, rows: await approve(pool, { request, issuer, person }) }, json);
  }
  show({ applied: false, request: id, rows: await readDifference(pool, changeOf(request)) }, json);
  await warnOfPolicies(pool, changeOf(request));
  note(`Asked for by ${request.requestedBy}: ${request.reason}\nNext: spendgate apply --approve ${id} --as PERSON`);
}

/** Whom another policy stops is seen before anybody signs. */
async function warnOfPolicies(pool: Pool, change: Change): Promise<void> {
  if (change.kind !== 'declare') return;
  for (const { policy, currency, live, affected, amount } of await readPolicyReach(pool, change.policies)) {
    if (affected === 0) continue;
    note(`policy ${policy}: ${affected} of ${live} live artifacts (${amount} ${currency}) would be policy_mismatch until renewed`); // prettier-ignore
  }
}

async function notWaiting(pool: Pool, id: string, request: ChangeRequest | undefined): Promise<StartError> {
  const open = (await listOpenChanges(pool, OPEN_SHOWN)).map((each) => `  ${each.id} by ${each.requestedBy}`);
  const waiting = open.length === 0 ? 'none is waiting' : `waiting:\n${open.join('\n')}`;
  const found = request === undefined ? 'there is no change' : `${request.approvedBy} has approved`;
  return new StartError(`${found} ${id}; ${waiting}`);
}

interface Shown {
  readonly applied: boolean;
  readonly request: string | null;
  readonly rows: readonly DifferenceRow[];
}

function show({ applied, request, rows }: Shown, json = false): void {
  if (json) return printJson({ applied, request, changes: rows });
  if (rows.length === 0) return note('nothing to change: all of it is recorded already');
  printRows(
    rows.map(({ what, change, count, ids }) => ({ what, change, count, which: shorten(ids) })),
    false,
  );
}

function shorten(ids: readonly string[]): string {
  const rest = ids.length - IDS_SHOWN;
  const short = ids.slice(0, IDS_SHOWN).map((id) => (id.length > ID_CHARS ? `${id.slice(0, ID_CHARS)}…` : id));
  return short.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

/** Told while it can still be mended by one person: afterwards nobody could change anything. */
function warnOfLockOut(people: readonly { readonly roles: readonly string[] }[]): void {
  const holding = (role: string): number => people.filter(({ roles }) => roles.includes(role)).length;
  if (people.length >= 2 && holding('operator') > 0 && holding('approver') > 0) return;
  note('This file declares no operator and another approver: once the domain has decided, nobody can change it.');
}
