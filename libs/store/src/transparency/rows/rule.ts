import type { LeafType } from '@spendgate/codec';

/** A table whose rows must say what the leaves say: a query for the rows that do not. */
export interface RowRule {
  /** The table. */
  readonly name: string;
  /** Selects `subject`, `field`, `index` of rows that differ, at most `$1` of them. */
  readonly text: string;
}

/**
 * Leaves of some types with what they commit to: `said`, the lane's number `n`, the place `index` (null: not integrated
 * yet), the time `at`. Redacted ones are left out. Only sound once every payload was seen to open its leaf.
 */
export function said(...types: readonly LeafType[]): string {
  const names = types.map((type) => `'%"type":"${type.replaceAll('_', '\\_')}"%'`).join(', ');
  return `(SELECT l.leaf_hash, l.lane_id, l.seq AS n, l.payload::jsonb AS said, p.index
   FROM leaves l LEFT JOIN log_positions p ON p.leaf_hash = l.leaf_hash AND p.lane_id = l.lane_id AND p.seq = l.seq
   WHERE l.payload IS NOT NULL AND l.leaf LIKE ANY (ARRAY[${names}]))`;
}

/** Place of a leaf by its hash. */
export function placeOf(hash: string): string {
  return `(SELECT min(p.index) FROM log_positions p WHERE p.leaf_hash = ${hash})`;
}

/** The first of these conditions that holds names the field. */
export function firstOf(fields: Readonly<Record<string, string>>): string {
  const cases = Object.entries(fields).map(([name, differs]) => `WHEN ${differs} THEN '${name}'`);
  return `CASE ${cases.join(' ')} END`;
}

/** SHA-256 of a text column in base64url, as leaves spell it. */
export function sha256Of(column: string): string {
  return base64url(`sha256(convert_to(${column}, 'UTF8'))`);
}

export function base64url(bytes: string): string {
  return `translate(rtrim(encode(${bytes}, 'base64'), '='), E'+/\\n', '-_')`;
}

/** Rows of `from` (with `subject`, `index`) in which a field differs. */
export function differing(name: string, from: string, fields: Readonly<Record<string, string>>): RowRule {
  return {
    name,
    text: `SELECT subject, field, index::float8 AS index FROM (
       SELECT subject, index, ${firstOf(fields)} AS field FROM (${from}) AS compared) AS judged
     WHERE field IS NOT NULL ORDER BY index NULLS LAST, subject LIMIT $1`,
  };
}
