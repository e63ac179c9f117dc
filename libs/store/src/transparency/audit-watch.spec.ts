import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TestDatabase, openTestDomain, startTestDatabase } from '@spendgate/testing';
import { readJudged } from '../authorization/read-hot-state.js';
import { inTransaction } from '../transaction.js';
import { watchAudit } from './audit-watch.js';

const BOUND_MS = 300_000;
let database: TestDatabase;

beforeEach(async () => {
  database = await startTestDatabase();
  await openTestDomain(database.pool); // its control act leaves leaves
}, 60_000);
afterEach(() => database.close());

async function verdict(boundMs = BOUND_MS): Promise<string> {
  const { auditLateMs } = await inTransaction(database.pool, readJudged);
  return watchAudit(auditLateMs, boundMs);
}

/** Makes all leaves as old as if they had been written then. */
async function ageLeaves(seconds: number): Promise<void> {
  await database.pool.query(
    `UPDATE leaves SET leaf = (leaf::jsonb || jsonb_build_object(
       'time', floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint - ($1 * 1000)::bigint))::text`,
    [seconds],
  );
}

/** What the log leaves behind: everything placed up to now, the head of `unsigned` leaves before that signed. */
async function integrate({ signedAgo, unsigned = 0 }: { signedAgo: number; unsigned?: number }): Promise<void> {
  const { pool } = database;
  await pool.query(
    `INSERT INTO log_positions SELECT row_number() OVER (ORDER BY lane_id, seq) - 1, lane_id, seq, leaf_hash FROM leaves`,
  );
  await pool.query(
    `UPDATE log_state SET tree_size = (SELECT count(*) FROM leaves),
       cursors = (SELECT jsonb_object_agg(lane_id::text, leaf_seq::text) FROM lanes)`,
  );
  await pool.query(
    `INSERT INTO checkpoints SELECT tree_size - $1, root, 'note', clock_timestamp() - $2 * interval '1 s' FROM log_state`,
    [unsigned, signedAgo],
  );
}

describe('the audit watch', () => {
  it('I4: is verified until the bound when no log was ever started, and stale from then on', async () => {
    expect(await verdict()).toBe('verified');
    await ageLeaves(299);
    expect(await verdict()).toBe('verified');
    await ageLeaves(301);
    expect(await verdict()).toBe('stale');
  });

  it('I12: is verified however long nothing was written, and when the first leaf after that is young', async () => {
    await ageLeaves(7_200);
    await integrate({ signedAgo: 7_000 });
    expect(await verdict()).toBe('verified');
    await openLeaf(5);
    expect(await verdict()).toBe('verified');
  });

  it('I4: is stale when the log stopped and leaves have waited for longer than the bound', async () => {
    await integrate({ signedAgo: 1_000 });
    await openLeaf(400);
    expect([await verdict(), await verdict(500_000)]).toEqual(['stale', 'verified']);
  });

  it('I4: counts leaves that are placed but not under a signed head', async () => {
    await ageLeaves(1_000);
    await integrate({ signedAgo: 400, unsigned: 1 });
    expect([await verdict(), await verdict(500_000)]).toEqual(['stale', 'verified']);
  });

  it('I12: is verified while the log signs, however long its backlog', async () => {
    await ageLeaves(7_200);
    await integrate({ signedAgo: 30, unsigned: 1 });
    expect(await verdict()).toBe('verified');
  });

  it('I5: is stale when a waiting leaf is gone, and unknown when the state of the log is', async () => {
    await integrate({ signedAgo: 1_000 });
    await openLeaf(1);
    await database.pool.query('DELETE FROM leaves');
    expect(await verdict()).toBe('stale');
    await database.pool.query('DELETE FROM log_state');
    expect(await verdict()).toBe('unknown');
  });
});

/** One more leaf on the control lane. */
async function openLeaf(agoSeconds: number): Promise<void> {
  await database.pool.query(
    `INSERT INTO leaves SELECT lane_id, leaf_seq, sha256('x'), json_build_object(
       'time', floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint - ($1 * 1000)::bigint)::text
     FROM lanes WHERE name = 'control'`,
    [agoSeconds],
  );
  await database.pool.query(`UPDATE lanes SET leaf_seq = leaf_seq + 1 WHERE name = 'control'`);
}
