import { type Queryable, type Statement, query, statement } from '../statement.js';

/** A settlement as its readers see it. Amounts: decimal text, major units. */
export interface SettlementView {
  readonly settlementId: string;
  readonly attempt: number;
  readonly flowId: string;
  readonly artifactId: string;
  readonly action: string;
  readonly actionId: string;
  readonly presenter: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly field: string | null;
  readonly amount: string | null;
  readonly currency: string | null;
  readonly state: string;
  readonly rail: string;
  readonly refundOf: string | null;
  readonly refunding: string;
  readonly refunded: string;
  readonly outcomeDueAtMs: number | null;
  readonly claims: string;
  readonly judgedAtMs: number;
  /** Settlement service and agent of the artifact, when there is one: who may see it. */
  readonly audience: string | null;
  readonly agentId: string | null;
}

/** Before every id there is. */
const NIL = '00000000-0000-0000-0000-000000000000';
const MS = (column: string): string => `floor(extract(epoch FROM ${column}) * 1000)::float8`;
const VIEW = `SELECT s.settlement_id AS "settlementId", s.attempt, s.flow_id AS "flowId", s.artifact_id AS "artifactId",
     s.action, s.action_id AS "actionId", s.presenter, s.outcome, s.code, s.field, trim_scale(s.amount)::text AS amount,
     s.currency, s.state, s.rail, s.refund_of AS "refundOf", trim_scale(s.refunding)::text AS refunding,
     trim_scale(s.refunded)::text AS refunded, ${MS('s.outcome_due_at')} AS "outcomeDueAtMs", s.claims,
     ${MS('s.judged_at')} AS "judgedAtMs", a.audience, a.agent_id AS "agentId"
   FROM settlements s LEFT JOIN artifacts a ON a.artifact_id = s.artifact_id AND a.flow_id = s.flow_id`;
const BY_ID = statement('settlement-view', `${VIEW} WHERE s.settlement_id = $1 ORDER BY s.attempt DESC LIMIT 1`);
/** Whose settlements: an agent's own, a service's audience and what it asked itself, what a rail moves. */
export interface SettlementReader {
  readonly kind: 'agent' | 'settlement_service' | 'rail';
  readonly id: string;
}

// In the query, so that pages, cursor and has_more speak of the reader's rows only.
const MAY_SEE: Readonly<Record<SettlementReader['kind'], string>> = {
  agent: 'a.agent_id = $5',
  settlement_service: '(a.audience = $5 OR s.presenter = $5)',
  rail: 's.rail = $5',
};
const byArtifact = (kind: SettlementReader['kind']): Statement =>
  statement(
    `settlement-views-of-artifact-for-${kind}`,
    `${VIEW} WHERE s.artifact_id = $1 AND (s.settlement_id, s.attempt) > ($2::uuid, $3::smallint) AND ${MAY_SEE[kind]}
     ORDER BY s.settlement_id, s.attempt LIMIT $4`,
  );
const BY_ARTIFACT = {
  agent: byArtifact('agent'),
  settlement_service: byArtifact('settlement_service'),
  rail: byArtifact('rail'),
} as const;

/** The newest attempt under an id. */
export async function readSettlement(db: Queryable, settlementId: string): Promise<SettlementView | undefined> {
  const [row] = await query<SettlementView & Record<string, unknown>>(db, BY_ID, [settlementId]);
  return row;
}

/** Place in a list of settlements. */
export interface SettlementCursor {
  readonly settlementId: string;
  readonly attempt: number;
}

/** Those of an artifact that its reader may see, in the order of their ids. */
export function listSettlements(
  db: Queryable,
  artifactId: string,
  reader: SettlementReader,
  after: SettlementCursor | null,
  limit: number,
): Promise<SettlementView[]> {
  const from = after ?? { settlementId: NIL, attempt: -1 };
  const values = [artifactId, from.settlementId, from.attempt, limit, reader.id];
  return query<SettlementView & Record<string, unknown>>(db, BY_ARTIFACT[reader.kind], values);
}

/** What a stored settlement was decided from and what came out: all a recomputation needs. */
export interface StoredSettlement {
  readonly settlementId: string;
  readonly flowId: string;
  readonly attempt: number;
  readonly request: string;
  /** settlement_service | agent */
  readonly presenterKind: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly field: string | null;
  readonly amount: string | null;
  readonly readSet: string;
  readonly decisionHash: Buffer;
  readonly judgedAtMs: number;
}

/** Settlements read at a time: about 2 MB of read sets. */
const PAGE = 500;
const STORED = statement(
  'stored-settlements',
  `SELECT settlement_id AS "settlementId", flow_id AS "flowId", attempt, request,
     presenter_kind AS "presenterKind", outcome, code, field,
     trim_scale(amount)::text AS amount, read_set AS "readSet", decision_hash AS "decisionHash",
     ${MS('judged_at')} AS "judgedAtMs"
   FROM settlements
   WHERE (settlement_id, flow_id, attempt) > ($1::uuid, $2::uuid, $3::smallint)
     AND judged_at >= to_timestamp($4::float8 / 1000) AND judged_at < to_timestamp($5::float8 / 1000)
   ORDER BY settlement_id, flow_id, attempt LIMIT $6`,
);

/** Settlements judged in [fromMs, toMs), in the order of their ids. Unix ms. */
export async function* readStoredSettlements(
  db: Queryable,
  fromMs = 0,
  toMs = 253_402_300_799_000,
): AsyncGenerator<StoredSettlement> {
  let after: [string, string, number] = [NIL, NIL, -1];
  for (;;) {
    const rows = await query<StoredSettlement & Record<string, unknown>>(db, STORED, [...after, fromMs, toMs, PAGE]);
    for (const row of rows) yield row;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = [last.settlementId, last.flowId, last.attempt];
  }
}
