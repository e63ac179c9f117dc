import type { Pool } from '@spendgate/store';

/** Changes rows as whoever owns the server could: no rule of ours is asked, foreign keys neither, for they are triggers. */
export async function tamperWith(pool: Pool, sql: string, values: readonly string[] = []): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('SET session_replication_role = replica');
    await client.query(sql, [...values]);
  } finally {
    client.release(true);
  }
}
