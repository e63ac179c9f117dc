import { type Queryable, query, statement } from '../statement.js';

/** What a stored decision was made from and what came out: all a recomputation needs. */
export interface StoredDecision {
  readonly decisionId: string;
  readonly flowId: string;
  readonly intentId: string;
  readonly attempt: number;
  readonly outcome: string;
  readonly code: string | null;
  readonly field: string | null;
  readonly request: string;
  readonly readSet: string;
  readonly rulesVersion: number;
  readonly bodyHash: Buffer;
  readonly decisionHash: Buffer;
  readonly appendedAtMs: number;
  readonly judgedAtMs: number;
}

interface StoredRow {
  decision_id: string;
  flow_id: string;
  intent_id: string;
  attempt: number;
  outcome: string;
  code: string | null;
  field: string | null;
  request: string;
  read_set: string;
  rules_version: number;
  body_hash: Buffer;
  decision_hash: Buffer;
  appended_at: Date;
  judged_at: Date;
}

/** Decisions read at a time: about 2 MB of read sets. */
const PAGE = 500;
const FIRST = '00000000-0000-0000-0000-000000000000';

// Ids lead with the append time, so the order of the primary key is the order of appending.
const PAGE_OF_DECISIONS = statement(
  'stored-decisions',
  `SELECT decision_id, flow_id, intent_id, attempt, outcome, code, field, request, read_set, rules_version, body_hash,
     decision_hash, appended_at, judged_at
   FROM decisions
   WHERE (decision_id, flow_id) > ($1::uuid, $2::uuid) AND decision_id < $3::uuid
   ORDER BY decision_id, flow_id LIMIT $4`,
);

/** Time-ordered ids let a range start and stop at the index: 48 bits of Unix ms lead (RFC 9562 §5.8 leaves them to us). */
const firstIdAt = (atMs: number): string => {
  const hex = Math.min(Math.max(0, atMs), 2 ** 48 - 1)
    .toString(16)
    .padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`;
};

/** Decisions appended in [fromMs, toMs), in the order of their ids. Unix ms. */
export async function* readStoredDecisions(
  db: Queryable,
  fromMs = 0,
  toMs = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<StoredDecision> {
  let after: [string, string] = [firstIdAt(fromMs), FIRST];
  for (;;) {
    const rows = await query<StoredRow>(db, PAGE_OF_DECISIONS, [...after, firstIdAt(toMs), PAGE]);
    for (const row of rows) yield storedOf(row);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = [last.decision_id, last.flow_id];
  }
}

function storedOf(row: StoredRow): StoredDecision {
  return {
    decisionId: row.decision_id,
    flowId: row.flow_id,
    intentId: row.intent_id,
    attempt: row.attempt,
    outcome: row.outcome,
    code: row.code,
    field: row.field,
    request: row.request,
    readSet: row.read_set,
    rulesVersion: row.rules_version,
    bodyHash: row.body_hash,
    decisionHash: row.decision_hash,
    appendedAtMs: row.appended_at.getTime(),
    judgedAtMs: row.judged_at.getTime(),
  };
}
