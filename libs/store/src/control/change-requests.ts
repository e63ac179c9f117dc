import { sha256, sha256Text, uuid8 } from '@spendgate/codec';
import { decideApproval } from '@spendgate/core';
import type { ControlAct } from '../control-lock.js';
import { type Queryable, execute, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';
import { verifyPerson } from './verify-person.js';

/** A change one person asked for and another must approve. */
export interface ChangeRequest {
  readonly id: string;
  /** RFC 8785 form of what is asked for; its SHA-256 is in both signatures. */
  readonly content: string;
  readonly reason: string;
  readonly requestedBy: string;
  readonly requestedAtMs: number;
  /** `null` while it waits. */
  readonly approvedBy: string | null;
}

/** The names both tokens carry, so that one kind of act is never taken for the other. */
export const CHANGE_ACTIONS = { request: 'request_change', approve: 'approve_change' } as const;

const COLUMNS = `change_id AS id, content, reason, requested_by AS "requestedBy", approved_by AS "approvedBy",
  floor(extract(epoch FROM requested_at) * 1000)::float8 AS "requestedAtMs"`;
const INSERT = statement(
  'change-request-insert',
  `INSERT INTO change_requests (change_id, content, change_hash, reason, requested_by, request_token, request_leaf,
     requested_at) VALUES ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8 / 1000.0))`,
);
const READ = statement('change-request-read', `SELECT ${COLUMNS} FROM change_requests WHERE change_id = $1`);
const OPEN = statement(
  'change-requests-open',
  `SELECT ${COLUMNS} FROM change_requests WHERE applied_at IS NULL ORDER BY requested_at DESC LIMIT $1`,
);
const TOKENS_OF = statement(
  'change-request-tokens',
  `SELECT request_token AS token, request_leaf AS leaf, change_hash AS hash FROM change_requests
   WHERE change_id = $1 AND applied_at IS NULL`,
);
const APPLY = statement(
  'change-request-apply',
  `UPDATE change_requests SET approved_by = $2, approval_token = $3, applied_at = to_timestamp($4 / 1000.0)
   WHERE change_id = $1`,
);

export type ChangeVerdict =
  | { readonly ok: true; readonly id: string; readonly content: string }
  | { readonly ok: false; readonly problem: string };

/**
 * Stores a change that waits for a second person; nothing else happens. Its leaf says who asked for what.
 *
 * @param content RFC 8785 form
 * @param token `ops-action+jwt` of an operator over the content's hash; the request lives as long as it
 */
export async function requestChange(act: ControlAct, content: string, token: string): Promise<ChangeVerdict> {
  const verdict = await verifyPerson(act, token);
  if (!verdict.ok) return verdict;
  const { claims, person } = verdict;
  const hash = sha256Text(content);
  if (claims.action !== CHANGE_ACTIONS.request || claims.request !== null || claims.change_hash !== hash) {
    return refuse('the signature is for another act');
  }
  if (!person.roles.includes('operator')) return refuse(`${person.person} is no operator`);
  const id = uuid8(sha256(token));
  const leaf = act.record({
    type: 'ops_action',
    payload: { act: 'change_requested', change: id, change_hash: hash, person: person.person, token },
    event: { name: 'change_requested', subject: { kind: 'change', id } },
  });
  await execute(act.tx, INSERT, [id, content, hash, claims.reason, person.person, token, leaf, act.atMs]);
  return { ok: true, id, content };
}

/**
 * Marks a waiting change as approved, after both signatures were verified again with keys registered now. The caller
 * applies the content in this same act, or throws, which undoes the approval as well.
 *
 * @param token `ops-action+jwt` of an approver who is not the requester, over the same hash
 */
export async function approveChange(act: ControlAct, id: string, token: string): Promise<ChangeVerdict> {
  const [waiting] = await query<{ token: string; leaf: Buffer; hash: string }>(act.tx, TOKENS_OF, [id]);
  const found = await readChangeRequest(act.tx, id);
  if (waiting === undefined || found === undefined) return refuse('no such change is waiting');
  if (sha256Text(found.content) !== waiting.hash) return refuse('the stored change is not the one that was signed');
  const requested = await verifyPerson(act, waiting.token);
  if (!requested.ok) return refuse(`the request: ${requested.problem}`);
  const approved = await verifyPerson(act, token);
  if (!approved.ok) return refuse(`the approval: ${approved.problem}`);
  const { claims } = approved;
  const isForThis = claims.action === CHANGE_ACTIONS.approve && claims.request === id;
  if (!isForThis || claims.change_hash !== waiting.hash || requested.claims.change_hash !== waiting.hash) {
    return refuse('a signature is for another change');
  }
  const decision = decideApproval(requested.person, approved.person);
  if (decision.outcome === 'refused') return refuse(decision.because);
  const { person: by } = approved.person;
  const tokens = { request_token: waiting.token, approval_token: token };
  act.record({
    type: 'ops_action',
    payload: { act: 'change_approved', change: id, change_hash: waiting.hash, person: by, ...tokens },
    causes: [waiting.leaf],
    event: { name: 'change_approved', subject: { kind: 'change', id } },
  });
  await execute(act.tx, APPLY, [id, by, token, act.atMs]);
  return { ok: true, id, content: found.content };
}

/** `undefined`: there never was one. */
export async function readChangeRequest(db: Queryable, id: string): Promise<ChangeRequest | undefined> {
  const [row] = await guarded(() => query<ChangeRequest & Record<string, unknown>>(db, READ, [id]));
  return row;
}

/** Changes that wait for their second person, newest first. */
export function listOpenChanges(db: Queryable, limit: number): Promise<ChangeRequest[]> {
  return guarded(() => query<ChangeRequest & Record<string, unknown>>(db, OPEN, [limit]));
}

function refuse(problem: string): ChangeVerdict {
  return { ok: false, problem };
}
