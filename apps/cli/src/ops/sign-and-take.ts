import { type OpsActionClaims, opsContentHash, parseClaims } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import { type OpsActRow, type OpsAnswer, takeOpsAct } from '@spendgate/store';
import type { Command } from 'commander';
import { type SignedAct, signAct } from '../apply/person.js';
import { EXIT } from '../exit-codes.js';
import { note, printJson, printRows } from '../output.js';
import { chooseIssuer } from '../runtime/issuer.js';
import { withDatabase } from '../runtime/open-database.js';
import { readProcessSettings } from '../runtime/read-process-settings.js';
import { ROLE_NAMES } from '../runtime/roles.js';
import { keyFolder, personFrom } from '../signing-keys.js';

/** How long a first signature waits for a second one; an act of one person is of this moment. */
const LIFETIME_SECONDS = { waits: 86_400, now: 300 };

export interface ActOptions {
  readonly as: string;
  readonly reason: string;
  readonly keys?: string;
  readonly json?: boolean;
}

/** Options of every act a person signs at this terminal. */
export function actOptions(command: Command): Command {
  return command
    .requiredOption('--as <person>', 'who acts; signs with PERSON.jwk.json of the key folder')
    .requiredOption('--reason <text>', 'why, in words; kept for auditors')
    .option('--keys <dir>', "folder of private keys; default: the demo domain's")
    .option('--json', 'one JSON object');
}

/** What an act adds to its action and targets. */
type Details = Partial<Pick<OpsActionClaims, 'causes' | 'change_hash'>>;

/** Signs an act and has it taken. Exits with 2 when it was refused, or changed nothing. */
export async function signAndTake(
  action: string,
  targets: OpsActionClaims['targets'],
  options: ActOptions,
  details: Details = {},
): Promise<void> {
  await send({ action, targets, lifetimeSeconds: LIFETIME_SECONDS.waits, ...details }, options);
}

/** The second signature on an act that waits: for exactly what the first one says. */
export async function signApproval(waiting: OpsActRow, options: Omit<ActOptions, 'reason'>): Promise<void> {
  const first = claimsOf(waiting);
  const { action, targets, causes, reason } = first;
  const changeHash = opsContentHash(first);
  const act = { action, targets, causes, change_hash: changeHash, request: waiting.id };
  await send({ ...act, lifetimeSeconds: LIFETIME_SECONDS.now }, { ...options, reason });
}

/** Claims of an act we took: they were verified then, and are again when the second signature comes. */
export function claimsOf({ token, id }: Pick<OpsActRow, 'token' | 'id'>): OpsActionClaims {
  const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  const parsed = parseClaims('ops-action+jwt', payload);
  if (!parsed.ok) throw new StartError(`act ${id} cannot be read`);
  return parsed.claims;
}

type Act = Omit<SignedAct, 'issuer' | 'reason' | 'changeHash'> & Details;

async function send({ change_hash: changeHash, ...act }: Act, options: ActOptions): Promise<void> {
  const { as, reason, keys, json = false } = options;
  const issuer = chooseIssuer(readProcessSettings(ROLE_NAMES));
  const person = await personFrom(keyFolder(keys), as);
  const signed = { ...act, reason, issuer, ...(changeHash == null ? {} : { changeHash }) };
  const token = await signAct(person, signed);
  tell(await withDatabase((pool) => takeOpsAct(pool, token)), json);
}

function tell(answer: OpsAnswer, json: boolean): void {
  if (json) printJson(answer);
  if (!answer.ok) {
    if (!json) note(`refused: ${answer.problem}`);
    process.exitCode = EXIT.denied;
    return;
  }
  if (!json)
    printRows(
      answer.changes.map(({ kind, id, change }) => ({ what: kind, id, change })),
      false,
    );
  if (answer.state === 'waiting') {
    note(`Next, by another person within a day:\n  spendgate acts approve ${answer.act} --as PERSON`);
  } else if (answer.changes.length === 0) process.exitCode = EXIT.denied;
}
