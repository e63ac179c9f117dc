import { uuids } from '../binary-arrays.js';
import { type Queryable, type Transaction, query, statement } from '../statement.js';

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
const COLUMNS = `d.decision_id, d.flow_id, d.intent_id, d.attempt, d.outcome, d.code, d.field, d.request, d.read_set,
  d.rules_version, d.body_hash, d.decision_hash, d.appended_at, d.judged_at`;
const PAGE_OF_DECISIONS = statement(
  'stored-decisions',
  `SELECT ${COLUMNS} FROM decisions d
   WHERE (decision_id, flow_id) > ($1::uuid, $2::uuid) AND decision_id < $3::uuid
   ORDER BY decision_id, flow_id LIMIT $4`,
);

/** Time-ordered ids let a range start and stop at the index: 48 bits of Unix ms lead (RFC 9562 §5.8 leaves them to us). */
export const firstIdAt = (atMs: number): string => {
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

// Only keys are sorted: the rows are a hundred times as wide.
const AS_JUDGED = (fromMs: number, toMs: number): string =>
  `DECLARE decisions_as_judged NO SCROLL CURSOR FOR
   SELECT decision_id AS "decisionId", flow_id AS "flowId" FROM decisions
   WHERE decision_id >= '${firstIdAt(fromMs)}' AND decision_id < '${firstIdAt(toMs)}'
   ORDER BY judged_at, lane_id, lane_offset, attempt`;
const NEXT_JUDGED = statement('stored-decisions-next-judged', `FETCH ${PAGE} FROM decisions_as_judged`);
const BY_KEY = statement(
  'stored-decisions-by-key',
  `SELECT ${COLUMNS} FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS asked (decision_id, flow_id, place)
   JOIN decisions d ON d.decision_id = asked.decision_id AND d.flow_id = asked.flow_id ORDER BY place`,
);

/**
 * Decisions appended in [fromMs, toMs), pages in the order in which they were judged: what one left is what the next one
 * found. Unix ms.
 *
 * @param tx an open snapshot: the cursor lives as long as it does
 */
export async function* readDecisionsAsJudged(
  tx: Transaction,
  fromMs = 0,
  toMs = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<StoredDecision[]> {
  await tx.query(AS_JUDGED(fromMs, toMs)); // a cursor takes no parameters; both are our own ids
  for (;;) {
    const keys = await query<{ decisionId: string; flowId: string }>(tx, NEXT_JUDGED);
    if (keys.length === 0) return;
    const ids = [keys.map(({ decisionId }) => decisionId), keys.map(({ flowId }) => flowId)];
    yield (await query<StoredRow>(tx, BY_KEY, ids.map(uuids))).map(storedOf);
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
