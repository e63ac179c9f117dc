import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { MandateClaim, OpsActionClaims } from '@spendgate/codec';
import type { DriftMode } from '@spendgate/core';
import { TOPICS } from '@spendgate/messaging';
import {
  type LearningWindow,
  type OpsAnswer,
  inControlAct,
  learnFrom,
  profileTarget,
  readProposal,
  setDetectors,
  takeOpsAct,
} from '@spendgate/store';
import {
  TEST_SPENDING,
  type TestRuntime,
  approvingClaims,
  batchOf,
  intentClaims,
  mandateClaim,
  openTestRuntime,
  opsClaims,
  signIntent,
  signOpsAct,
  until,
} from '@spendgate/testing';
import { AuthorizeBatch } from './authorize-batch.js';
import { createAuthorizerParts } from './authorizer-parts.js';
import { AUTHORIZER_SETTINGS } from './authorizer.settings.js';
import { replayDecisions } from './replay-decisions.js';

const LONG_MS = 60_000;
const PEOPLE = { ada: ['operator', 'approver'], grace: ['operator', 'approver'] };

let world: TestRuntime;
let authorize: AuthorizeBatch;
let offset: bigint;
let serial = 0;

beforeEach(async () => {
  world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS, agents: ['buyer', 'other'], people: PEOPLE });
  offset = 0n;
  authorize = new AuthorizeBatch(createAuthorizerParts(world.as('spendgate_authorizer')));
  const main = mandateClaim('main', { spending: TEST_SPENDING, limits: limits('100000.00') });
  const child = mandateClaim('child', { parent: main.id, depth: 1, agent: 'other', limits: limits('1000.00') });
  await world.domain.mandates([main, child, mandateClaim('free', { limits: limits('100000.00') })]);
}, LONG_MS);
afterEach(() => world.close());

function limits(total: string): MandateClaim['limits'] {
  return { currency: 'USD', total, per_transaction: '900.00' };
}

function detectors(mode: DriftMode, eventsPerDay = 0): Promise<void> {
  return inControlAct(world.database.pool, (act) => setDetectors(act, { mode, eventsPerDay }));
}

/** Decides intents of the given values, all in one batch or one by one. */
async function decide(values: readonly string[], { mandate = 'main', at = values.length } = {}): Promise<string[]> {
  const nowMs = Date.now();
  const agent = mandate === 'child' ? 'other' : 'buyer';
  const signed = await Promise.all(
    values.map((value) => {
      serial += 1;
      const change = { iss: agent, mandate: mandateClaim(mandate).id, amount: { value, currency: 'USD' } };
      return signIntent(world.domain.agent(agent), intentClaims(`order-${serial}`, nowMs, change));
    }),
  );
  const first = offset;
  for (let from = 0; from < signed.length; from += at) {
    const lane = await world.lane(TOPICS.paymentIntents, 0);
    const some = signed.slice(from, from + at);
    await authorize.execute(batchOf(lane, some, { firstOffset: offset, appendedAtMs: nowMs }));
    offset += BigInt(some.length);
  }
  const rows = await query<{ outcome: string; code: string | null }>(
    'SELECT outcome, code FROM decisions WHERE lane_offset >= $1 ORDER BY lane_offset',
    [first],
  );
  return rows.map(({ outcome, code }) => code ?? outcome);
}

async function query<T extends object>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
  return (await world.database.pool.query<T>(sql, [...values])).rows;
}

async function flow(name = 'main') {
  type Row = { state: string; drift: string | null; profile_hash: string | null };
  const sql = 'SELECT state, drift, profile_hash FROM flows WHERE flow_id = $1';
  const [row] = await query<Row>(sql, [mandateClaim(name).id]);
  return row;
}

const large = (count: number): string[] => Array.from({ length: count }, () => '95.00');

