import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type OpsActionClaims, type PaymentIntentClaims, sha256Text } from '@spendgate/codec';
import { DependencyError } from '@spendgate/core';
import { TOPICS } from '@spendgate/messaging';
import { type LaneLease, LaneLost, inControlAct, recordParties, revokeKey, revokeMandates } from '@spendgate/store';
import {
  type TestRuntime,
  batchOf,
  intentClaims,
  mandateClaim,
  namedId,
  newestParked,
  openTestRuntime,
  signIntent,
  signParkedAnswer,
} from '@spendgate/testing';
import { AuthorizeBatch } from './authorize-batch.js';
import { createAuthorizerParts } from './authorizer-parts.js';
import { AUTHORIZER_SETTINGS } from './authorizer.settings.js';
import { replayDecisions } from './replay-decisions.js';

const NOW_MS = Date.now();
const ASKS = mandateClaim('main', {
  limits: { currency: 'USD', total: '20.00', per_transaction: null },
  approvals: { above: '10.00' },
});
const FREE = { amount: { value: '9.00', currency: 'USD' } };
/** A new server may have to start first. */
const HOOK_MS = 60_000;

let world: TestRuntime;
let authorize: AuthorizeBatch;
let lane: LaneLease;
let next: bigint;

beforeEach(async () => {
  world = await openTestRuntime({
    settings: AUTHORIZER_SETTINGS,
    people: { ada: ['approver'], eve: ['operator'], acme: ['approver'] },
  });
  await world.domain.mandates([ASKS, mandateClaim('parks', { park_seconds: 600 })]);
  authorize = new AuthorizeBatch(createAuthorizerParts(world.as('spendgate_authorizer')));
  lane = await world.lane(TOPICS.paymentIntents);
  next = 0n;
}, HOOK_MS);
afterEach(() => world.close());

/** As records of one batch, behind whatever was published before. */
async function publish(...values: string[]): Promise<void> {
  const batch = batchOf(lane, values, { firstOffset: next, appendedAtMs: Date.now() });
  next += BigInt(values.length);
  await authorize.execute(batch);
}

function ask(jti: string, change: Partial<PaymentIntentClaims> = {}): Promise<string> {
  return signIntent(world.domain.agent('buyer'), intentClaims(jti, NOW_MS, change));
}

async function rows<T>(sql: string): Promise<T[]> {
  return (await world.database.pool.query(sql)).rows as T[]; // as: the query names its columns
}

const parked = () => newestParked(world);
const answer = (change: Partial<OpsActionClaims> = {}, by = world.domain.person('ada')) =>
  signParkedAnswer(world, change, by);

const decided = () =>
  rows<Record<string, unknown>>(
    'SELECT attempt, outcome, code, supersedes FROM decisions ORDER BY attempt, lane_offset',
  );
const last = async () => (await decided()).at(-1);
const refusals = () => rows('SELECT code, field, decision_id AS decision FROM refusals ORDER BY lane_offset');
const events = async (): Promise<string[]> =>
  (
    await rows<{ topic: string; value: Buffer }>(
      `SELECT topic, value FROM embedded_records WHERE topic <> '${TOPICS.flowTransitions}' ORDER BY topic, "offset"`,
    )
  ).map(({ topic, value }) => `${topic} ${sha256Text(value)}`);

