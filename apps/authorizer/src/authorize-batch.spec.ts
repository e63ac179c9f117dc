import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner } from '@spendgate/artifact';
import type { MandateClaim, PaymentIntentClaims } from '@spendgate/codec';
import { DependencyError } from '@spendgate/core';
import { TOPICS, partitionOf } from '@spendgate/messaging';
import { inControlAct, revokeMandates } from '@spendgate/store';
import {
  type TestRuntime,
  batchOf,
  intentClaims,
  mandateClaim,
  namedId,
  openTestRuntime,
  signIntent,
} from '@spendgate/testing';
import { AuthorizeBatch } from './authorize-batch.js';
import { createAuthorizerParts } from './authorizer-parts.js';
import { AUTHORIZER_SETTINGS } from './authorizer.settings.js';
import { replayDecisions } from './replay-decisions.js';

const NOW_MS = Date.now();
const ROOT = mandateClaim('root', { agent: null, limits: { currency: 'USD', total: '100.00', per_transaction: null } });
const TEAM = mandateClaim('team', { agent: null, parent: ROOT.id, depth: 1, limits: ROOT.limits });
const MAIN = mandateClaim('main', { parent: TEAM.id, depth: 2, limits: ROOT.limits });
const OTHER = mandateClaim('other', { parent: TEAM.id, depth: 2, limits: ROOT.limits });

/** A new server may have to start first. */
const HOOK_MS = 60_000;

let world: TestRuntime;
let authorize: AuthorizeBatch;

/** Salts in order, so that two runs of one input give the same bytes. */
function countedSalts() {
  let count = 0;
  return { salt: () => Buffer.alloc(32, (count += 1) % 256) };
}

async function open(mandates: readonly MandateClaim[] = [ROOT, TEAM, MAIN, OTHER], partitions = 1): Promise<void> {
  world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS, agents: ['buyer', 'rival'], partitions });
  await world.domain.mandates(mandates);
  authorize = new AuthorizeBatch(createAuthorizerParts(world.runtime, countedSalts()));
}

function sign(jti: string, change: Partial<PaymentIntentClaims> = {}): Promise<string> {
  return signIntent(world.domain.agent('buyer'), intentClaims(jti, NOW_MS, change));
}

async function rows<T>(sql: string): Promise<T[]> {
  return (await world.database.pool.query(sql)).rows as T[]; // as: the query names its columns
}

async function outcomes(): Promise<string[]> {
  const found = await rows<{ outcome: string; code: string | null }>(
    'SELECT outcome, code FROM decisions ORDER BY lane_offset',
  );
  return found.map(({ outcome, code }) => code ?? outcome);
}

async function published(topic = '%'): Promise<string[]> {
  const found = await rows<{ topic: string; value: Buffer; headers: object }>(
    `SELECT topic, value, headers FROM embedded_records WHERE topic LIKE '${topic}' ORDER BY "offset"`,
  );
  return found.map((record) => `${record.topic} ${sortedJson(record.headers)} ${record.value.toString()}`);
}

function sortedJson(headers: object): string {
  return JSON.stringify(Object.entries(headers).sort());
}

beforeEach(() => open(), HOOK_MS);
afterEach(() => world.close());

