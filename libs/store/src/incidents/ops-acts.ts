import { type OpsActionClaims, canonicalize, opsContentHash, sha256, sha256Text, uuid8 } from '@spendgate/codec';
import { type ActingPerson, type OpsAction, decideApproval, isOpsAction, peopleFor } from '@spendgate/core';
import { type ControlAct, inControlAct } from '../control-lock.js';
import { verifyPerson } from '../control/verify-person.js';
import type { Pool } from '../pool.js';
import { type Queryable, execute, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';
import { type OpsAnswer, type OpsChange, type OpsDone, OpsRefused, refuseOps } from './ops-answer.js';
import { EFFECTS } from './ops-effects.js';
import { cascadeRevocations } from './revoke-parties.js';

const COLUMNS = `act_id AS id, person, action, token, request, state, content_hash AS "contentHash", answer,
  leaf_hash AS "leafHash", floor(extract(epoch FROM acted_at) * 1000)::float8 AS "actedAtMs"`;
const READ = statement('ops-act-read', `SELECT ${COLUMNS} FROM ops_acts WHERE act_id = $1`);
const WAITING = statement(
  'ops-acts-waiting',
  `SELECT ${COLUMNS} FROM ops_acts WHERE state = 'waiting' AND acted_at > now() - interval '1 day'
   ORDER BY acted_at DESC LIMIT $1`,
);
const INSERT = statement(
  'ops-act-insert',
  `INSERT INTO ops_acts (act_id, person, action, token, request, state, content_hash, answer, leaf_hash, acted_at)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, to_timestamp($10::float8 / 1000))`,
);
const DONE = statement('ops-act-done', `UPDATE ops_acts SET state = 'done' WHERE act_id = $1 AND state = 'waiting'`);

/** A person's act as it was taken. */
export interface OpsActRow {
  readonly id: string;
  readonly person: string;
  readonly action: string;
  readonly token: string;
  readonly request: string | null;
  readonly state: 'done' | 'waiting';
  readonly contentHash: string;
  readonly answer: string;
  readonly leafHash: Buffer;
  readonly actedAtMs: number;
}

/** Acts that wait for their second person, newest first; after a day the first signature is worth nothing. */
export function listWaitingActs(db: Queryable, limit: number): Promise<OpsActRow[]> {
  return guarded(() => query<OpsActRow & Record<string, unknown>>(db, WAITING, [limit]));
}

export async function readOpsAct(db: Queryable, id: string): Promise<OpsActRow | undefined> {
  const [row] = await guarded(() => query<OpsActRow & Record<string, unknown>>(db, READ, [id]));
  return row;
}

/** What a caller says of an act beside its token; both must agree with what was signed. */
interface SaidOfAct {
  /** As an idempotency key. */
  readonly jti?: string | undefined;
  /** Version of every target, as a precondition. */
  readonly version?: number | undefined;
}

/**
 * Takes a person's act: verifies it with keys registered now, has its effect under the exclusive control lock, and keeps
 * both with a leaf. When it has returned nothing can be decided on the state before.
 *
 * Idempotent by person and `jti`. An act of two people waits for the second one, who signs for the hash of exactly the
 * same action, targets and versions; nobody approves their own request. Whoever is no person, an agent for one, has no
 * key that verifies here.
 *
 * @param token `ops-action+jwt`; an attacker controls every byte
 */
export async function takeOpsAct(pool: Pool, token: string, said: SaidOfAct = {}): Promise<OpsAnswer> {
  try {
    const answer = await inControlAct(pool, (act) => take(act, token, said));
    if (answer.action === 'revoke' && answer.state === 'done' && !answer.replayed) await cascadeRevocations(pool);
    return answer;
  } catch (error) {
    if (error instanceof OpsRefused) return error.refusal;
    throw error;
  }
}

async function take(act: ControlAct, token: string, { jti, version }: SaidOfAct): Promise<OpsDone> {
  const { claims, person } = await verified(act, token);
  if (jti !== undefined && jti !== claims.jti) refuseOps('invalid', 'the idempotency key is not the jti');
  const id = uuid8(sha256(canonicalize(['ops-act', person.person, claims.jti])));
  const [known] = await query<OpsActRow & Record<string, unknown>>(act.tx, READ, [id]);
  if (known !== undefined) return repeat(known, token);
  if (version !== undefined && claims.targets.some((target) => target.version !== version)) {
    refuseOps('stale', `the act is not signed for version ${version}`);
  }
  const { action } = claims;
  const kinds = claims.targets.map(({ kind }) => kind);
  const people = isOpsAction(action) ? peopleFor(action, kinds) : null;
  if (!isOpsAction(action) || people === null) return refuseOps('invalid', `no act "${action}" on ${kinds.join(', ')}`);
  const taken = { act, id, action, claims, person, token };
  if (claims.request !== null) return approve(taken, claims.request);
  // Some causes are an approver's to clear; the table of causes says which.
  if (action !== 'clear_cause' && !person.roles.includes('operator')) {
    return refuseOps('forbidden', `${person.person} is no operator`);
  }
  const state = people === 1 ? 'done' : 'waiting';
  const leaf = record(taken, []);
  const effect = state === 'done' ? EFFECTS[action].final : EFFECTS[action].first;
  const changes = (await effect?.({ act, claims, requester: person, approver: null, leaf })) ?? [];
  return keep(taken, { state, changes, leaf, request: null, contentHash: opsContentHash(claims) });
}

interface Taken {
  readonly act: ControlAct;
  readonly id: string;
  readonly action: OpsAction;
  readonly claims: OpsActionClaims;
  readonly person: ActingPerson;
  readonly token: string;
}

/** The second signature: both are verified with the keys of now, and the first one's content is what is done. */
async function approve(taken: Taken, request: string): Promise<OpsDone> {
  const { act, claims, person } = taken;
  const [waiting] = await query<OpsActRow & Record<string, unknown>>(act.tx, READ, [request]);
  if (waiting?.state !== 'waiting') return refuseOps('absent', 'no such act is waiting');
  const first = await verified(act, waiting.token);
  const isForThis = claims.action === waiting.action && claims.change_hash === opsContentHash(first.claims);
  const sameTargets = canonicalize(claims.targets) === canonicalize(first.claims.targets);
  if (!isForThis || !sameTargets) return refuseOps('invalid', 'the signature is for another act');
  const decision = decideApproval(first.person, person);
  if (decision.outcome === 'refused') return refuseOps('forbidden', decision.because);
  const leaf = record(taken, [waiting.leafHash]);
  const moment = { act, claims: first.claims, requester: first.person, approver: person, leaf };
  const changes = await EFFECTS[taken.action].final(moment);
  await execute(act.tx, DONE, [request]);
  return keep(taken, { state: 'done', changes, leaf, request, contentHash: waiting.contentHash });
}

async function verified(act: ControlAct, token: string): Promise<{ claims: OpsActionClaims; person: ActingPerson }> {
  const verdict = await verifyPerson(act, token);
  if (verdict.ok) return verdict;
  const { code, problem } = verdict;
  throw new OpsRefused({ ok: false, because: 'unverified', code, problem });
}

function record({ act, id, claims, person, token }: Taken, causes: readonly Buffer[]): Buffer {
  const { action, targets, reason, request } = claims;
  const payload = { act: action, id, targets, person: person.person, reason, request, token };
  return act.record({ type: 'ops_action', payload, causes });
}

interface Outcome {
  readonly state: OpsDone['state'];
  readonly changes: readonly OpsChange[];
  readonly leaf: Buffer;
  readonly request: string | null;
  readonly contentHash: string;
}

async function keep({ act, id, action, person, token }: Taken, outcome: Outcome): Promise<OpsDone> {
  const { state, changes, leaf, request, contentHash } = outcome;
  const told = { act: id, action, state, contentHash, changes };
  const values = [id, person.person, action, token, request, state, contentHash, canonicalize(told), leaf, act.atMs];
  await execute(act.tx, INSERT, values);
  return { ok: true, ...told, replayed: false };
}

/** The same bytes: the answer of then. Another act under the same jti: a conflict. */
function repeat({ token, answer }: OpsActRow, again: string): OpsDone {
  if (sha256Text(token) !== sha256Text(again)) refuseOps('conflict', 'this jti was used for another act');
  return { ok: true, ...(JSON.parse(answer) as Omit<OpsDone, 'ok' | 'replayed'>), replayed: true }; // as: our own column
}
