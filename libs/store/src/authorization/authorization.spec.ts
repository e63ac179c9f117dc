import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestDatabase, startTestDatabase } from '@spendgate/testing';
import { inTransaction } from '../transaction.js';
import { readDecision, readDecisionsByIntent } from './decision-reads.js';
import { HELD_ARTIFACTS, listHeldArtifacts } from './held-artifacts.js';
import { lockHotRows } from './lock-hot-rows.js';
import { readMandateLevels } from './mandate-levels.js';
import { readHotState } from './read-hot-state.js';
import { readStoredDecisions } from './stored-decisions.js';
import type { DecisionRow, HoldRow } from './batch-rows.js';
import * as write from './write-batch.js';

const ROOT = '10000000-0000-8000-8000-000000000001';
const LEAF = '20000000-0000-8000-8000-000000000002';
const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
const id = (n: number): string => `0190000${n}-0000-8000-8000-00000000000${n}`;
/** A new server may have to start first. */
const HOOK_MS = 60_000;
const SOON_MS = Date.UTC(2100, 0, 1);

function decision(n: number, changes: Partial<DecisionRow> = {}): DecisionRow {
  return {
    decisionId: id(n),
    flowId: LEAF,
    intentId: id(n + 3),
    attempt: 0,
    laneOffset: BigInt(n),
    agentId: 'agent-a',
    bodyHash: hash(`body ${n}`),
    outcome: 'authorized',
    code: null,
    field: null,
    amount: '12.50',
    currency: 'USD',
    counterpartyId: 'shop',
    request: 'a.b.c',
    readSet: '{"quote":"\\"","ümläut":"ü"}',
    rulesVersion: 1,
    decisionHash: hash('decision'),
    leafHash: hash('leaf'),
    supersedes: null,
    artifactId: null,
    parkedUntilMs: null,
    awaits: null,
    appendedAtMs: Date.UTC(2026, 0, 1) + n,
    judgedAtMs: Date.UTC(2026, 0, 1) + n,
    ...changes,
  };
}

function hold(n: number, expiresAtMs: number): HoldRow {
  const counterparty = { counterpartyId: 'shop', audience: 'settler', currency: 'USD' };
  return {
    ...counterparty,
    holdId: id(n),
    flowId: LEAF,
    rootId: ROOT,
    path: [ROOT, LEAF],
    artifactId: id(n),
    amount: '12.50',
    mode: 'single',
    maxCaptures: 1,
    expiresAtMs,
    settleByMs: expiresAtMs,
    counters: null,
  };
}