describe('authorizing a batch', () => {
  it('F3, F4: turns signed intents into artifacts bounded by amount, counterparty and expiry', async () => {
    const lane = await world.lane(TOPICS.paymentIntents);
    await authorize.execute(batchOf(lane, [await sign('a'), await sign('b')], { appendedAtMs: NOW_MS }));
    expect(await outcomes()).toEqual(['authorized', 'authorized']);
    const [artifact] = await rows<{ claims: string }>('SELECT claims FROM artifacts ORDER BY status_idx');
    const claims = JSON.parse(artifact?.claims ?? 'null') as Record<string, unknown>;
    expect(claims).toMatchObject({
      aud: 'settler',
      sub: 'buyer',
      cnf: { jkt: world.domain.settler.kid },
      exp: Math.floor(NOW_MS / 1000) + 3_600,
      authorization_details: [{ amount: { value: '12.50', currency: 'USD' }, counterparty: { id: 'shop' } }],
    });
    expect(await rows('SELECT held::float8 AS held FROM budgets ORDER BY depth, held DESC')).toEqual(
      [25, 25, 25, 0].map((held) => ({ held })),
    );
    expect((await published(TOPICS.authorizationArtifacts)).length).toBe(2);
    expect((await published(TOPICS.authorizationDecisions)).length).toBe(2);
  });

  it('I1: never holds more than the root allows, whatever two flows ask for in one batch', async () => {
    const lane = await world.lane(TOPICS.paymentIntents);
    const asked = Array.from({ length: 12 }, (_, i) => sign(`n${i}`, { mandate: i % 2 === 0 ? MAIN.id : OTHER.id }));
    await authorize.execute(batchOf(lane, await Promise.all(asked), { appendedAtMs: NOW_MS }));
    expect(await outcomes()).toEqual([
      ...Array<string>(8).fill('authorized'),
      ...Array<string>(4).fill('budget_exceeded'),
    ]);
  });

  it('A22: answers a replay with the decision already recorded, in the same batch and in a later one', async () => {
    const lane = await world.lane(TOPICS.paymentIntents);
    const again = { iat: Math.floor(NOW_MS / 1000) - 5 };
    const first = [await sign('a'), await sign('a', again)];
    const other = await sign('a', { amount: { value: '13.00', currency: 'USD' } });
    await authorize.execute(batchOf(lane, first, { appendedAtMs: NOW_MS }));
    await authorize.execute(batchOf(lane, [await sign('a'), other], { firstOffset: 2n, appendedAtMs: NOW_MS }));
    expect(await outcomes()).toEqual(['authorized']);
    const [decision] = await rows<{ decision_id: string }>('SELECT decision_id FROM decisions');
    expect(await rows('SELECT code, decision_id FROM refusals ORDER BY lane_offset')).toEqual([
      { code: 'intent_replayed', decision_id: decision?.decision_id },
      { code: 'intent_replayed', decision_id: decision?.decision_id },
      { code: 'idempotency_conflict', decision_id: decision?.decision_id },
    ]);
    expect(await published(TOPICS.intentRefusals)).toHaveLength(3);
  });

  it('writes one leaf per batch and reason for refusals, and one per decision', async () => {
    const lane = await world.lane(TOPICS.paymentIntents);
    const values = ['no token', '{}', null, await sign('a')];
    await authorize.execute(batchOf(lane, values, { appendedAtMs: NOW_MS }));
    const leaves = await rows<{ type: string; n: number }>(
      `SELECT leaf::json->>'type' AS type, count(*)::int AS n FROM leaves JOIN lanes USING (lane_id)
       WHERE name LIKE 'payment%' GROUP BY 1 ORDER BY 1`,
    );
    expect(leaves).toEqual([
      { type: 'decision_authorized', n: 1 },
      { type: 'refusals_summarised', n: 1 },
    ]);
    expect(await published(TOPICS.deadLetters)).toHaveLength(3);
  });

  it('denies with clock_untrusted what the log dates more than 30 s ahead, and does not move the mark', async () => {
    const lane = await world.lane(TOPICS.paymentIntents);
    await authorize.execute(batchOf(lane, [await sign('a')], { appendedAtMs: Date.now() + 3_600_000 }));
    await authorize.execute(batchOf(lane, [await sign('a')], { firstOffset: 1n, appendedAtMs: NOW_MS }));
    expect(await rows('SELECT code FROM refusals')).toEqual([{ code: 'clock_untrusted' }]);
    expect(await outcomes()).toEqual(['authorized']);
    expect(await rows(`SELECT appended_mark_ms FROM lanes WHERE name LIKE 'payment%'`)).toEqual([
      { appended_mark_ms: BigInt(NOW_MS) },
    ]);
  });
});

describe('a record in the wrong place', () => {
  it('is appended again under its key when it verifies, and left alone when it does not', async () => {
    await world.close();
    await open([ROOT, TEAM, MAIN], 2);
    const wrong = partitionOf(MAIN.id, 2) === 0 ? 1 : 0;
    const lane = await world.lane(TOPICS.paymentIntents, wrong);
    const stranger = await signIntent(PrivateKeySigner.generate('agent'), intentClaims('x', NOW_MS));
    const options = { partition: wrong, partitions: 2, appendedAtMs: NOW_MS };
    await authorize.execute(batchOf(lane, [await sign('a'), stranger], options));
    expect(await rows('SELECT 1 FROM decisions')).toEqual([]);
    expect(await rows('SELECT code FROM refusals')).toEqual([{ code: 'key_unknown' }]);
    expect(
      await rows(
        `SELECT partition, convert_from(key, 'UTF8') AS key FROM embedded_records WHERE topic = 'payment-intents.v1'`,
      ),
    ).toEqual([{ partition: 1 - wrong, key: MAIN.id }]);
  });
});

