import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { OpsActionClaims } from '@spendgate/codec';
import { TOPICS } from '@spendgate/messaging';
import { type LaneLease, inControlAct, listParked, recordParties, revokeKey } from '@spendgate/store';
import {
  type TestRuntime,
  batchOf,
  intentClaims,
  mandateClaim,
  newestParked,
  openTestRuntime,
  renewalClaims,
  signIntent,
  signParkedAnswer,
  signRenewal,
} from '@spendgate/testing';
import { AuthorizeBatch } from './authorize-batch.js';
import { type AuthorizerParts, createAuthorizerParts } from './authorizer-parts.js';
import { AUTHORIZER_SETTINGS } from './authorizer.settings.js';
import { EndParkedIntents } from './end-parked-intents.js';
import { replayDecisions } from './replay-decisions.js';

/** An intent of a spec asks for 12.50. */
const TWO = mandateClaim('main', { approvals: { above: '1.00', two_above: '10.00' } });
const HOOK_MS = 60_000;

let world: TestRuntime;
let parts: AuthorizerParts;
let authorize: AuthorizeBatch;
let lane: LaneLease;
let next: bigint;

beforeEach(async () => {
  world = await openTestRuntime({
    settings: AUTHORIZER_SETTINGS,
    people: { ada: ['approver'], grace: ['approver'], ivan: ['approver'], acme: ['approver'] },
  });
  await world.domain.mandates([TWO]);
  parts = createAuthorizerParts(world.as('spendgate_authorizer'));
  authorize = new AuthorizeBatch(parts);
  lane = await world.lane(TOPICS.paymentIntents);
  next = 0n;
  await publish(await ask('a'));
}, HOOK_MS);
afterEach(() => world.close());

async function publish(...values: string[]): Promise<void> {
  const batch = batchOf(lane, values, { firstOffset: next, appendedAtMs: Date.now() });
  next += BigInt(values.length);
  await authorize.execute(batch);
}

const ask = (jti: string) => signIntent(world.domain.agent('buyer'), intentClaims(jti, Date.now()));
/** What a person says to the newest decision by which the intent waits. */
const say = (person: string, change: Partial<OpsActionClaims> = {}) =>
  signParkedAnswer(world, { iss: person, jti: `${person}-${next}`, ...change }, world.domain.person(person));

async function rows<T>(sql: string): Promise<T[]> {
  return (await world.database.pool.query(sql)).rows as T[]; // as: the query names its columns
}
const decided = () =>
  rows<Record<string, unknown>>('SELECT attempt, outcome, code, field FROM decisions ORDER BY attempt, lane_offset');
const last = async () => (await decided()).at(-1);
/** Of the newest artifact, keeping everything. */
async function renewal(): Promise<string> {
  const [artifact] = await rows<{ id: string; hash: Buffer; hold: string }>(
    `SELECT artifact_id AS id, claims_hash AS hash, hold_id AS hold FROM artifacts ORDER BY artifact_id DESC LIMIT 1`,
  );
  if (artifact === undefined) throw new Error('nothing was issued');
  const { id, hash, hold } = artifact;
  const claims = renewalClaims({ id, hash: hash.toString('base64url') }, hold);
  return signRenewal(world.domain.agent('buyer'), claims);
}
const refusals = () => rows('SELECT code, field, decision_id AS decision FROM refusals ORDER BY lane_offset');
const artifacts = async () => (await rows('SELECT 1 FROM artifacts a JOIN holds h USING (artifact_id)')).length;
const waits = async () =>
  (await listParked(world.database.pool, 9)).map(({ approvals, needed }) => [approvals, needed]);
const same = async () => expect((await replayDecisions(world.database.pool)).differences).toEqual([]);

const ASKED = { attempt: 0, outcome: 'parked', code: 'approval_required', field: null };
const COUNTED = { attempt: 1, outcome: 'parked', code: 'approval_required', field: 'approvals.two_above' };