describe('a person answers an intent that waits', () => {
  it('approved, it is decided again and authorized: the artifact and hold supersede the wait', async () => {
    await publish(await ask('a'));
    await publish(await answer());
    expect(await decided()).toEqual([
      { attempt: 0, outcome: 'parked', code: 'approval_required', supersedes: null },
      { attempt: 1, outcome: 'authorized', code: null, supersedes: (await parked()).decision },
    ]);
    expect(await rows('SELECT trim_scale(held)::text AS held FROM holds')).toEqual([{ held: '12.5' }]);
    expect(await rows('SELECT 1 FROM parked_intents')).toEqual([]);
    expect(await refusals()).toEqual([]);
  });

  it('lives from the approval on, not from when it was asked', async () => {
    await publish(await ask('a'));
    await rows(`UPDATE lanes SET appended_mark_ms = 0`);
    await rows(`UPDATE decisions SET appended_at = appended_at - interval '1 day'`);
    const before = Math.floor(Date.now() / 1000);
    await publish(await answer());
    const [artifact] = await rows<{ claims: string }>('SELECT claims FROM artifacts');
    expect((JSON.parse(artifact?.claims ?? '{}') as { iat: number }).iat).toBeGreaterThanOrEqual(before);
  });

  it('refused, it is denied approval_refused and holds nothing', async () => {
    await publish(await ask('a'));
    await publish(await answer({ action: 'refuse_intent' }));
    expect(await last()).toMatchObject({ attempt: 1, outcome: 'denied', code: 'approval_refused' });
    expect(await rows('SELECT 1 FROM holds')).toEqual([]);
  });

  it('under another key of the log, it goes to its flow and is decided there', async () => {
    await publish(await ask('a'));
    const token = await answer();
    const astray = { firstOffset: next, appendedAtMs: Date.now(), partitions: 1_000 };
    await authorize.execute(batchOf(lane, [token], astray));
    const moved = await rows<{ key: string; value: Buffer }>(
      `SELECT key, value FROM embedded_records WHERE topic = '${TOPICS.paymentIntents}'`,
    );
    expect(moved.map(({ key, value }) => [key.toString(), value.toString()])).toEqual([[ASKS.id, token]]);
    expect([await decided(), await refusals()]).toMatchObject([{ length: 1 }, []]);
  });

  it('in one batch with the intents around it, it is decided in its place of the log', async () => {
    await publish(await ask('a'));
    await publish(await ask('b', FREE), await answer(), await ask('c', FREE));
    const said = (await decided()).map(({ attempt, code }) => [attempt, code]);
    expect(said).toEqual([
      [0, 'approval_required'],
      [0, null],
      [0, null],
      [1, 'budget_exceeded'], // b, which came before, took what it needed; c came after
    ]);
  });

  it('D2: both kinds of decision are recomputed to the same bytes from their read sets', async () => {
    await publish(await ask('a'));
    await publish(await answer({ action: 'refuse_intent' }));
    await publish(await ask('b'));
    await publish(await answer());
    expect((await decided()).slice(2)).toMatchObject([{ code: 'approval_refused' }, { outcome: 'authorized' }]);
    expect(await replayDecisions(world.database.pool)).toEqual({ checked: 4, differences: [], notRecomputable: 0 });
  });

  it('I4: the act is a leaf by value, and a cause of the decision it led to', async () => {
    await publish(await ask('a'));
    const token = await answer();
    await publish(token);
    const [waited, act, ended] = await rows<{ type: string; causes: string[]; payload: string; hash: Buffer }>(
      `SELECT leaf::json->>'type' AS type, leaf::json->'causes' AS causes, payload, leaf_hash AS hash FROM leaves
       WHERE lane_id = ${lane.laneId} ORDER BY seq`,
    );
    const hashes = [waited, act].map((leaf) => leaf?.hash.toString('base64url'));
    expect([act?.type, act?.causes]).toEqual(['ops_action', [hashes[0]]]);
    const { decision, intent } = await parked();
    expect(JSON.parse(act?.payload ?? '{}')).toMatchObject({
      act: 'approve_intent',
      decision_id: decision,
      person: 'ada',
      reason: 'looked at the cart',
      target: { kind: 'intent', id: intent },
      token,
    });
    expect(ended?.causes.slice(1)).toEqual(hashes);
  });
});

