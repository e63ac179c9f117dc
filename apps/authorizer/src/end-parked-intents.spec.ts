import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { PaymentIntentClaims } from '@spendgate/codec';
import { DependencyError, LIMITS } from '@spendgate/core';
import { TOPICS } from '@spendgate/messaging';
import { type LaneLease, inControlAct, revokeMandates } from '@spendgate/store';
import {
  type TestRuntime,
  batchOf,
  intentClaims,
  mandateClaim,
  openTestRuntime,
  signIntent,
  until,
} from '@spendgate/testing';
import { AuthorizeBatch } from './authorize-batch.js';
import { type AuthorizerParts, createAuthorizerParts } from './authorizer-parts.js';
import { AUTHORIZER_SETTINGS } from './authorizer.settings.js';
import { EndParkedIntents } from './end-parked-intents.js';
import { ParkedSweep } from './parked-sweep.js';
import { replayDecisions } from './replay-decisions.js';

const NOW_MS = Date.now();
const ASKS = mandateClaim('main', { approvals: { above: '10.00' } });
const PARKS = mandateClaim('parks', { park_seconds: 600 });
/** A new server may have to start first. */
const HOOK_MS = 60_000;

let world: TestRuntime;
let parts: AuthorizerParts;
let authorize: AuthorizeBatch;
let end: EndParkedIntents;
let lane: LaneLease;

beforeEach(async () => {
  world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS });
  await world.domain.mandates([ASKS, PARKS]);
  use(createAuthorizerParts(world.as('spendgate_authorizer')));
  lane = await world.lane(TOPICS.paymentIntents);
}, HOOK_MS);
afterEach(() => world.close());

function use(made: AuthorizerParts): void {
  parts = made;
  authorize = new AuthorizeBatch(parts);
  end = new EndParkedIntents(parts);
}

function sign(jti: string, change: Partial<PaymentIntentClaims> = {}): Promise<string> {
  return signIntent(world.domain.agent('buyer'), intentClaims(jti, NOW_MS, change));
}

async function publish(firstOffset: number, ...jtis: string[]): Promise<void> {
  const values = await Promise.all(jtis.map((jti) => sign(jti)));
  await authorize.execute(batchOf(lane, values, { firstOffset: BigInt(firstOffset), appendedAtMs: NOW_MS }));
}

async function rows<T>(sql: string): Promise<T[]> {
  return (await world.database.pool.query(sql)).rows as T[]; // as: the query names its columns
}

/** As time would: the decision stays as it was made, its wait is over. */
async function timeIsOver(): Promise<void> {
  await rows(`UPDATE parked_intents SET parked_until = clock_timestamp() - interval '1 ms'`);
}

const DECIDED = `SELECT attempt, outcome, code, field, supersedes FROM decisions ORDER BY lane_offset, attempt`;
const decidedEvents = async (): Promise<Record<string, unknown>[]> =>
  (
    await rows<{ value: Buffer }>(
      `SELECT value FROM embedded_records WHERE topic = '${TOPICS.authorizationDecisions}' ORDER BY "offset"`,
    )
  ).map(({ value }) => JSON.parse(value.toString()) as Record<string, unknown>); // as: our own events

