import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  AUTHORIZER_SETTINGS,
  AuthorizeBatch,
  EndParkedIntents,
  createAuthorizerParts,
  replayDecisions,
} from '@spendgate/authorizer';
import { TOPICS } from '@spendgate/messaging';
import { Metrics } from '@spendgate/platform';
import { acquireLog } from '@spendgate/store';
import {
  type TestRuntime,
  batchOf,
  intentClaims,
  mandateClaim,
  namedId,
  openTestRuntime,
  signIntent,
} from '@spendgate/testing';
import { IntegrateLeaves, verifyStoredDecisions, verifyStoredLog } from '@spendgate/transparency-log';

const NOW_MS = Date.now();
/** A new server may have to start first. */
const HOOK_MS = 60_000;

let world: TestRuntime;

/** Two authorized, one denied, one that waited and was ended: five decisions, all in the log. */
beforeEach(async () => {
  world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS });
  const { pool } = world.database;
  await world.domain.mandates([mandateClaim('main'), mandateClaim('asks', { approvals: { above: '1.00' } })]);
  const parts = createAuthorizerParts(world.runtime);
  const lane = await world.lane(TOPICS.paymentIntents);
  const changes = {
    a: {},
    b: {},
    c: { amount: { value: '1000.01', currency: 'USD' } },
    d: { mandate: namedId('asks') },
  };
  const tokens = Object.entries(changes).map(([jti, change]) =>
    signIntent(world.domain.agent('buyer'), intentClaims(jti, NOW_MS, change)),
  );
  await new AuthorizeBatch(parts).execute(batchOf(lane, await Promise.all(tokens), { appendedAtMs: NOW_MS }));
  await pool.query(`UPDATE parked_intents SET parked_until = clock_timestamp() - interval '1 ms'`);
  await new EndParkedIntents(parts).execute(lane);
  const state = await acquireLog(pool, 'spec', 60_000);
  if (state === undefined) throw new Error('the lease is free');
  const log = await IntegrateLeaves.resume(pool, new Metrics(), { batchMax: 1_000, leaseMs: 60_000 }, state);
  while ((await log.execute()).more);
}, HOOK_MS);
afterEach(() => world.close());

async function damage(sql: string): Promise<Record<string, unknown> | undefined> {
  return (await world.database.pool.query<Record<string, unknown>>(sql)).rows[0];
}

const OF_ONE = `WHERE decision_id = (SELECT decision_id FROM decisions WHERE code = 'budget_exceeded')`;

describe('a database somebody edited', () => {
  it('A35, B14: untouched, every decision and its artifact are what the log says', async () => {
    const { pool } = world.database;
    expect(await verifyStoredDecisions(pool)).toEqual({ checked: 5, altered: [] });
    expect(await verifyStoredLog(pool)).toMatchObject({ valid: true });
    expect(await replayDecisions(pool)).toMatchObject({ checked: 5, differences: [] });
  });

  it.each([
    ['outcome', `UPDATE decisions SET outcome = 'authorized' ${OF_ONE} RETURNING decision_id`],
    ['code', `UPDATE decisions SET code = 'rate_limited' ${OF_ONE} RETURNING decision_id`],
    ['agent', `UPDATE decisions SET agent_id = 'rival' ${OF_ONE} RETURNING decision_id`],
    ['decision_hash', `UPDATE decisions SET decision_hash = sha256('x') ${OF_ONE} RETURNING decision_id`],
    ['judged_at', `UPDATE decisions SET judged_at = judged_at - interval '1 s' ${OF_ONE} RETURNING decision_id`],
    ['supersedes', `UPDATE decisions SET supersedes = NULL WHERE attempt = 1 RETURNING decision_id`],
    ['artifact', `UPDATE decisions SET artifact_id = gen_random_uuid() ${OF_ONE} RETURNING decision_id`],
    [
      'artifact',
      `UPDATE artifacts SET claims = replace(claims, '"12.50"', '"92.50"')
       WHERE artifact_id = (SELECT artifact_id FROM artifacts LIMIT 1) RETURNING decision_id`,
    ],
  ])('A35: an edited row is named, with what was edited: %s', async (field, sql) => {
    const row = await damage(sql);
    const { altered } = await verifyStoredDecisions(world.database.pool);
    expect(altered).toMatchObject([{ decisionId: row?.['decision_id'], fault: 'row_altered', field }]);
    expect(altered[0]?.index).toEqual(expect.any(Number));
  });

  it('A35: an edited payload is named, also when the row was edited to fit', async () => {
    const row = await damage(`UPDATE decisions SET code = 'rate_limited' ${OF_ONE} RETURNING decision_id`);
    await damage(`UPDATE leaves SET payload = replace(payload, 'budget_exceeded', 'rate_limited')`);
    expect((await verifyStoredDecisions(world.database.pool)).altered).toMatchObject([
      { decisionId: row?.['decision_id'], fault: 'payload_altered' },
    ]);
  });

  it('A35: a leaf edited together with its row and payload is named by its place in the log', async () => {
    const sql = `SELECT p.index::float8 AS index FROM log_positions p JOIN decisions d USING (leaf_hash)
                 WHERE d.code = 'budget_exceeded'`;
    const row = await damage(sql);
    await damage(`UPDATE leaves SET leaf = replace(leaf, 'decision_denied', 'decision_parked')
                  WHERE leaf_hash = (SELECT leaf_hash FROM decisions WHERE code = 'budget_exceeded')`);
    expect(await verifyStoredLog(world.database.pool)).toMatchObject({
      valid: false,
      fault: 'leaf_altered',
      index: row?.['index'],
    });
  });

  it('A35: a deleted row is named by what the log kept of it', async () => {
    const gone = await damage(`DELETE FROM decisions ${OF_ONE} RETURNING decision_id`);
    expect((await verifyStoredDecisions(world.database.pool)).altered).toMatchObject([
      { decisionId: gone?.['decision_id'], fault: 'row_missing' },
    ]);
  });

  it.each([
    ['not_in_log', `leaf_hash = sha256('forged')`],
    ['row_altered', 'leaf_hash = leaf_hash'],
  ])('A35: an inserted row is named: %s', async (fault, leaf) => {
    const [id, intent] = [namedId('forged'), namedId('forged intent')];
    await damage(
      `INSERT INTO decisions SELECT (json_populate_record(d, json_build_object('decision_id', '${id}', 'intent_id', '${intent}'))).*
       FROM decisions d WHERE outcome = 'authorized' LIMIT 1`,
    );
    await damage(`UPDATE decisions SET ${leaf} WHERE decision_id = '${id}'`);
    expect((await verifyStoredDecisions(world.database.pool)).altered).toMatchObject([{ decisionId: id, fault }]);
  });

  it('A35: inputs edited beside an untouched decision are named by replay', async () => {
    const edited = `replace(read_set, '"artifact_lifetime_seconds":3600', '"artifact_lifetime_seconds":3601')`;
    const row = await damage(`UPDATE decisions SET read_set = ${edited} ${OF_ONE} RETURNING decision_id`);
    const { differences } = await replayDecisions(world.database.pool);
    expect(differences.map(({ decisionId }) => decisionId)).toEqual([row?.['decision_id']]);
  });
});
