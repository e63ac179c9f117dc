import { texts, timestamps } from '../binary-arrays.js';
import { type Queryable, type Transaction, query, statement } from '../statement.js';

/** What an attester's signed result says about an agent's runtime (RATS, EAT claim names in the token). */
export interface AttestationResult {
  readonly agentId: string;
  /** Several are joined by spaces, which no reference value contains: that result matches none. */
  readonly measurement: string;
  /** base64url SHA-256 of the evidence the attester judged. */
  readonly evidenceHash: string;
  /** Party id of the attester. */
  readonly verifier: string;
  /** RFC 7638 thumbprint of the key it is signed with: removed, it vouches for nothing any more. */
  readonly kid: string;
  readonly debug: boolean;
  readonly compromised: boolean;
  /** No later than `issuedAtMs`: the attester vouches for nothing. */
  readonly validUntilMs: number;
  /** When the attester made it, Unix ms: an older result never replaces a newer one. */
  readonly issuedAtMs: number;
  readonly token: string;
}

/**
 * The results that stand, for a FROM clause: good news stands as long as its attester is active and the key is not
 * removed. Bad news outlives both: a compromised runtime is none the better for an attester that is gone, and only
 * a newer result clears it. Parties and keys change only under the exclusive control lock, so a deciding
 * transaction sees them as they are.
 */
export const STANDING_ATTESTATIONS = `(SELECT r.* FROM attestations r WHERE r.compromised OR r.debug OR EXISTS (
     SELECT FROM party_keys k JOIN parties p ON p.kind = k.kind AND p.party_id = k.party_id AND p.state = 'active'
     WHERE k.kid = r.kid AND k.kind = 'attester' AND k.party_id = r.verifier AND k.removed_at IS NULL)) AS a`;

/** How bad news is, by the columns: contraindicated, then debugging, then a result that vouches for nothing. */
function badness(row: 'old' | 'EXCLUDED'): string {
  return `(4 * ${row}.compromised::int + 2 * ${row}.debug::int
    + (position(' ' IN ${row}.measurement) > 0 OR ${row}.valid_until <= ${row}.recorded_at)::int)`;
}

const RECORD = statement(
  'authorization-record-attestations',
  `INSERT INTO attestations AS old
     (agent_id, measurement, evidence_hash, verifier, debug, compromised, valid_until, token, recorded_at, kid)
   SELECT a.agent_id, a.measurement, a.evidence_hash, a.verifier, a.debug = 'true', a.compromised = 'true',
     a.valid_until, a.token, a.issued_at, a.kid
   FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::text[],
     $9::timestamptz[], $10::text[])
     AS a (agent_id, measurement, evidence_hash, verifier, debug, compromised, valid_until, token, issued_at, kid)
   ON CONFLICT (agent_id) DO UPDATE SET measurement = EXCLUDED.measurement, evidence_hash = EXCLUDED.evidence_hash,
     verifier = EXCLUDED.verifier, debug = EXCLUDED.debug, compromised = EXCLUDED.compromised,
     valid_until = EXCLUDED.valid_until, token = EXCLUDED.token, recorded_at = EXCLUDED.recorded_at, kid = EXCLUDED.kid
   WHERE old.recorded_at < EXCLUDED.recorded_at
     OR (old.recorded_at = EXCLUDED.recorded_at AND ${badness('old')} < ${badness('EXCLUDED')})
   RETURNING agent_id`,
);

/**
 * Keeps the newest result of each agent, of two as new the worse one. One row per agent in the call.
 *
 * @returns the agents whose row changed
 */
export async function recordAttestations(
  tx: Transaction,
  results: readonly AttestationResult[],
): Promise<ReadonlySet<string>> {
  if (results.length === 0) return new Set();
  const values = [
    texts(results.map((result) => result.agentId)),
    texts(results.map((result) => result.measurement)),
    texts(results.map((result) => result.evidenceHash)),
    texts(results.map((result) => result.verifier)),
    texts(results.map((result) => String(result.debug))),
    texts(results.map((result) => String(result.compromised))),
    timestamps(results.map((result) => result.validUntilMs)),
    texts(results.map((result) => result.token)),
    timestamps(results.map((result) => result.issuedAtMs)),
    texts(results.map((result) => result.kid)),
  ];
  const changed = await query<{ agent_id: string }>(tx, RECORD, values);
  return new Set(changed.map((row) => row.agent_id));
}

const STANDS = statement(
  'authorization-attestation-stands',
  'SELECT EXISTS (SELECT FROM attestations WHERE agent_id = $1 AND token = $2) AS stands',
);

/** Whether this very result is the one on record for its agent. @param token as it was signed */
export async function isStandingResult(db: Queryable, agentId: string, token: string): Promise<boolean> {
  const [row] = await query<{ stands: boolean }>(db, STANDS, [agentId, token]);
  return row?.stands === true;
}