describe('ending parked intents', () => {
  it('I2: ends a wait that is over by a decision that supersedes it, and only once', async () => {
    await publish(0, 'a');
    expect(await end.execute(lane)).toBe(0);
    await timeIsOver();
    expect(await end.execute(lane)).toBe(1);
    expect(await end.execute(lane)).toBe(0);
    const [first] = await rows<{ id: string }>('SELECT decision_id AS id FROM decisions WHERE attempt = 0');
    expect(await rows(DECIDED)).toEqual([
      { attempt: 0, outcome: 'parked', code: 'approval_required', field: null, supersedes: null },
      { attempt: 1, outcome: 'denied', code: 'deadline_passed', field: 'parked_until', supersedes: first?.id },
    ]);
    expect(await decidedEvents()).toMatchObject([
      { outcome: 'parked', sequence: '3', supersedes: null },
      { outcome: 'denied', code: 'deadline_passed', sequence: '4', supersedes: first?.id },
    ]);
    expect(await rows('SELECT 1 FROM parked_intents')).toEqual([]);
  });

  it('I4: the ending decision has one leaf, whose causes are the grant and the decision it supersedes', async () => {
    await publish(0, 'a');
    await timeIsOver();
    await end.execute(lane);
    const leaves = await rows<{ causes: string[]; payload: string; leaf_hash: Buffer }>(
      `SELECT leaf::json->'causes' AS causes, payload, leaf_hash FROM leaves WHERE lane_id = ${lane.laneId} ORDER BY seq`,
    );
    const [waited, ended] = leaves;
    expect(leaves).toHaveLength(2);
    expect(ended?.causes).toEqual([waited?.causes[0], waited?.leaf_hash.toString('base64url')]);
    expect(JSON.parse(ended?.payload ?? '{}')).toMatchObject({ code: 'deadline_passed', origin: { offset: '0' } });
  });

  it('D2: an ending decision is recomputed to the same bytes from its read set', async () => {
    await publish(0, 'a', 'b');
    await timeIsOver();
    await end.execute(lane);
    expect(await replayDecisions(world.database.pool)).toEqual({ checked: 4, differences: [], notRecomputable: 0 });
  });

  it('takes nothing of the log, and records after it are decided as before', async () => {
    await publish(0, 'a');
    await timeIsOver();
    await end.execute(lane);
    expect(await rows(`SELECT next FROM lanes WHERE lane_id = ${lane.laneId}`)).toEqual([{ next: 1n }]);
    await publish(1, 'a', 'b');
    expect(await rows('SELECT code FROM refusals')).toEqual([{ code: 'intent_replayed' }]);
    expect((await rows(DECIDED)).length).toBe(3);
  });

  it('I7: ends a wait whose mandate was revoked meanwhile, too', async () => {
    await publish(0, 'a');
    await inControlAct(world.database.pool, (act) =>
      revokeMandates(act, { mandateIds: [ASKS.id], by: 'acme', reason: 'spec' }),
    );
    await timeIsOver();
    expect(await end.execute(lane)).toBe(1);
    expect((await rows<{ code: string }>(DECIDED)).map(({ code }) => code)).toEqual([
      'approval_required',
      'deadline_passed',
    ]);
  });

  it('ends what waits for the release of a contained flow', async () => {
    await rows(`UPDATE flows SET state = 'contained' WHERE flow_id = '${PARKS.id}'`);
    await authorize.execute(batchOf(lane, [await sign('a', { mandate: PARKS.id })], { appendedAtMs: NOW_MS }));
    await timeIsOver();
    await end.execute(lane);
    expect((await rows<{ code: string }>(DECIDED)).map(({ code }) => code)).toEqual([
      'flow_contained',
      'deadline_passed',
    ]);
  });

  it('writes nothing for an owner whose lane was taken: the new owner ends them', async () => {
    await publish(0, 'a');
    await timeIsOver();
    const taken = await world.lane(TOPICS.paymentIntents);
    await expect(end.execute(lane)).rejects.toThrow('ERR_LANE_LOST');
    expect((await rows(DECIDED)).length).toBe(1);
    expect(await end.execute(taken)).toBe(1);
  });

  it('sends what it committed and could not send before anything later of the lane', async () => {
    await publish(0, 'a');
    await timeIsOver();
    let isAway = true;
    const failing = Object.create(world.runtime.transport, {
      publish: {
        value: (...given: Parameters<typeof world.runtime.transport.publish>) =>
          isAway
            ? Promise.reject(new DependencyError('ERR_SPEC_AWAY', 'as a log that cannot be reached'))
            : world.runtime.transport.publish(...given),
      },
    }) as typeof world.runtime.transport; // as: Object.create says nothing of what it made
    use(createAuthorizerParts({ ...world.runtime, transport: failing }));
    await expect(end.execute(lane)).rejects.toThrow('ERR_SPEC_AWAY');
    isAway = false;
    await publish(1, 'b');
    expect((await decidedEvents()).map((event) => [event['intent_jti'], event['outcome']])).toEqual([
      ['a', 'parked'],
      ['a', 'denied'],
      ['b', 'parked'],
    ]);
  });

  it('ends the others when the row of one was damaged, and then says which', async () => {
    await publish(0, 'a', 'b');
    await rows(`UPDATE decisions SET request = 'x' WHERE lane_offset = 0`);
    await timeIsOver();
    expect(await end.execute(lane)).toBe(1);
    await expect(end.execute(lane)).rejects.toThrow('ERR_STORED_DECISION');
  });

  it('waits for its turn like a batch of records, so that events go out in the order they were written', async () => {
    await publish(0, 'a');
    await timeIsOver();
    const batch = batchOf(lane, [await sign('b')], { firstOffset: 1n, appendedAtMs: NOW_MS });
    const done: string[] = [];
    await Promise.all([
      parts.turns.take(lane, () => rows('SELECT pg_sleep(0.5)')).then(() => done.push('a slow act')),
      end.execute(lane).then(() => done.push('the wait ended')),
      authorize.execute(batch).then(() => done.push('the batch decided')),
    ]);
    expect(done).toEqual(['a slow act', 'the wait ended', 'the batch decided']);
    expect((await decidedEvents()).map((event) => event['outcome'])).toEqual(['parked', 'denied', 'parked']);
  });
});

describe('how many may wait', () => {
  it('a flow has at most 100 that wait for a person, in one batch and over several; others are denied', async () => {
    const jtis = Array.from({ length: LIMITS.parkedPerFlowMax + 1 }, (_, n) => `n${n}`);
    await publish(0, ...jtis);
    await publish(jtis.length, 'one-more');
    const denied = { attempt: 0, outcome: 'denied', code: 'window_limit', field: 'approval', supersedes: null };
    expect((await rows<{ outcome: string }>(DECIDED)).filter(({ outcome }) => outcome !== 'parked')).toEqual([
      denied,
      denied,
    ]);
    await timeIsOver();
    await publish(jtis.length + 1, 'room-again');
    expect((await rows(DECIDED)).at(-1)).toMatchObject({ outcome: 'parked' });
  });
});

describe('the sweep', () => {
  it('I2: ends every wait of an idle lane, however many are over at once', async () => {
    const jtis = Array.from({ length: 90 }, (_, n) => `n${n}`);
    await publish(0, ...jtis);
    await timeIsOver();
    const settings = { ...world.runtime.settings, SPENDGATE_PARKED_SWEEP_MS: 10 };
    const sweep = new ParkedSweep({ ...world.runtime, settings }, parts);
    sweep.start();
    try {
      await until('no wait', async () => (await rows('SELECT 1 FROM parked_intents')).length === 0);
    } finally {
      await sweep.stop();
    }
    expect(await rows('SELECT outcome, count(*)::int AS n FROM decisions GROUP BY 1 ORDER BY 1')).toEqual([
      { outcome: 'denied', n: 90 },
      { outcome: 'parked', n: 90 },
    ]);
    expect((await replayDecisions(world.database.pool)).differences).toEqual([]);
  });
});