describe('authorization SQL', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startTestDatabase();
    await database.pool.query(`
      INSERT INTO domain (issuer, instance_id, kind, rules_version) VALUES ('urn:test', gen_random_uuid(), 'own', 1);
      INSERT INTO mandates (mandate_id, version, parent_id, root_id, path, depth, agent_id, principal_id, currency,
        total_limit, claims, token, mandate_hash, grantor_kind, grantor_id, valid_until)
      VALUES ('${ROOT}', 1, NULL, '${ROOT}', '{${ROOT}}', 0, NULL, 'p', 'USD', 1000, '{}', 't', 'h', 'principal', 'p', now()),
        ('${LEAF}', 1, '${ROOT}', '${ROOT}', '{${ROOT},${LEAF}}', 1, 'agent-a', 'p', 'USD', 100, '{}', 't', 'h', 'principal', 'p', now());
      INSERT INTO budgets (mandate_id, depth) VALUES ('${ROOT}', 0), ('${LEAF}', 1);
      INSERT INTO flows VALUES ('${LEAF}', 'activated', 1, 7, 'b', '{}');`);
  }, HOOK_MS);
  afterAll(() => database.close());

  const keys = {
    flowIds: [LEAF],
    mandateIds: [ROOT, LEAF],
    rootIds: [ROOT],
    agentIds: ['agent-a'],
    intentIds: [id(4)],
    counters: [],
  };

  it('reads nothing recorded before the first batch, and zero budgets', async () => {
    await inTransaction(database.pool, async (tx) => {
      await lockHotRows(tx, keys.flowIds, keys.mandateIds);
      const state = await readHotState(tx, keys);
      expect([Math.abs(state.judgedAtMs - Date.now()) < 60_000, state.controlEpoch]).toEqual([true, 0n]);
      expect(state.flows.get(LEAF)).toEqual({
        flowId: LEAF,
        state: 'activated',
        epoch: 1,
        sequence: 7n,
        baselineHash: 'b',
        profileHash: null,
        drift: null,
        verifiedAtMs: null,
      });
      expect(state.budgets.get(ROOT)).toMatchObject({ held: '0', capturing: '0', captured: '0', refunded: '0' });
      expect([state.decisions.size, state.attestations.size, state.endedHolds.length]).toEqual([0, 0, 0]);
    });
  });

  it('writes a batch set-based and gives back every value as it was', async () => {
    await inTransaction(database.pool, async (tx) => {
      await write.insertDecisions(tx, 1, [
        decision(1, { artifactId: id(1) }),
        decision(2, { outcome: 'denied', code: 'amount_invalid', field: 'amount', amount: null }),
      ]);
      await write.insertArtifacts(tx, [
        {
          artifactId: id(1),
          flowId: LEAF,
          holdId: id(1),
          decisionId: id(1),
          agentId: 'agent-a',
          audience: 'settler',
          epoch: 1,
          kid: 'k',
          claims: '{"a":"\\"b\\""}',
          claimsHash: hash('claims'),
          statusPartition: 3,
          statusIdx: 1n,
          issuedAtMs: 0,
        },
      ]);
      await write.insertHolds(tx, [hold(1, SOON_MS), hold(2, 1_000)]);
      await write.changeHeld(tx, new Map([ROOT, LEAF].map((mandateId) => [mandateId, '25'])));
      await write.changeFlows(tx, [{ flowId: LEAF, state: 'executing', sequence: 9n }]);
      await write.insertRefusals(tx, 1, [
        { laneOffset: 5n, code: 'malformed', field: null, ceId: 'é', digest: hash('x'), decisionId: null },
      ]);
    });
    const view = await readDecision(database.pool, id(1));
    expect(view).toMatchObject({ outcome: 'authorized', artifactId: id(1), audience: 'settler', code: null });
    expect(view?.readSet).toBe('{"quote":"\\"","ümläut":"ü"}');
    expect((await readDecisionsByIntent(database.pool, [id(5)]))[0]).toMatchObject({ code: 'amount_invalid' });
    const stored = [];
    for await (const each of readStoredDecisions(database.pool)) stored.push(each.decisionId);
    expect(stored).toEqual([id(1), id(2)]);
  });

  it('finds recorded decisions and ended holds, and stops counting the ended ones', async () => {
    await inTransaction(database.pool, async (tx) => {
      await lockHotRows(tx, keys.flowIds, keys.mandateIds);
      const state = await readHotState(tx, keys);
      expect(state.decisions.get(id(4))?.bodyHash).toEqual(hash('body 1'));
      expect(state.endedHolds).toEqual([
        { holdId: id(2), flowId: LEAF, path: [ROOT, LEAF], held: '12.5', amount: '12.5', counters: null },
      ]);
    });
    expect((await readMandateLevels(database.pool, LEAF)).map((level) => [level.held, level.available])).toEqual([
      ['12.5', '987.5'],
      ['12.5', '87.5'],
    ]);
    await inTransaction(database.pool, async (tx) => {
      await write.endHolds(tx, [{ holdId: id(2), flowId: LEAF }]);
      await write.changeHeld(tx, new Map([ROOT, LEAF].map((mandateId) => [mandateId, '-12.5'])));
      expect((await readHotState(tx, keys)).endedHolds).toEqual([]);
    });
    expect((await readMandateLevels(database.pool, LEAF)).map((level) => level.available)).toEqual(['987.5', '87.5']);
  });

  it('lists what is still held to its audience and its agent, page by page', async () => {
    const list = (scope: { agent: string } | { audience: string }, beforeMs: number | null = null) =>
      listHeldArtifacts(database.pool, scope, beforeMs, null, 10);
    const [held] = await list({ audience: 'settler' });
    expect(held).toMatchObject({ artifactId: id(1), held: '12.5', settleByMs: SOON_MS });
    expect(await list({ agent: 'agent-a' })).toHaveLength(1);
    expect([await list({ agent: 'agent-b' }), await list({ audience: 'other' })]).toEqual([[], []]);
    expect(await list({ audience: 'settler' }, SOON_MS)).toEqual([]);
    expect(await listHeldArtifacts(database.pool, { audience: 'settler' }, null, held?.cursor ?? null, 10)).toEqual([]);
  });

  it.each([
    ['audience', 'other', 'holds_of_audience'],
    ['agent', 'agent-b', 'holds_of_flow'],
  ] as const)('reads live holds of the caller’s own only: the list by %s walks its index', async (scope, id, index) => {
    const client = await database.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('SET LOCAL enable_seqscan = off'); // a table of a spec is too small for the planner to care
      const values = [id, null, null, null, null, 10];
      await client.query(`PREPARE held AS ${HELD_ARTIFACTS[scope].text}`);
      const { rows } = await client.query<Record<string, string>>(
        `EXPLAIN EXECUTE held (${values.map((value) => (value === null ? 'NULL' : `'${value}'`)).join(', ')})`,
      );
      expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain(index);
      await client.query('DEALLOCATE held');
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  });
});