describe('above the second bound two people approve', () => {
  it('the first issues nothing and is kept; the second has the intent decided, and one artifact comes of it', async () => {
    expect(await waits()).toEqual([[0, 2]]);
    await publish(await say('ada'));
    expect([await decided(), await artifacts(), await waits()]).toEqual([[ASKED, COUNTED], 0, [[1, 2]]]);
    await publish(await say('grace'));
    expect(await decided()).toEqual([ASKED, COUNTED, { attempt: 2, outcome: 'authorized', code: null, field: null }]);
    expect([await artifacts(), await waits(), await refusals()]).toEqual([1, [], []]);
  });

  it('D2, I4: each act is a leaf and the cause of its decision, and every decision is recomputed to the same bytes', async () => {
    await publish(await say('ada'));
    await publish(await say('grace'));
    const leaves = await rows<{ type: string; causes: string[]; payload: string; hash: Buffer }>(
      `SELECT leaf::json->>'type' AS type, leaf::json->'causes' AS causes, payload, leaf_hash AS hash FROM leaves
       WHERE lane_id = ${lane.laneId} ORDER BY seq`,
    );
    expect(leaves.map(({ type }) => type)).toEqual([
      'decision_parked', 'ops_action', 'decision_parked', 'ops_action', 'decision_authorized',
    ]); // prettier-ignore
    const [asked, first, counted, second, issued] = leaves;
    const hashes = [asked, first, counted, second].map((leaf) => leaf?.hash.toString('base64url'));
    expect([first?.causes, counted?.causes.slice(1)]).toEqual([[hashes[0]], [hashes[0], hashes[1]]]);
    expect([second?.causes, issued?.causes.slice(1)]).toEqual([[hashes[2]], [hashes[2], hashes[3]]]);
    const [frozen] = await rows<{ approvers: { person: string }[] }>(
      `SELECT read_set::json->'approvers' AS approvers FROM decisions WHERE attempt = 2`,
    );
    expect(frozen?.approvers.map(({ person }) => person)).toEqual(['ada', 'grace']);
    expect(await replayDecisions(world.database.pool)).toEqual({ checked: 3, differences: [], notRecomputable: 0 });
  });

  it('both at once, over the same decision: one artifact, and a third person is told what came of it', async () => {
    await publish(await say('ada'), await say('grace'), await say('ivan'));
    const [made] = await rows<{ id: string }>(`SELECT decision_id AS id FROM decisions WHERE outcome = 'authorized'`);
    expect(await refusals()).toEqual([{ code: 'intent_replayed', field: null, decision: made?.id }]);
    expect([await artifacts(), (await decided()).length]).toEqual([1, 3]);
    await same();
  });

  it.each([['ada'], ['grace']] as const)('a refusal by %s ends it, also by who approved before', async (person) => {
    await publish(await say('ada'));
    await publish(await say(person, { action: 'refuse_intent' }));
    expect(await last()).toMatchObject({ attempt: 2, outcome: 'denied', code: 'approval_refused' });
    await publish(await say('ivan'));
    expect([await artifacts(), await refusals()]).toMatchObject([0, [{ code: 'intent_replayed' }]]);
    await same();
  });

  it('I2: its deadline ends it, one approval or not', async () => {
    await publish(await say('ada'));
    await rows(`UPDATE parked_intents SET parked_until = clock_timestamp() - interval '1 ms'`);
    expect(await new EndParkedIntents(parts).execute(lane)).toBe(1);
    expect(await last()).toMatchObject({ attempt: 2, outcome: 'denied', code: 'deadline_passed' });
    await publish(await say('grace'));
    expect([await artifacts(), await refusals()]).toMatchObject([0, [{ code: 'intent_replayed' }]]);
    await same();
  });

  it('decided anew while it waits for the second, it keeps the first approval', async () => {
    await publish(await say('ada'));
    await rows('UPDATE parked_intents SET released = true');
    expect(await new EndParkedIntents(parts).execute(lane)).toBe(1);
    expect([await last(), await waits()]).toEqual([{ ...COUNTED, attempt: 2 }, [[1, 2]]]);
    await publish(await say('grace'));
    expect([(await last())?.['outcome'], await artifacts()]).toEqual(['authorized', 1]);
    await same();
  });
});