describe('a flow whose mandate declares how it spends', () => {
  it(
    'E15: is contained by the very intent that brings the evidence to HALT; nothing passes after it, and all replays to the byte',
    async () => {
      await detectors('enforce');
      const codes = await decide(large(40));
      const at = codes.indexOf('drift_detected');
      expect(at).toBeGreaterThan(4);
      expect(codes.slice(0, at)).toEqual(large(at).map(() => 'authorized'));
      expect(new Set(codes.slice(at + 1))).toEqual(new Set(['flow_contained']));
      expect(await flow()).toMatchObject({ state: 'contained' });
      const [incident] = await query<{ rule: string }>('SELECT rule FROM incidents');
      const [cause] = await query<{ kind: string; evidence: string }>(
        'SELECT kind, evidence::text FROM incident_causes',
      );
      expect([incident?.rule, cause?.kind]).toEqual(['evidence.spend', 'spend']);
      expect(cause?.evidence).toContain('"threshold":1000000');
      expect(await query('SELECT 1 FROM artifacts WHERE status = 0')).toEqual([]); // each suspended with the flow
      expect(await replayDecisions(world.database.pool)).toEqual({ checked: 40, differences: [], notRecomputable: 0 });
    },
    LONG_MS,
  );

  it(
    'D2: gives the same evidence to the byte wherever its stream is cut into batches',
    async () => {
      const values = Array.from({ length: 30 }, (_, n) => (n % 7 === 0 ? '95.00' : n % 5 === 0 ? '950.00' : '12.50'));
      await decide(values);
      const whole = (await flow())?.drift;
      await world.close();
      const again = await openTestRuntime({ settings: AUTHORIZER_SETTINGS, agents: ['buyer', 'other'] });
      world = again;
      offset = 0n;
      serial -= values.length; // the same intents: their hashes break ties
      authorize = new AuthorizeBatch(createAuthorizerParts(world.as('spendgate_authorizer')));
      await world.domain.mandates([mandateClaim('main', { spending: TEST_SPENDING, limits: limits('100000.00') })]);
      await decide(values, { at: 4 });
      const events = (text: string | null | undefined): unknown =>
        Object.fromEntries(
          Object.entries(JSON.parse(text ?? '{}') as object).filter(([name]) => name !== 'last_iat_ms'),
        );
      expect(events((await flow())?.drift)).toEqual(events(whole));
      expect(JSON.parse(whole ?? '{}')).toMatchObject({ events: 30 });
    },
    LONG_MS,
  );

  it(
    'in shadow is recorded and goes on, and is halted once two people have promoted the detectors',
    async () => {
      const codes = await decide(large(40));
      expect(new Set(codes)).toEqual(new Set(['authorized']));
      const [row] = await query<{ payload: string }>(
        `SELECT payload FROM leaves WHERE payload::jsonb -> 'spending' ->> 'verdict' = 'halt' LIMIT 1`,
      );
      expect(row).toBeDefined();
      expect(await flow()).toMatchObject({ state: 'executing' });
      await detectors('enforce');
      expect(await decide(['12.50'])).toEqual(['drift_detected']);
      expect(await flow()).toMatchObject({ state: 'contained' });
    },
    LONG_MS,
  );

  it(
    "is measured by the nearest level above that declares, and an agent's own profile cannot widen it",
    async () => {
      await detectors('enforce');
      expect((await decide(large(9), { mandate: 'child' })).at(-1)).toBe('authorized');
      expect((await flow('child'))?.profile_hash).toBe((await flow('main'))?.profile_hash);
      expect((await flow('free'))?.profile_hash).toBeNull();
      const lax = { ...TEST_SPENDING, denials: 9_000 };
      const wider = mandateClaim('wider', {
        ...{ parent: mandateClaim('main').id, depth: 1, limits: limits('1000.00') },
        spending: lax,
      });
      await expect(world.domain.mandates([wider])).rejects.toThrow('spending');
    },
    LONG_MS,
  );

  it.each([
    ['lost', 'UPDATE flows SET drift = NULL WHERE profile_hash IS NOT NULL'],
    ['damaged', `UPDATE flows SET drift = '{' WHERE profile_hash IS NOT NULL`],
    ['of another profile', `UPDATE flows SET profile_hash = repeat('A', 43) WHERE profile_hash IS NOT NULL`],
    ['without its profile', 'UPDATE flows SET profile_hash = NULL WHERE profile_hash IS NOT NULL'],
  ])(
    'is unverifiable and denied while its evidence is %s; nobody begins it anew',
    async (_what, sql) => {
      await decide(['12.50']);
      await query(sql);
      const before = await flow();
      expect(await decide(['12.50', '12.50'])).toEqual(['trust_unverifiable', 'trust_unverifiable']);
      expect(await flow()).toEqual(before);
      expect(await replayDecisions(world.database.pool)).toEqual({ checked: 3, differences: [], notRecomputable: 0 });
    },
    LONG_MS,
  );

  it(
    'keeps its evidence when the mandate is amended, and begins anew when it is measured against something else',
    async () => {
      await decide(large(5));
      const before = await flow();
      const amended = { spending: TEST_SPENDING, limits: limits('90000.00') };
      const other = { ...TEST_SPENDING, amounts: [{ bound: '50.00', share: 10_000 }] };
      await world.domain.mandates([mandateClaim('main', { ...amended, version: 2, counterparties: ['shop'] })]);
      expect(await flow()).toEqual(before); // another list of payees is no other law
      await world.domain.mandates([mandateClaim('main', { ...amended, spending: other, version: 3 })]);
      expect(JSON.parse((await flow())?.drift ?? '{}')).toMatchObject({ events: 0 });
    },
    LONG_MS,
  );

  describe('and of which two people freeze what it did over a stated time', () => {
    const window = (): LearningWindow => {
      const now = Math.floor(Date.now() / 1_000);
      return { flowId: mandateClaim('main').id, from: now - 3_600, to: now + 1 };
    };
    /** As `spendgate flows learn` and `acts approve` do. */
    async function learn(asked: LearningWindow, change: Partial<OpsActionClaims> = {}): Promise<OpsAnswer> {
      const { pool } = world.database;
      const learned = await learnFrom(pool, asked);
      const proposal = learned.ok ? await readProposal(pool, asked.flowId, learned.profile) : undefined;
      const target = { kind: 'profile', id: profileTarget(asked) };
      const first = opsClaims('ada', 'learn_profile', [target], { change_hash: proposal?.hash ?? null, ...change });
      const waiting = await takeOpsAct(pool, await signOpsAct(world.domain.person('ada'), first));
      if (!waiting.ok) return waiting;
      const second = approvingClaims('grace', first, waiting.act);
      return takeOpsAct(pool, await signOpsAct(world.domain.person('grace'), second));
    }
    const usual = (count: number): string[] => Array.from({ length: count }, (_, n) => `${12 + (n % 5)}.50`);
    const past = (): Promise<LearningWindow> => {
      const asked = { ...window(), to: Math.floor(Date.now() / 1_000) + 1 };
      return until('the window is over', () => Promise.resolve(Date.now() >= asked.to * 1_000)).then(() => asked);
    };

    it(
      'E11: is measured against that from then on: the baseline is signed by both, in the log, and its evidence begins anew',
      async () => {
        await decide(usual(80));
        const before = await flow();
        const answer = await learn(await past());
        expect(answer).toMatchObject({ ok: true, state: 'done', changes: [{ kind: 'profile', change: 'learned' }] });
        const after = await flow();
        expect(after?.profile_hash).not.toBe(before?.profile_hash);
        expect(JSON.parse(after?.drift ?? '{}')).toMatchObject({ events: 0, baseline: after?.profile_hash });
        const [leaf] = await query<{ learned: { events: number } }>(
          `SELECT payload::json #> '{baseline,spending,profile,learned}' AS learned FROM leaves
           WHERE leaf LIKE '%"flow_baseline_set"%' AND payload LIKE '%"learned":{%'`,
        );
        expect(leaf?.learned.events).toBe(80);
        await detectors('enforce');
        expect(await decide(usual(20))).toEqual(usual(20).map(() => 'authorized'));
        expect((await decide(large(40))).filter((code) => code === 'drift_detected')).toHaveLength(1);
        expect((await replayDecisions(world.database.pool)).differences).toEqual([]);
      },
      LONG_MS,
    );

    it(
      'keeps what was learned when the mandate is amended, and ends it when another spending is declared',
      async () => {
        await decide(usual(70));
        await learn(await past());
        const learned = await flow();
        const amended = { spending: TEST_SPENDING, limits: limits('90000.00') };
        await world.domain.mandates([mandateClaim('main', { ...amended, version: 2 })]);
        expect((await flow())?.profile_hash).toBe(learned?.profile_hash);
        const other = { ...TEST_SPENDING, amounts: [{ bound: '50.00', share: 10_000 }] };
        await world.domain.mandates([mandateClaim('main', { ...amended, spending: other, version: 3 })]);
        expect((await flow())?.profile_hash).not.toBe(learned?.profile_hash);
      },
      LONG_MS,
    );

    it(
      'is refused for too little, for a time not over, for another baseline than signed, and to one person alone',
      async () => {
        await decide(usual(20));
        const asked = await past();
        expect(await learn(asked)).toMatchObject({ ok: false, problem: expect.stringContaining('at least 64') });
        await decide(usual(60));
        const again = await past();
        expect(await learn({ ...again, to: again.to + 600 })).toMatchObject({
          problem: expect.stringContaining('not over'),
        });
        expect(await learn(again, { change_hash: 'A'.repeat(43) })).toMatchObject({ ok: false, because: 'conflict' });
        const free = { ...again, flowId: mandateClaim('free').id };
        expect(await learn(free)).toMatchObject({ problem: expect.stringContaining('declares no spending') });
        expect((await flow())?.profile_hash).toBe((await flow('child'))?.profile_hash);
      },
      LONG_MS,
    );
  });
});
