import { uuids } from '../binary-arrays.js';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';
import type { Write } from '../together.js';

/** An artifact somebody wants to renew, with its hold and the decision that issued it. Amounts: decimal text, major units. */
export interface RenewingArtifact {
  readonly artifactId: string;
  readonly flowId: string;
  readonly agentId: string;
  readonly audience: string;
  readonly epoch: number;
  readonly claimsHash: Buffer;
  /** 0 valid, 1 revoked, 2 suspended. */
  readonly status: number;
  readonly decisionId: string;
  readonly intentId: string;
  readonly attempt: number;
  /** The agent's intent, as received. */
  readonly request: string;
  readonly readSet: string;
  readonly leafHash: Buffer;
  readonly holdId: string;
  readonly path: readonly string[];
  readonly currency: string;
  readonly amount: string;
  readonly held: string;
  readonly capturing: string;
  readonly captured: string;
  readonly released: string;
  readonly refunded: string;
  readonly restored: string;
  readonly mode: string;
  readonly maxCaptures: number;
  readonly captureCount: number;
  readonly ended: boolean;
  readonly expiresAtMs: number;
  readonly settleByMs: number;
  /** The same renewal was granted before: by this decision, on this body. */
  readonly grantedBy: string | null;
  readonly grantedBody: Buffer | null;
}

const MS = (column: string): string => `floor(extract(epoch FROM ${column}) * 1000)::float8`;
const MONEY = ['amount', 'held', 'capturing', 'captured', 'released', 'refunded', 'restored'];
const RENEWING = statement(
  'renewal-artifact',
  `SELECT a.artifact_id AS "artifactId", a.flow_id AS "flowId", a.agent_id AS "agentId", a.audience, a.epoch,
     a.claims_hash AS "claimsHash", a.status, d.decision_id AS "decisionId", d.intent_id AS "intentId", d.attempt,
     d.request, d.read_set AS "readSet", d.leaf_hash AS "leafHash", h.hold_id AS "holdId", h.path::text[] AS path,
     h.currency, ${MONEY.map((name) => `trim_scale(h.${name})::text AS ${name}`).join(', ')}, h.mode,
     h.max_captures AS "maxCaptures", h.capture_count AS "captureCount", h.ended,
     ${MS('h.expires_at')} AS "expiresAtMs", ${MS('h.settle_by')} AS "settleByMs",
     r.decision_id AS "grantedBy", r.body_hash AS "grantedBody"
   FROM artifacts a
   JOIN decisions d ON d.decision_id = a.decision_id AND d.flow_id = a.flow_id
   JOIN holds h ON h.hold_id = a.hold_id AND h.flow_id = a.flow_id
   LEFT JOIN renewals r ON r.renewal_id = $2 AND r.flow_id = a.flow_id
   WHERE a.artifact_id = $1`,
);

/**
 * Asked before the locks to learn what to lock, and again after them to decide. The locks of the flow and of its levels
 * keep it as it is: whoever moves a hold holds the budgets of its path.
 *
 * @returns `undefined`: no such artifact was issued
 */
export async function readRenewingArtifact(
  db: Queryable,
  artifactId: string,
  renewalId: string,
): Promise<RenewingArtifact | undefined> {
  const [row] = await guarded(() =>
    query<RenewingArtifact & Record<string, unknown>>(db, RENEWING, [artifactId, renewalId]),
  );
  return row;
}

/** A hold under its new artifact. */
export interface RenewedHold {
  readonly holdId: string;
  readonly flowId: string;
  readonly artifactId: string;
  readonly held: string;
  readonly released: string;
  readonly maxCaptures: number;
  readonly expiresAtMs: number;
  readonly settleByMs: number;
}

export interface RenewalRow {
  readonly renewalId: string;
  readonly flowId: string;
  /** The artifact that is replaced. */
  readonly artifactId: string;
  readonly decisionId: string;
  readonly renewedBy: string;
  readonly bodyHash: Buffer;
  readonly token: string;
  readonly judgedAtMs: number;
}

const RENEW_HOLD = statement(
  'renewal-hold',
  `UPDATE holds SET artifact_id = $3::uuid, held = $4::numeric, released = $5::numeric, max_captures = $6::integer,
     expires_at = $7::timestamptz, settle_by = $8::timestamptz, version = version + 1,
     ends_at = CASE WHEN capture_count = 0 THEN $7::timestamptz ELSE $8::timestamptz END
   WHERE hold_id = $1::uuid AND flow_id = $2::uuid`,
);
const REVOKE = statement(
  'renewal-revoke',
  'UPDATE artifacts SET status = 1 WHERE artifact_id = ANY ($1::uuid[]) AND flow_id = $2::uuid',
);
const INSERT = statement(
  'renewal-insert',
  `INSERT INTO renewals (renewal_id, flow_id, artifact_id, decision_id, renewed_by, body_hash, token, judged_at)
   VALUES ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::text, $6::bytea, $7::text, $8::timestamptz)`,
);

/** The hold goes to its new artifact, the old one ends for everybody, and the renewal is remembered: three writes. */
export function renewWrites(hold: RenewedHold, renewal: RenewalRow): Write[] {
  const { holdId, flowId, artifactId, held, released, maxCaptures, expiresAtMs, settleByMs } = hold;
  const [ends, settleBy] = [new Date(expiresAtMs), new Date(settleByMs)];
  const { renewalId, decisionId, renewedBy, bodyHash, token, judgedAtMs } = renewal;
  const old = renewal.artifactId;
  return [
    { statement: RENEW_HOLD, values: [holdId, flowId, artifactId, held, released, maxCaptures, ends, settleBy] },
    { statement: REVOKE, values: [uuids([old]), flowId] },
    {
      statement: INSERT,
      values: [renewalId, flowId, old, decisionId, renewedBy, bodyHash, token, new Date(judgedAtMs)],
    },
  ];
}