describe('what a crash or another owner may do', () => {
  it('publishes the same bytes again after a crash between commit and publish', async () => {
    const lane = await world.lane(TOPICS.paymentIntents);
    const lost: string[] = [];
    // The process ends after the commit, when it would send: what it would have sent is kept to compare.
    const crashing = Object.create(world.runtime.transport, {
      publish: {
        value: (topic: string, records: readonly { headers: object; value: Buffer }[]) => {
          lost.push(...records.map((record) => `${topic} ${sortedJson(record.headers)} ${record.value.toString()}`));
          return Promise.reject(new DependencyError('ERR_SPEC_CRASH', 'as a kill here would leave it'));
        },
      },
    }) as typeof world.runtime.transport; // as: Object.create says nothing of what it made
    const first = new AuthorizeBatch(createAuthorizerParts({ ...world.runtime, transport: crashing }));
    const values = [await sign('a'), await sign('a'), await sign('b')];
    const batch = batchOf(lane, values, { appendedAtMs: NOW_MS });
    await expect(first.execute(batch)).rejects.toThrow('ERR_SPEC_CRASH');
    expect(await outcomes()).toEqual(['authorized', 'authorized']);
    await authorize.takeOver(await world.lane(TOPICS.paymentIntents));
    expect((await published()).sort()).toEqual(lost.sort());
    expect(lost).toHaveLength(6); // two decisions, two artifacts, a transition, a refusal
  });

  it('writes nothing for an owner whose lane was taken', async () => {
    const lane = await world.lane(TOPICS.paymentIntents);
    await world.lane(TOPICS.paymentIntents);
    await expect(authorize.execute(batchOf(lane, [await sign('a')]))).rejects.toThrow('ERR_LANE_LOST');
    expect(await rows('SELECT 1 FROM decisions UNION ALL SELECT 1 FROM refusals')).toEqual([]);
  });

  it('decides again on fresh facts when a control act comes between reading them and the locks', async () => {
    const lane = await world.lane(TOPICS.paymentIntents);
    const parts = createAuthorizerParts(world.as('spendgate_authorizer'));
    const { registry } = parts;
    const loads: bigint[] = [];
    const racing = Object.create(registry, {
      at: {
        value: async (needs: Parameters<typeof registry.at>[0]) => {
          const facts = await registry.at(needs);
          loads.push(facts.epoch);
          if (loads.length === 1)
            await inControlAct(world.database.pool, (act) =>
              revokeMandates(act, { mandateIds: [TEAM.id], by: 'acme', reason: 'spec' }),
            );
          return facts;
        },
      },
    }) as typeof registry; // as: Object.create says nothing of what it made
    const raced = new AuthorizeBatch({ ...parts, registry: racing, decide: { ...parts.decide, registry: racing } });
    await raced.execute(batchOf(lane, [await sign('a')], { appendedAtMs: NOW_MS }));
    expect(await outcomes()).toEqual(['mandate_revoked']);
    expect(loads).toHaveLength(2);
  });

  it('D2: gives identical bytes in batches of 1, 7 and 512', async () => {
    const jtis = Array.from({ length: 23 }, (_, i) => `n${i}`);
    const amounts = ['12.50', '0.00', '3.10', '60.00'];
    const values = await Promise.all(
      jtis.map((jti, i) => sign(jti, { amount: { value: amounts[i % 4] ?? '', currency: 'USD' } })),
    );
    const snapshot = async (size: number): Promise<unknown[]> => {
      await freezeClock();
      const lane = await world.lane(TOPICS.paymentIntents);
      const one = new AuthorizeBatch(createAuthorizerParts(world.runtime, countedSalts()));
      for (let at = 0; at < values.length; at += size) {
        const part = values.slice(at, at + size);
        await one.execute(batchOf(lane, part, { firstOffset: BigInt(at), appendedAtMs: NOW_MS }));
      }
      return [
        await rows('SELECT * FROM decisions ORDER BY lane_offset'),
        await rows('SELECT * FROM artifacts ORDER BY status_idx'),
        await rows(`SELECT l.* FROM leaves l JOIN lanes USING (lane_id) WHERE name LIKE 'payment%' ORDER BY seq`),
        (await published()).sort(),
      ];
    };
    const before = await rows<{ all: string }>(`SELECT json_agg(f)::text AS all FROM flows f`);
    const results: unknown[][] = [];
    for (const size of [512, 7, 1]) {
      results.push(await snapshot(size));
      await world.database.pool.query(
        `TRUNCATE decisions, artifacts, holds, refusals, outbox, embedded_records, flows;
         DELETE FROM leaves USING lanes WHERE leaves.lane_id = lanes.lane_id AND name LIKE 'payment%';
         UPDATE lanes SET next = 0, leaf_seq = 0, outbox_seq = 0, published = 0, appended_mark_ms = 0 WHERE name LIKE 'payment%';
         UPDATE embedded_partitions SET next_offset = 0; UPDATE budgets SET held = 0`,
      );
      await world.database.pool.query('INSERT INTO flows SELECT * FROM json_populate_recordset(NULL::flows, $1)', [
        before[0]?.all,
      ]);
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it('I1: never holds more than the root allows when four owners decide at once', async () => {
    await world.close();
    const leaves = Array.from({ length: 16 }, (_, i) =>
      mandateClaim(`leaf${i}`, { parent: ROOT.id, depth: 1, limits: ROOT.limits }),
    );
    await open([ROOT, ...leaves], 4);
    const lanes = await Promise.all([0, 1, 2, 3].map((partition) => world.lane(TOPICS.paymentIntents, partition)));
    const byPartition = lanes.map((lane, partition) => ({
      lane,
      partition,
      mandates: leaves.filter((leaf) => partitionOf(leaf.id, 4) === partition),
    }));
    await Promise.all(
      byPartition.map(async ({ lane, partition, mandates }) => {
        const asked = mandates.flatMap(({ id }) => [0, 1, 2].map((n) => sign(`${id}-${n}`, { mandate: id })));
        const options = { partition, partitions: 4, appendedAtMs: NOW_MS };
        if (asked.length > 0) await authorize.execute(batchOf(lane, await Promise.all(asked), options));
      }),
    );
    const counted = await rows('SELECT outcome, count(*)::int AS n FROM decisions GROUP BY 1 ORDER BY 1');
    expect(counted).toEqual([
      { outcome: 'authorized', n: 8 },
      { outcome: 'denied', n: 40 },
    ]);
  });
});

/** Every session reads this clock in place of the server's: a name in front of pg_catalog wins. */
async function freezeClock(): Promise<void> {
  const { pool } = world.database;
  await pool.query(
    `CREATE SCHEMA IF NOT EXISTS frozen;
     CREATE OR REPLACE FUNCTION frozen.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS
       $$ SELECT to_timestamp(${NOW_MS / 1000}) $$;
     DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = frozen, public, pg_catalog', current_database()); END $$`,
  );
  // Sessions of the pool took their path when they connected.
  await Promise.all(
    Array.from({ length: 20 }, () => pool.query('SET search_path = frozen, public, pg_catalog; SELECT pg_sleep(0.05)')),
  );
}

describe('determinism', () => {
  it('D2: recomputes every stored decision to the same bytes', async () => {
    const lane = await world.lane(TOPICS.paymentIntents);
    const amounts = ['12.50', '0.00', '101.00', '1.5', '12.50'];
    const values = amounts.map((value, i) => sign(`n${i}`, { amount: { value, currency: 'USD' } }));
    const unknown = await sign('unknown', { mandate: namedId('nobody knows') });
    await authorize.execute(batchOf(lane, [...(await Promise.all(values)), unknown], { appendedAtMs: NOW_MS }));
    expect(await outcomes()).toEqual([
      'authorized',
      'amount_invalid',
      'budget_exceeded',
      'amount_invalid',
      'authorized',
      'mandate_unknown',
    ]);
    expect(await replayDecisions(world.database.pool)).toEqual({ checked: 6, differences: [], notRecomputable: 0 });
    await world.database.pool.query(
      `UPDATE decisions SET outcome = 'authorized', code = NULL WHERE code = 'budget_exceeded'`,
    );
    expect((await replayDecisions(world.database.pool)).differences).toHaveLength(1);
  });
});
