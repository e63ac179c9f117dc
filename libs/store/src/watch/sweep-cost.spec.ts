import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestRuntime, issueTestArtifact, mandateClaim, openTestRuntime } from '@spendgate/testing';
import { type Pool, createPool } from '../pool.js';
import { sweepFlows } from './sweep-flows.js';

/** A new server may have to start first. */
const HOOK_MS = 60_000;
const NOT_DUE = 20_000;
const DUE = 12;

let world: TestRuntime;
let pool: Pool;
const sent: string[] = [];

beforeAll(async () => {
  world = await openTestRuntime({ settings: {} });
  const names = Array.from({ length: DUE }, (_, n) => `due-${n}`);
  await world.domain.mandates(names.map((name) => mandateClaim(name)));
  for (const mandate of names) await issueTestArtifact(world, { mandate });
  await world.database.pool.query(
    'INSERT INTO flow_watches SELECT gen_random_uuid(), now() FROM generate_series(1, $1)',
    [NOT_DUE],
  );
  await world.database.pool.query('INSERT INTO flow_watches SELECT flow_id, now() FROM flows');
  await world.database.pool.query('ANALYZE');
  pool = createPool(world.database.url, { connectionsMax: 1, applicationName: 'spec' });
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    const counting = (...args: unknown[]): unknown => {
      const [first] = args;
      sent.push(typeof first === 'string' ? first : ((first as { name?: string }).name ?? '')); // as: a query of ours
      return query(...args);
    };
    Object.assign(client, { query: counting });
  });
}, HOOK_MS);
afterAll(async () => {
  await pool.end();
  await world.close();
});

/** Makes so many flows due, and visits them. @returns the statements, and what was read of the list by then */
async function sweep(due: number): Promise<{ statements: string[]; verified: number; read: number; scans: number }> {
  await world.database.pool.query(
    `UPDATE flow_watches SET verified_at = now() - interval '1 h'
     WHERE flow_id IN (SELECT flow_id FROM flows ORDER BY flow_id LIMIT $1)`,
    [due],
  );
  const before = await readStatistics();
  sent.length = 0;
  const { verified } = await sweepFlows(pool, { afterMs: 30_000, lapseMs: 1e9, limit: 200, from: null });
  const statements = [...sent];
  const after = await readStatistics();
  return { statements, verified: verified.length, read: after.read - before.read, scans: after.scans - before.scans };
}

/** Of this one connection, told at once: index entries read by time, and scans of the whole list. */
async function readStatistics(): Promise<{ read: number; scans: number }> {
  await pool.query('SELECT pg_stat_force_next_flush()');
  const { rows } = await pool.query<{ read: number; scans: number }>(
    `SELECT (SELECT idx_tup_read::int FROM pg_stat_user_indexes WHERE indexrelname = 'flow_watches_by_time') AS read,
       (SELECT seq_scan::int FROM pg_stat_user_tables WHERE relname = 'flow_watches') AS scans`,
  );
  return rows[0] ?? { read: -1, scans: -1 };
}

describe('a sweep', () => {
  it('sends as many statements for one flow as for many, and reads the list by time, the flows that are due alone', async () => {
    const one = await sweep(1);
    const many = await sweep(DUE);
    expect([one.verified, many.verified]).toEqual([1, DUE]);
    expect(many.statements).toEqual(one.statements);
    expect([one.scans, many.scans]).toEqual([0, 0]);
    expect(one.read).toBeLessThanOrEqual(2 * 1 + 2);
    expect(many.read).toBeLessThanOrEqual(2 * DUE + 2);
  });

  it('that finds nothing due reads no flow that is not, and writes nothing', async () => {
    const none = await sweep(0);
    expect([none.verified, none.scans]).toEqual([0, 0]);
    expect(none.read).toBeLessThanOrEqual(DUE + 1); // places in the list its flows had before, not vacuumed yet
    expect(none.statements.filter((name) => /watch-(lock|flows-verified|flows-ended)/.test(name))).toEqual([]);
  });
});