describe('an approval widens nothing: the intent meets every rule again', () => {
  it('A26: budget spent meanwhile denies budget_exceeded, although approved', async () => {
    await publish(await ask('a'), await ask('b', FREE));
    await publish(await answer());
    expect(await last()).toMatchObject({ attempt: 1, outcome: 'denied', code: 'budget_exceeded' });
  });

  it('A26: after the deadline it denies deadline_passed, whoever approves', async () => {
    await publish(await ask('a'));
    await rows(`UPDATE parked_intents SET parked_until = clock_timestamp() - interval '1 ms'`);
    await publish(await answer());
    expect(await last()).toMatchObject({ attempt: 1, outcome: 'denied', code: 'deadline_passed' });
  });

  it('a mandate revoked meanwhile denies', async () => {
    await publish(await ask('a'));
    const revocation = { mandateIds: [ASKS.id], by: 'acme', reason: 'spec' };
    await inControlAct(world.database.pool, (act) => revokeMandates(act, revocation));
    await publish(await answer());
    expect(await last()).toMatchObject({ outcome: 'denied', code: 'mandate_revoked' });
  });

  it('an agent key revoked meanwhile denies, although its signature held when the intent came', async () => {
    await publish(await ask('a'));
    await inControlAct(world.database.pool, (act) => revokeKey(act, world.domain.agent('buyer').kid));
    await publish(await answer());
    expect(await last()).toMatchObject({ outcome: 'denied', code: 'trust_unverifiable' });
  });
});

describe('what is no approval changes nothing', () => {
  const nothing = async (code: string, field: string | null): Promise<void> => {
    expect(await refusals()).toEqual([{ code, field, decision: null }]);
    expect(await decided()).toHaveLength(1);
    expect(await rows('SELECT 1 FROM parked_intents')).toHaveLength(1);
    expect(await rows(`SELECT 1 FROM leaves WHERE leaf::json->>'type' = 'ops_action'`)).toEqual([]);
  };

  it("I10: an agent's key is no person's, whoever it says it is", async () => {
    await publish(await ask('a'));
    await publish(await answer({}, world.domain.agent('buyer')));
    await nothing('key_unknown', 'header.kid');
  });

  it('I10: nobody approves what is asked in their own name', async () => {
    await publish(await ask('a'));
    await publish(await answer({ iss: 'acme' }, world.domain.person('acme')));
    await nothing('scope_mismatch', 'iss');
  });

  it('a person whose role is another cannot', async () => {
    await publish(await ask('a'));
    await publish(await answer({ iss: 'eve' }, world.domain.person('eve')));
    await nothing('scope_mismatch', 'action');
  });

  it('nobody signs for another person', async () => {
    await publish(await ask('a'));
    await publish(await answer({}, world.domain.person('eve')));
    await nothing('issuer_unknown', 'iss');
  });

  it.each<[string, string | null, string, () => Partial<OpsActionClaims>]>([
    ['scope_mismatch', 'change_hash', 'the hash of another decision', () => ({ change_hash: sha256Text('other') })],
    ['malformed', 'change_hash', 'no hash: it says nothing of what is approved', () => ({ change_hash: null })],
    ['malformed', 'action', 'another act', () => ({ action: 'revoke_key' })],
    ['malformed', 'request', 'a change request besides', () => ({ request: namedId('change') })],
    ['domain_mismatch', 'aud', 'signed for another domain', () => ({ aud: 'urn:spendgate:other' })],
    ['intent_expired', 'exp', 'its own time is over', () => ({ iat: 1_700_000_000, exp: 1_700_000_300 })],
    [
      'scope_mismatch',
      'targets',
      'an intent nobody ever decided',
      () => ({ targets: [{ kind: 'intent', id: namedId('none'), version: null }] }),
    ],
  ])('%s (%s): %s', async (code, field, _because, change) => {
    await publish(await ask('a'));
    await publish(await answer(change()));
    await nothing(code, field);
  });

  it('a disabled person, and a key revoked a moment ago, cannot', async () => {
    await publish(await ask('a'));
    const token = await answer();
    const { pool } = world.database;
    const ada = { kind: 'person' as const, id: 'ada', name: 'ada', body: { roles: ['approver'] } };
    await inControlAct(pool, (act) => recordParties(act, [{ ...ada, state: 'disabled' }]));
    await publish(token);
    await inControlAct(pool, async (act) => {
      await recordParties(act, [{ ...ada, state: 'active' }]);
      await revokeKey(act, world.domain.person('ada').kid);
    });
    await publish(token);
    expect(await refusals()).toMatchObject([{ code: 'key_retired' }, { code: 'key_retired' }]);
    expect(await decided()).toHaveLength(1);
  });

  it('I4: while the audit log signs nothing, an approval ends no wait: the approver may ask again', async () => {
    await publish(await ask('a'));
    await rows(`UPDATE leaves SET leaf = (leaf::jsonb || jsonb_build_object(
      'time', floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint - 600000))::text
      WHERE leaf::json->>'type' <> 'key_changed'`);
    await publish(await answer({ action: 'refuse_intent' }));
    await nothing('audit_unavailable', null);
  });

  it('A26: a time from a clock that is not trusted ends no wait: the approver may ask again', async () => {
    await publish(await ask('a'));
    const ahead = { firstOffset: next, appendedAtMs: Date.now() + 60_000 };
    await authorize.execute(batchOf(lane, [await answer()], ahead));
    await nothing('clock_untrusted', null);
  });

  it('what waits for a release is released by no approval', async () => {
    await rows(`UPDATE flows SET state = 'contained' WHERE flow_id = '${namedId('parks')}'`);
    await publish(await ask('a', { mandate: namedId('parks') }));
    await publish(await answer());
    await nothing('flow_contained', null);
  });
});

