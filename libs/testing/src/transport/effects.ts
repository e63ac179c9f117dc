import type { BatchHandler, RecordBatch } from '@spendgate/messaging';
import { type Pool, type Transaction, fence, inTransaction } from '@spendgate/store';

/** What handlers under test write in the transaction that moves the lane: one row per record decided. */
export interface Effect {
  readonly seq: bigint;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string | null;
  readonly value: string | null;
  readonly owner: string;
}

export async function createEffects(pool: Pool): Promise<void> {
  await pool.query(`CREATE TABLE effects (seq bigint GENERATED ALWAYS AS IDENTITY, topic text, partition integer,
    "offset" bigint, key text, value text, owner text NOT NULL)`);
}

/** Writes the effect of a batch under its lane. @throws {LaneLost} as the real handlers do */
export async function writeEffects(pool: Pool, batch: RecordBatch, owner: string): Promise<void> {
  await inTransaction(pool, (tx) => writeEffectsIn(tx, batch, owner));
}

async function writeEffectsIn(tx: Transaction, batch: RecordBatch, owner: string): Promise<void> {
  const [first, last] = [batch.records[0], batch.records.at(-1)];
  if (first === undefined || last === undefined) throw new Error('a batch is never empty');
  await fence(tx, batch.lane, first.offset, last.offset);
  await tx.query(
    `INSERT INTO effects (topic, partition, "offset", key, value, owner)
     SELECT $1, $2, o, k, v, $6 FROM unnest($3::bigint[], $4::text[], $5::text[]) AS r (o, k, v)`,
    [
      batch.topic,
      batch.partition,
      batch.records.map((record) => String(record.offset)),
      batch.records.map((record) => record.key?.toString() ?? null),
      batch.records.map((record) => (record.value === null ? null : textOf(record.value))),
      owner,
    ],
  );
}

export function effectsHandler(pool: Pool, owner = 'test'): BatchHandler {
  return (batch) => writeEffects(pool, batch, owner);
}

/** All effects in commit order per partition. */
export async function readEffects(pool: Pool): Promise<Effect[]> {
  const { rows } = await pool.query<Effect>(
    'SELECT seq, partition, "offset", key, value, owner FROM effects ORDER BY partition, seq',
  );
  return rows;
}

/** The beginning of a value, as PostgreSQL text can hold it. */
function textOf(value: Buffer): string {
  return value.subarray(0, 200).toString().replaceAll('\0', '');
}
