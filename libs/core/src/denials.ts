import { InvariantError } from './errors.js';

/**
 * Every reason a request is refused for, in order of precedence: when several apply, the first row is reported.
 * A code is never renamed and never reused. `admission` and `settlement` say what the row does at the authorizer and at
 * the gate (`null`: cannot arise there), `http` the status it is answered with, `when` the condition, `next` what the
 * caller can do. A new row does not compile until its check, or the door that decides it, is named.
 */
// prettier-ignore
export const DENIALS = [
  { code: 'rate_limited', admission: 'deny', settlement: 'deny', http: 429,
    when: "the caller's or flow's token bucket is empty",
    next: 'wait retry_after and send the same request again' },
  { code: 'too_large', admission: 'deny', settlement: 'deny', http: 413,
    when: 'the request exceeds its named byte limit',
    next: 'send less' },
  { code: 'encoding_invalid', admission: 'deny', settlement: 'deny', http: 400,
    when: 'not UTF-8, a lone surrogate, a NUL or a forbidden code point',
    next: 'fix the encoding' },
  { code: 'artifact_missing', admission: null, settlement: 'deny', http: 401,
    when: 'the settlement request names no artifact',
    next: 'obtain an artifact first' },
  { code: 'malformed', admission: 'deny', settlement: 'deny', http: 400,
    when: 'not a strict compact JWS, not I-JSON, a duplicate key, or a required claim missing or of the wrong type',
    next: 'see field' },
  { code: 'type_mismatch', admission: 'deny', settlement: 'deny', http: 400,
    when: "the token's typ is not the one this door takes",
    next: 'send the right object' },
  { code: 'header_forbidden', admission: 'deny', settlement: 'deny', http: 400,
    when: 'the JWS header has jwk, jku, x5u, x5c, crit, b64, zip or an unknown member',
    next: 'remove it' },
  { code: 'algorithm_forbidden', admission: 'deny', settlement: 'deny', http: 400,
    when: "alg is not allowed or is not the key's own",
    next: 'sign with the registered key and its algorithm' },
  { code: 'unknown_field', admission: 'deny', settlement: 'deny', http: 400,
    when: 'a claim the schema does not know',
    next: 'see field' },
  { code: 'key_unknown', admission: 'deny', settlement: 'deny', http: 401,
    when: 'no registered key of this purpose has this kid',
    next: 'register the key' },
  { code: 'key_retired', admission: 'deny', settlement: 'deny', http: 401,
    when: 'the key is retired, removed or not yet active',
    next: 'sign with the current key' },
  { code: 'signature_invalid', admission: 'deny', settlement: 'deny', http: 401,
    when: 'the signature does not verify, or its iat is more than 60 s ahead of ours',
    next: 'sign again with the registered key' },
  { code: 'issuer_unknown', admission: 'deny', settlement: 'deny', http: 401,
    when: 'iss is no known domain or party',
    next: 'check iss' },
  { code: 'domain_mismatch', admission: 'deny', settlement: 'deny', http: 403,
    when: 'the object belongs to another domain and no peering admits it',
    next: 'use the domain it was issued in' },
  { code: 'audience_mismatch', admission: 'deny', settlement: 'deny', http: 403,
    when: 'the presenter is not aud, its key is not cnf.jkt or its signed successor, or it does not settle for this counterparty',
    next: 'the bound settlement service must present it' },
  { code: 'clock_untrusted', admission: 'deny', settlement: 'deny', http: 503,
    when: "the log's clock and the database's differ beyond the bound",
    next: 'retry later; operators are alerted' },
  { code: 'internal_denied', admission: 'deny', settlement: 'deny', http: 500,
    when: 'an unexpected error in the decision path',
    next: 'retry with the same key; operators are alerted' },
  { code: 'audit_unavailable', admission: 'deny', settlement: 'deny', http: 503,
    when: 'the audit leaf cannot be written or too few witnesses are current',
    next: 'retry later' },
  { code: 'trust_unverifiable', admission: 'deny', settlement: 'deny', http: 503,
    when: 'a fact the decision needs could not be established; names the missing source, freshness or coverage',
    next: 'retry after it is re-verified' },
  { code: 'domain_stale', admission: 'deny', settlement: 'deny', http: 503,
    when: "the peer domain's head is older than the bound",
    next: 'retry later' },
  { code: 'domain_divergence', admission: 'deny', settlement: 'deny', http: 403,
    when: 'the peer domain showed an inconsistent history',
    next: 'the peering is contained' },
  { code: 'governance_discontinuity', admission: 'deny', settlement: 'deny', http: 403,
    when: 'an epoch, key set or policy version went back, was skipped or is unsigned',
    next: 'operators must restore continuity' },
  { code: 'artifact_not_issued', admission: null, settlement: 'deny', http: 403,
    when: 'no artifact of this jti was issued or its claims differ from the stored ones',
    next: 'do not use this artifact' },
  { code: 'idempotency_conflict', admission: 'deny', settlement: 'deny', http: 422,
    when: 'the same id was used with another body',
    next: 'use a new id' },
  { code: 'intent_replayed', admission: 'deny', settlement: null, http: 409,
    when: 'this intent was already decided; the answer carries that decision',
    next: 'use the recorded decision' },
  { code: 'intent_expired', admission: 'deny', settlement: null, http: 403,
    when: "judged at or after the intent's exp",
    next: 'sign a new intent' },
  { code: 'deadline_passed', admission: 'deny', settlement: null, http: 403,
    when: "judged at or after the intent's deadline (also in the queue or parked)",
    next: 'sign a new intent' },
  { code: 'agent_unknown', admission: 'deny', settlement: null, http: 403,
    when: 'the agent is not registered or is disabled',
    next: 'register the agent' },
  { code: 'agent_key_mismatch', admission: 'deny', settlement: null, http: 403,
    when: "the signing key is not one of this agent's",
    next: "sign with the agent's key" },
  { code: 'identity_discontinuity', admission: 'deny', settlement: 'deny', http: 403,
    when: "the agent's key or platform changed without a signed transition",
    next: 'make a signed key transition; the flow is contained' },
  { code: 'mandate_unknown', admission: 'deny', settlement: null, http: 404,
    when: "no such mandate or not this agent's",
    next: 'check the mandate id' },
  { code: 'mandate_expired', admission: 'deny', settlement: 'deny', http: 403,
    when: 'outside the validity of the mandate or of one of its ancestors',
    next: 'ask for a new version' },
  { code: 'mandate_revoked', admission: 'deny', settlement: 'deny', http: 403,
    when: 'the mandate or an ancestor is revoked',
    next: 'final' },
  { code: 'authorization_discontinuity', admission: 'deny', settlement: 'deny', http: 403,
    when: 'the chain to the root principal has a gap: parent missing, voided, or a signature that does not cover the child',
    next: 'restore the chain; the flow is contained' },
  { code: 'lineage_fragmented', admission: 'deny', settlement: 'deny', http: 403,
    when: "a parent in the artifact's lineage is missing or its hash differs",
    next: 'the flow is contained' },
  { code: 'flow_revoked', admission: 'deny', settlement: 'deny', http: 403,
    when: 'the flow is revoked',
    next: 'final' },
  { code: 'flow_contained', admission: 'deny or park', settlement: 'deny', http: 409,
    when: 'the flow, or a scope over it, is halted',
    next: 'retry after release' },
  { code: 'flow_not_activated', admission: 'deny', settlement: null, http: 409,
    when: 'the flow has not reached phase 3',
    next: 'complete baseline and attestation' },
  { code: 'drift_detected', admission: 'deny', settlement: 'deny', http: 409,
    when: 'this very event showed the drift that contains the flow',
    next: 'the flow is contained' },
  { code: 'currency_unsupported', admission: 'deny', settlement: 'deny', http: 400,
    when: 'not an ISO 4217 code with an exponent nor a configured asset',
    next: 'use a supported currency' },
  { code: 'currency_precision', admission: 'deny', settlement: 'deny', http: 400,
    when: 'more digits than the currency has',
    next: 'see field' },
  { code: 'amount_invalid', admission: 'deny', settlement: 'deny', http: 400,
    when: 'not a decimal string in canonical spelling, not positive, or too long',
    next: 'see field' },
  { code: 'currency_mismatch', admission: 'deny', settlement: 'deny', http: 403,
    when: "not the mandate's or artifact's currency",
    next: 'use that currency' },
  { code: 'scope_mismatch', admission: 'deny', settlement: 'deny', http: 403,
    when: 'action, counterparty, reference or another scope field differs from the mandate or artifact; names the field',
    next: 'see field' },
  { code: 'scope_escalation', admission: 'deny', settlement: null, http: 403,
    when: 'a created or amended child mandate would be wider than its parent; names the dimension',
    next: 'narrow it' },
  { code: 'per_transaction_limit', admission: 'deny', settlement: null, http: 403,
    when: 'amount above the per-transaction limit of a level',
    next: 'see limit' },
  { code: 'counterparty_limit', admission: 'deny', settlement: null, http: 403,
    when: "the counterparty's or category's limit of a level would be exceeded",
    next: 'see limit' },
  { code: 'window_limit', admission: 'deny', settlement: null, http: 403,
    when: "a window's amount or count of a level would be exceeded",
    next: 'retry_after the window moves' },
  { code: 'budget_exceeded', admission: 'deny', settlement: null, http: 403,
    when: 'available of a level is less than the amount',
    next: 'see limit' },
  { code: 'environment_unattested', admission: 'deny', settlement: 'deny', http: 403,
    when: 'the mandate requires attestation and none is on record',
    next: 'present an attestation result' },
  { code: 'environment_stale', admission: 'deny', settlement: 'deny', http: 403,
    when: 'the attestation result is past its time',
    next: 'attest again; heals by itself' },
  { code: 'environment_integrity_failure', admission: 'deny', settlement: 'deny', http: 403,
    when: 'a measurement is not a reference value',
    next: 'the flow is contained' },
  { code: 'runtime_integrity_failure', admission: 'deny', settlement: 'deny', http: 403,
    when: 'debug is on or the attester reports a compromised runtime',
    next: 'the flow is contained' },
  { code: 'policy_unavailable', admission: 'deny', settlement: 'deny', http: 503,
    when: 'no active policy set could be loaded',
    next: 'retry later' },
  { code: 'policy_error', admission: 'deny', settlement: 'deny', http: 403,
    when: 'the policy evaluation reported any error',
    next: 'fix the policy' },
  { code: 'policy_mismatch', admission: null, settlement: 'deny', http: 409,
    when: 'the policy slice that applies is not the one the artifact was issued under',
    next: 'renew the artifact' },
  { code: 'policy_denied', admission: 'deny', settlement: null, http: 403,
    when: 'the policy says no; names the policy id',
    next: 'see policy' },
  { code: 'approval_required', admission: 'park', settlement: null, http: 202,
    when: 'a person must approve',
    next: 'wait or poll' },
  { code: 'approval_refused', admission: 'deny', settlement: null, http: 403,
    when: 'an approver said no',
    next: 'see reason' },
  { code: 'artifact_not_yet_valid', admission: null, settlement: 'deny', http: 403,
    when: 'judged before nbf',
    next: 'wait' },
  { code: 'artifact_expired', admission: null, settlement: 'deny', http: 403,
    when: 'first capture judged at or after exp',
    next: 'ask for a new artifact or renew' },
  { code: 'settle_by_passed', admission: null, settlement: 'deny', http: 403,
    when: 'capture judged at or after settle_by',
    next: 'ask for a new artifact' },
  { code: 'artifact_revoked', admission: null, settlement: 'deny', http: 403,
    when: 'the artifact is revoked or replaced by a renewal',
    next: 'use the renewal or stop' },
  { code: 'artifact_suspended', admission: null, settlement: 'deny', http: 409,
    when: "the artifact's flow or scope is quarantined",
    next: 'retry after release' },
  { code: 'artifact_consumed', admission: null, settlement: 'deny', http: 409,
    when: 'nothing is left to capture or the capture was final',
    next: 'stop' },
  { code: 'capture_limit', admission: null, settlement: 'deny', http: 403,
    when: 'max_captures reached or the mode allows one',
    next: 'stop' },
  { code: 'amount_exceeds_artifact', admission: null, settlement: 'deny', http: 403,
    when: 'amount above what the hold has left (capture) or was captured (refund)',
    next: 'see limit' },
] as const satisfies readonly DenialRow[];