describe('once, whatever is delivered again', () => {
  it('the same approval again, or another, is a replay that names the decision made', async () => {
    await publish(await ask('a'));
    const token = await answer();
    await publish(token);
    await publish(token);
    await publish(await answer({ action: 'refuse_intent', jti: 'other' }));
    const [made] = await rows<{ id: string }>('SELECT decision_id AS id FROM decisions WHERE attempt = 1');
    const replay = { code: 'intent_replayed', field: null, decision: made?.id };
    expect(await refusals()).toEqual([replay, replay]);
    expect(await decided()).toHaveLength(2);
    expect(await rows('SELECT 1 FROM holds')).toHaveLength(1);
  });

  it('a batch delivered again after its commit approves nothing: its offset is taken', async () => {
    await publish(await ask('a'));
    const batch = batchOf(lane, [await answer()], { firstOffset: next, appendedAtMs: Date.now() });
    await authorize.execute(batch);
    await expect(authorize.execute(batch)).rejects.toThrow(LaneLost);
    expect(await decided()).toHaveLength(2);
    expect(await refusals()).toEqual([]);
  });

  it('a crash between commit and publish: the next owner publishes the same bytes, once', async () => {
    await publish(await ask('a'));
    const away = Object.create(world.runtime.transport, {
      publish: { value: () => Promise.reject(new DependencyError('ERR_SPEC_AWAY', 'as a process that ended')) },
    }) as typeof world.runtime.transport; // as: Object.create says nothing of what it made
    const crashed = new AuthorizeBatch(createAuthorizerParts({ ...world.runtime, transport: away }));
    const batch = batchOf(lane, [await answer()], { firstOffset: next, appendedAtMs: Date.now() });
    const before = await events();
    await expect(crashed.execute(batch)).rejects.toThrow('ERR_SPEC_AWAY');
    expect(await events()).toEqual(before);
    lane = await world.lane(TOPICS.paymentIntents);
    await authorize.takeOver(lane);
    const after = await events();
    expect(after).toHaveLength(before.length + 2); // the decision and the artifact
    await rows('UPDATE lanes SET published = 0');
    lane = await world.lane(TOPICS.paymentIntents);
    await new AuthorizeBatch(createAuthorizerParts(world.as('spendgate_authorizer'))).takeOver(lane);
    expect(new Set(await events())).toEqual(new Set(after));
  });
});
