import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { MandateClaim, PaymentIntentClaims } from '@spendgate/codec';
import { TOPICS } from '@spendgate/messaging';
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

let world: TestRuntime;
let authorize: AuthorizeBatch;

/** Salts in order, so that two runs of one input give the same bytes. */
function countedSalts() {
  let count = 0;
  return { salt: () => Buffer.alloc(32, (count += 1) % 256) };
}

async function open(mandates: readonly MandateClaim[] = [ROOT, TEAM, MAIN, OTHER]): Promise<void> {
  world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS, agents: ['buyer', 'rival'] });
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

async function published(topic: string): Promise<string[]> {
  const found = await rows<{ value: Buffer; headers: unknown }>(
    `SELECT value, headers FROM embedded_records WHERE topic = '${topic}' ORDER BY "offset"`,
  );
  return found.map(({ value, headers }) => `${JSON.stringify(headers)} ${value.toString()}`);
}

beforeEach(() => open());
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
    const asked = Array.from({ length: 12 }, (_, i) =>
      sign(`n${i}`, { mandate: i % 2 === 0 ? MAIN.id : OTHER.id }),
    );
    await authorize.execute(batchOf(lane, await Promise.all(asked), { appendedAtMs: NOW_MS }));
    expect(await outcomes()).toEqual([...Array<string>(8).fill('authorized'), ...Array<string>(4).fill('budget_exceeded')]);
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

describe('what a crash or another owner may do', () => {
  it('publishes the same bytes again after a takeover between commit and publish', async () => {
    const lane = await world.lane(TOPICS.paymentIntents);
    const batch = batchOf(lane, [await sign('a'), 'rubbish', await sign('b')], { appendedAtMs: NOW_MS });
    await authorize.execute(batch);
    const topics = [TOPICS.authorizationArtifacts, TOPICS.authorizationDecisions, TOPICS.intentRefusals];
    const before = await Promise.all(topics.map(published));
    // As a crash right after the commit leaves it: nothing marked as published, every row still there.
    const kept = await keptOutbox();
    await world.database.pool.query('DELETE FROM embedded_records');
    await world.database.pool.query(`UPDATE lanes SET published = 0`);
    await restoreOutbox(kept);
    const next = new AuthorizeBatch(createAuthorizerParts(world.runtime));
    await next.takeOver(await world.lane(TOPICS.paymentIntents));
    expect(await Promise.all(topics.map(published))).toEqual(before);
    expect(before[0]).toHaveLength(2);
  });

  it('writes nothing for an owner whose lane was taken', async () => {
    const lane = await world.lane(TOPICS.paymentIntents);
    await world.lane(TOPICS.paymentIntents);
    await expect(authorize.execute(batchOf(lane, [await sign('a')]))).rejects.toThrow('ERR_LANE_LOST');
    expect(await rows('SELECT 1 FROM decisions UNION ALL SELECT 1 FROM refusals')).toEqual([]);
  });

  it('decides again on fresh facts when a control act comes between reading them and the locks', async () => {
    const lane = await world.lane(TOPICS.paymentIntents);
    await authorize.execute(batchOf(lane, [await sign('a')], { appendedAtMs: NOW_MS })); // facts are cached now
    await inControlAct(world.database.pool, (act) =>
      revokeMandates(act, { mandateIds: [TEAM.id], reason: 'spec' } as unknown as Parameters<typeof revokeMandates>[1]),
    );
    await authorize.execute(batchOf(lane, [await sign('b')], { firstOffset: 1n, appendedAtMs: NOW_MS }));
    expect((await outcomes())[1]).toBe('mandate_revoked');
  });
});

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
    await world.database.pool.query(`UPDATE decisions SET outcome = 'authorized', code = NULL WHERE code = 'budget_exceeded'`);
    expect((await replayDecisions(world.database.pool)).differences).toHaveLength(1);
  });
});

async function keptOutbox(): Promise<string> {
  const [row] = await rows<{ all: string }>(`SELECT coalesce(json_agg(o), '[]')::text AS all FROM outbox o`);
  return row?.all ?? '[]';
}

async function restoreOutbox(kept: string): Promise<void> {
  await world.database.pool.query('DELETE FROM outbox');
  await world.database.pool.query('INSERT INTO outbox SELECT * FROM json_populate_recordset(NULL::outbox, $1)', [kept]);
}