/** Shape of a row; the table itself keeps its literal types, so that codes are a union and not a string. */
interface DenialRow {
  readonly code: string;
  readonly admission: 'deny' | 'park' | 'deny or park' | null;
  readonly settlement: 'deny' | null;
  readonly http: number;
  readonly when: string;
  readonly next: string;
}

type Row = (typeof DENIALS)[number];
export type DenialCode = Row['code'];
/** Codes the authorizer may answer with. */
export type AdmissionDenial = Exclude<Row, { admission: null }>['code'];
/** Codes the settlement gate may answer with. */
export type SettlementDenial = Extract<Row, { settlement: 'deny' }>['code'];

const ROWS: ReadonlyMap<string, Row> = new Map(DENIALS.map((row) => [row.code, row]));
const PRECEDENCE: ReadonlyMap<string, number> = new Map(DENIALS.map((row, index) => [row.code, index]));

/** The row of a code. Total over the union, hence no undefined. */
export function denial(code: DenialCode): Row {
  const row = ROWS.get(code);
  if (row === undefined) throw new InvariantError('ERR_UNKNOWN_DENIAL', `no denial "${code}"`);
  return row;
}

export function isDenialCode(value: string): value is DenialCode {
  return ROWS.has(value);
}

/** Position in the table, 0 first: the smaller wins when several apply. */
export function precedence(code: DenialCode): number {
  return PRECEDENCE.get(code) ?? DENIALS.length;
}

/** Codes after which the very same request can later be answered otherwise. */
const RETRYABLE: ReadonlySet<DenialCode> = new Set<DenialCode>([
  'rate_limited',
  'clock_untrusted',
  'internal_denied',
  'audit_unavailable',
  'trust_unverifiable',
  'domain_stale',
  'flow_contained',
  'flow_not_activated',
  'window_limit',
  'environment_unattested',
  'environment_stale',
  'policy_unavailable',
  'approval_required',
  'artifact_not_yet_valid',
  'artifact_suspended',
]);

/** True when the same intention may succeed later without a change of its content (design: `retryable`). */
export function isRetryable(code: DenialCode): boolean {
  return RETRYABLE.has(code);
}
