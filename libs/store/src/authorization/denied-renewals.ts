import { canonicalize } from '@spendgate/codec';
import { type Queryable, query, statement } from '../statement.js';
import type { StoredDecision } from './stored-decisions.js';

/** What a refused renewal was judged by: it makes no decision, its leaf keeps what one would. */
export type DeniedRenewalRecord = Pick<
  StoredDecision,
  'decisionId' | 'intentId' | 'request' | 'readSet' | 'outcome' | 'code' | 'field' | 'bodyHash' | 'decisionHash'
>;

interface Row {
  readonly leaf_hash: Buffer;
  readonly payload: string;
  readonly request: string;
  readonly body_hash: Buffer;
}
/** Members of the payload `renewal-denial/1` that a recomputation needs. */
interface Payload {
  readonly intent_id: string;
  readonly code: string;
  readonly field: string | null;
  readonly read_set: unknown;
  readonly decision_hash: string;
}

const OF_TIME = statement(
  'denied-renewals',
  `SELECT l.leaf_hash, l.payload, d.request, d.body_hash
   FROM leaves l CROSS JOIN LATERAL (
     SELECT request, body_hash FROM decisions
     WHERE intent_id = (l.payload::jsonb ->> 'intent_id')::uuid ORDER BY attempt LIMIT 1) AS d
   WHERE l.leaf LIKE '%"type":"renewal_denied"%' AND (l.leaf::json ->> 'time')::float8 BETWEEN $1 AND $2
   ORDER BY l.lane_id, l.seq`,
);

/** Renewals refused in [fromMs, toMs) that contained their flow; a redacted one cannot be read. Unix ms. */
export async function readDeniedRenewals(
  db: Queryable,
  fromMs = 0,
  toMs = Number.MAX_SAFE_INTEGER,
): Promise<DeniedRenewalRecord[]> {
  const rows = await query<Row & Record<string, unknown>>(db, OF_TIME, [fromMs, toMs]);
  return rows.map(({ leaf_hash: leafHash, payload, request, body_hash: bodyHash }) => {
    const said = JSON.parse(payload) as Payload; // as: our own leaf
    return {
      decisionId: leafHash.toString('base64url'),
      intentId: said.intent_id,
      request,
      readSet: canonicalize(said.read_set),
      outcome: 'denied',
      code: said.code,
      field: said.field,
      bodyHash,
      decisionHash: Buffer.from(said.decision_hash, 'base64url'),
    };
  });
}
