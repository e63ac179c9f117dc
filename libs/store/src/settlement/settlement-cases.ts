import { canonicalize, sha256, uuid8 } from '@spendgate/codec';
import { byteas, texts, timestamps, uuids } from '../binary-arrays.js';
import { type Queryable, query, statement } from '../statement.js';
import type { Write } from '../together.js';

/** A report that opens a case: the rail took money back, or said what cannot follow what it said before. */
export interface OutcomeCase {
  readonly outcomeId: string;
  readonly settlementId: string;
  readonly kind: 'chargeback' | 'contradiction';
  /** Decimal text, major units. */
  readonly amount: string;
  readonly currency: string;
  readonly openedAtMs: number;
  /** Of the report. */
  readonly leafHash: Buffer;
}

/** A case as people see it. */
export interface SettlementCase {
  readonly id: string;
  readonly kind: string;
  readonly settlementId: string | null;
  readonly service: string | null;
  /** UTC, ISO 8601. */
  readonly day: string | null;
  readonly amount: string;
  readonly currency: string;
  readonly openedAtMs: number;
  readonly closedBy: string | null;
  readonly closedAtMs: number | null;
  readonly closingReason: string | null;
}

const INSERT = statement(
  'settlement-insert-cases',
  `INSERT INTO settlement_cases (case_id, kind, settlement_id, amount, currency, opened_at, leaf_hash)
   SELECT c.case_id, c.kind, c.settlement_id, c.amount::numeric, c.currency, c.opened_at, c.leaf_hash
   FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::bytea[])
     AS c (case_id, kind, settlement_id, amount, currency, opened_at, leaf_hash)`,
);
const MS = (column: string): string => `floor(extract(epoch FROM ${column}) * 1000)::float8`;
const COLUMNS = `case_id AS id, kind, settlement_id AS "settlementId", service, day::text AS day,
     trim_scale(amount)::text AS amount, currency, ${MS('opened_at')} AS "openedAtMs", closed_by AS "closedBy",
     ${MS('closed_at')} AS "closedAtMs", closing_reason AS "closingReason"`;
const OPEN = statement(
  'settlement-cases-open',
  `SELECT ${COLUMNS} FROM settlement_cases WHERE closed_at IS NULL ORDER BY opened_at DESC, case_id LIMIT $1`,
);
const ALL = statement(
  'settlement-cases-all',
  `SELECT ${COLUMNS} FROM settlement_cases ORDER BY opened_at DESC, case_id LIMIT $1`,
);

/** One case per report: the report is recorded once. */
export function insertCasesWrite(cases: readonly OutcomeCase[]): Write {
  const values = [
    uuids(cases.map(({ outcomeId }) => uuid8(sha256(canonicalize(['case', outcomeId]))))),
    texts(cases.map(({ kind }) => kind)),
    uuids(cases.map(({ settlementId }) => settlementId)),
    texts(cases.map(({ amount }) => amount)),
    texts(cases.map(({ currency }) => currency)),
    timestamps(cases.map(({ openedAtMs }) => openedAtMs)),
    byteas(cases.map(({ leafHash }) => leafHash)),
  ];
  return { statement: INSERT, values };
}

/** Newest first. @param closed those a person has closed too */
export function listSettlementCases(db: Queryable, closed: boolean, limit: number): Promise<SettlementCase[]> {
  return query<SettlementCase & Record<string, unknown>>(db, closed ? ALL : OPEN, [limit]);
}