describe('the bound is that of the decision', () => {
  it('a second bound signed while it waits for one person asks for another', async () => {
    await world.domain.mandates([{ ...TWO, version: 2, approvals: { above: '1.00', two_above: '20.00' } }]);
    await publish(await ask('b'));
    expect(await waits()).toContainEqual([0, 1]);
    await world.domain.mandates([{ ...TWO, version: 3 }]);
    await publish(await say('ada'));
    expect([await last(), await artifacts()]).toEqual([COUNTED, 0]);
    await same();
  });

  it('raised after the first approval, the second one still has the intent decided, by the bound of now', async () => {
    await publish(await say('ada'));
    await world.domain.mandates([{ ...TWO, version: 2, approvals: { above: '1.00', two_above: '20.00' } }]);
    expect(await artifacts()).toBe(0);
    await publish(await say('grace'));
    expect([(await last())?.['outcome'], await artifacts()]).toEqual(['authorized', 1]);
    await same();
  });

  it('renewed, an artifact keeps both approvals; one person’s is not enough where two are asked for since', async () => {
    await publish(await say('ada'));
    await publish(await say('grace'));
    await publish(await renewal());
    expect([await last(), await refusals()]).toEqual([
      { attempt: 3, outcome: 'authorized', code: null, field: null },
      [],
    ]);
    await world.domain.mandates([{ ...TWO, version: 2, approvals: { above: '1.00', two_above: '20.00' } }]);
    await publish(await ask('b'));
    await publish(await say('ada'));
    await world.domain.mandates([{ ...TWO, version: 3 }]);
    await publish(await renewal());
    expect(await refusals()).toEqual([{ code: 'approval_required', field: 'approvals.two_above', decision: null }]);
    expect(await artifacts()).toBe(2);
    await same();
  });

  it('a mandate whose second bound is below its first is none', async () => {
    const wrong = { ...TWO, version: 2, approvals: { above: '10.00', two_above: '9.99' } };
    await expect(world.domain.mandates([wrong])).rejects.toThrow('approvals.two_above');
  });
});

describe('what counts as no second approval', () => {
  const counted = async (): Promise<void> => {
    expect([await decided(), await artifacts(), await waits()]).toEqual([[ASKED, COUNTED], 0, [[1, 2]]]);
  };

  it('I10: the same person again, and the same token again, which is told the decision it led to', async () => {
    const token = await say('ada');
    await publish(token);
    await publish(token, await say('ada', { jti: 'again' }));
    const { decision } = await newestParked(world);
    expect(await refusals()).toEqual([
      { code: 'intent_replayed', field: null, decision },
      { code: 'scope_mismatch', field: 'same_person', decision: null },
    ]);
    await counted();
  });

  it('I10: an agent, by its key or under a name, and the principal whose money it is', async () => {
    await publish(await say('ada'));
    await publish(
      await signParkedAnswer(world, { iss: 'buyer', jti: 'agent' }, world.domain.agent('buyer')),
      await signParkedAnswer(world, { iss: 'grace', jti: 'named' }, world.domain.agent('buyer')),
      await say('acme'),
    );
    expect(await refusals()).toMatchObject([
      { code: 'key_unknown' },
      { code: 'key_unknown' },
      { code: 'scope_mismatch', field: 'iss' },
    ]);
    await counted();
  });

  it('an approval of another intent, whatever it says it is for', async () => {
    const forA = await newestParked(world);
    await publish(await say('ada'));
    await publish(await ask('b'));
    const { hash } = await newestParked(world);
    const target = [{ kind: 'intent' as const, id: forA.intent, version: null }];
    await publish(await say('grace', { targets: target, change_hash: hash.toString('base64url') }));
    expect(await refusals()).toEqual([{ code: 'scope_mismatch', field: 'change_hash', decision: null }]);
    expect([await artifacts(), await waits()]).toEqual([0, expect.arrayContaining([[1, 2], [0, 2]])]); // prettier-ignore
  });

  it('that of who was disabled, or whose key was revoked, before the second came: that one is the first', async () => {
    const { pool } = world.database;
    await publish(await say('ada'));
    await inControlAct(pool, (act) => revokeKey(act, world.domain.person('ada').kid));
    await publish(await say('grace'));
    expect([await last(), await waits()]).toEqual([{ ...COUNTED, attempt: 2 }, [[1, 2]]]);
    const grace = { kind: 'person' as const, id: 'grace', name: 'grace', body: { roles: ['approver'] } };
    await inControlAct(pool, (act) => recordParties(act, [{ ...grace, state: 'disabled' }]));
    await publish(await say('ivan'));
    expect([await last(), await artifacts()]).toEqual([{ ...COUNTED, attempt: 3 }, 0]);
    await inControlAct(pool, (act) => recordParties(act, [{ ...grace, state: 'active' }]));
    await publish(await say('grace'));
    expect([(await last())?.['outcome'], await artifacts()]).toEqual(['authorized', 1]);
    await same();
  });

  it('one written into the database: only a signature counts', async () => {
    const refusing = await say('grace', { action: 'refuse_intent' });
    const agents = await signParkedAnswer(world, { iss: 'grace', jti: 'agent' }, world.domain.agent('buyer'));
    await world.database.pool.query('UPDATE parked_intents SET approvals = $1', [['x', refusing, agents]]);
    await publish(await say('ada'));
    expect([await last(), await artifacts(), await waits()]).toEqual([COUNTED, 0, [[1, 2]]]);
  });
});
