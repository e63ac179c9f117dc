import { createHash } from 'node:crypto';
import { Decimal } from 'decimal.js';
import pg from 'pg';

/** What the database says after a run. Money as decimal text, so that a cent cannot get lost in a float. */
export interface Books {
  readonly decided: Readonly<Record<string, number>>;
  readonly refused: Readonly<Record<string, number>>;
  readonly authorizedSum: string;
  readonly deniedSum: string;
  /** Each line names one broken rule and the row that breaks it; empty when the books balance. */
  readonly broken: readonly string[];
}

/** One rule of the books: a query that returns a row for each place that breaks it. */
const RULES: Readonly<Record<string, string>> = {
  'I9: each level holds what its holds say': `
    SELECT b.mandate_id AS row FROM budgets b LEFT JOIN (
      SELECT level AS mandate_id, sum(held) AS held, sum(capturing) AS capturing, sum(captured) AS captured,
             sum(restored) AS refunded
      FROM holds, unnest(path) AS level GROUP BY level) s USING (mandate_id)
    WHERE (b.held, b.capturing, b.captured, b.refunded) IS DISTINCT FROM
      (coalesce(s.held, 0), coalesce(s.capturing, 0), coalesce(s.captured, 0), coalesce(s.refunded, 0))`,
  'I1: no level is over its limit': `
    SELECT m.mandate_id AS row FROM mandates m JOIN budgets b USING (mandate_id)
    WHERE b.held + b.capturing + b.captured - b.refunded > m.total_limit`,
  'a hold is made of its parts': `
    SELECT hold_id AS row FROM holds
    WHERE held + capturing + captured + released <> amount OR refunded > captured OR restored > refunded`,
  'limits have back what rails reported, no more': `
    SELECT h.hold_id AS row FROM holds h
      LEFT JOIN settlements s ON s.hold_id = h.hold_id AND s.action = 'refund' AND s.restored
    GROUP BY h.hold_id, h.flow_id HAVING h.restored <> coalesce(sum(s.amount), 0)`,
  'each authorized decision has one artifact and one hold': `
    SELECT d.decision_id AS row FROM decisions d
      LEFT JOIN artifacts a USING (decision_id) LEFT JOIN holds h ON h.artifact_id = a.artifact_id
    WHERE (d.outcome = 'authorized') IS DISTINCT FROM (a.artifact_id IS NOT NULL AND h.hold_id IS NOT NULL)`,
  'one final decision an intent': `
    SELECT intent_id AS row FROM decisions WHERE outcome <> 'parked' GROUP BY intent_id HAVING count(*) > 1`,
  'I4: each decision has exactly one leaf': `
    SELECT d.decision_id AS row FROM decisions d LEFT JOIN leaves l ON l.lane_id = d.lane_id AND l.leaf_hash = d.leaf_hash
    GROUP BY d.decision_id HAVING count(l.leaf_hash) <> 1`,
  'I4: leaves of a lane are dense': `
    SELECT lane_id AS row FROM leaves GROUP BY lane_id HAVING max(seq) + 1 <> count(*) OR min(seq) <> 0`,
};

const LOG_RULES: Readonly<Record<string, string>> = {
  'leaf positions are dense': `
    SELECT max(index) AS row FROM log_positions HAVING max(index) + 1 <> count(*) OR min(index) <> 0`,
  'every leaf has a position': `
    SELECT l.lane_id || '/' || l.seq AS row FROM leaves l LEFT JOIN log_positions p USING (lane_id, seq)
    WHERE p.index IS NULL OR p.leaf_hash <> l.leaf_hash`,
};

async function brokenRules(pool: pg.Pool, rules: Readonly<Record<string, string>>): Promise<string[]> {
  const found: string[] = [];
  for (const [rule, sql] of Object.entries(rules)) {
    // no LIMIT: it would have the planner bet on an early row and join 70,000 rows by nested loops
    const { rows } = await pool.query<{ row: unknown }>(sql);
    found.push(...rows.slice(0, 5).map(({ row }) => `${rule}: ${String(row)}`));
  }
  return found;
}

/** Whether the log has given every leaf its place. */
export async function isIntegrated(pool: pg.Pool): Promise<boolean> {
  return (await brokenRules(pool, LOG_RULES)).length === 0;
}

/** Reads the whole database back against the rules of design 9. */
export async function readBooks(pool: pg.Pool): Promise<Books> {
  // tables filled a minute ago have no statistics, and joins of 70,000 rows would be planned as if they had ten
  await pool.query('ANALYZE');
  const decided = await counts(
    pool,
    `SELECT coalesce(outcome || ' ' || code, outcome) AS name, count(*) FROM decisions GROUP BY 1`,
  );
  const refused = await counts(pool, 'SELECT code AS name, count(*) FROM refusals GROUP BY 1');
  const sums = await pool.query<{ outcome: string; total: string }>(
    'SELECT outcome, coalesce(sum(amount), 0)::text AS total FROM decisions GROUP BY 1',
  );
  const sumOf = (outcome: string): string =>
    new Decimal(sums.rows.find((row) => row.outcome === outcome)?.total ?? '0').toFixed(2);
  const broken = await brokenRules(pool, { ...RULES, ...LOG_RULES });
  broken.push(...(await brokenClaims(pool)));
  return { decided, refused, authorizedSum: sumOf('authorized'), deniedSum: sumOf('denied'), broken };
}

async function counts(pool: pg.Pool, sql: string): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ name: string; count: string }>(sql);
  return Object.fromEntries(rows.map(({ name, count }) => [name, Number(count)]));
}

/** The stored hash is the hash of the stored claims, for every artifact. */
async function brokenClaims(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ artifact_id: string; claims: string; claims_hash: Buffer }>(
    'SELECT artifact_id, claims, claims_hash FROM artifacts',
  );
  return rows
    .filter((row) => !createHash('sha256').update(row.claims).digest().equals(row.claims_hash))
    .map((row) => `stored claims have the stored hash: ${row.artifact_id}`);
}

/** Sum of the positive amounts in plain intents, which is what may be authorized or denied. */
export function sumAsked(lines: readonly { readonly amount: { readonly value: string } }[]): string {
  return lines.reduce((sum, line) => sum.plus(line.amount.value), new Decimal(0)).toFixed(2);
}
