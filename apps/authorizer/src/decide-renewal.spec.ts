import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ArtifactRenewalClaims, PaymentIntentClaims } from '@spendgate/codec';
import { LIMITS } from '@spendgate/core';
import { TOPICS } from '@spendgate/messaging';
import { DEFAULT_POLICY, PolicySet } from '@spendgate/policy';
import {
  type LaneLease,
  activatePolicies,
  inControlAct,
  revokeIssuedArtifacts,
  revokeMandates,
} from '@spendgate/store';
import {
  type TestRuntime,
  batchOf,
  intentClaims,
  mandateClaim,
  namedId,
  openTestRuntime,
  renewalClaims,
  signIntent,
  signRenewal,
} from '@spendgate/testing';
import { AuthorizeBatch } from './authorize-batch.js';
import { createAuthorizerParts } from './authorizer-parts.js';
import { AUTHORIZER_SETTINGS } from './authorizer.settings.js';
import { replayDecisions } from './replay-decisions.js';

const NOW_MS = Date.now();
/** A new server may have to start first. */
const HOOK_MS = 60_000;
const usd = (value: string) => ({ amount: { value, currency: 'USD' } });

let world: TestRuntime;
let authorize: AuthorizeBatch;
let lane: LaneLease;
let next: bigint;

beforeEach(async () => {
  world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS, agents: ['buyer', 'other'] });
  const limits = { currency: 'USD', total: '100.00', per_transaction: null };
  await world.domain.mandates([
    mandateClaim('root', { limits, agent: null }),
    mandateClaim('main', { limits, parent: namedId('root'), depth: 1 }),
  ]);
  authorize = new AuthorizeBatch(createAuthorizerParts(world.as('spendgate_authorizer')));
  lane = await world.lane(TOPICS.paymentIntents);
  next = 0n;
}, HOOK_MS);
afterEach(() => world.close());

async function publish(...values: string[]): Promise<void> {
  const batch = batchOf(lane, values, { firstOffset: next, appendedAtMs: Date.now() });
  next += BigInt(values.length);
  await authorize.execute(batch);
}

async function rows<T = Record<string, unknown>>(sql: string): Promise<T[]> {
  return (await world.database.pool.query(sql)).rows as T[]; // as: the query names its columns
}

interface Issued {
  readonly id: string;
  readonly hash: Buffer;
  readonly hold: string;
  readonly status: number;
  readonly claims: string;
}

const artifacts = () =>
  rows<Issued>(
    `SELECT artifact_id AS id, claims_hash AS hash, hold_id AS hold, status, claims FROM artifacts ORDER BY artifact_id`,
  );
const newest = async (): Promise<Issued> => {
  const found = (await artifacts()).at(-1);
  if (found === undefined) throw new Error('nothing was issued');
  return found;
};
const claimsOf = ({ claims }: Issued) =>
  JSON.parse(claims) as {
    exp: number;
    authorization_details: { amount: { value: string }; capture: { max_captures: number; settle_by: number } }[];
    policy: { hash: string; version: number };
  };

async function spend(jti: string, change: Partial<PaymentIntentClaims> = {}): Promise<Issued> {
  await publish(await signIntent(world.domain.agent('buyer'), intentClaims(jti, NOW_MS, change)));
  return newest();
}

function renewal(
  { id, hash, hold }: Issued,
  change: Partial<ArtifactRenewalClaims> = {},
  by = world.domain.agent('buyer'),
) {
  return signRenewal(by, renewalClaims({ id, hash: hash.toString('base64url') }, hold, change));
}

const refusals = () => rows('SELECT code, field, decision_id AS decision FROM refusals ORDER BY lane_offset');
const hold = () =>
  rows(
    `SELECT artifact_id AS artifact, trim_scale(held)::text AS held, trim_scale(released)::text AS released,
       max_captures, ended FROM holds`,
  );
const heldAtLevels = async () =>
  (await rows<{ held: string }>('SELECT trim_scale(held)::text AS held FROM budgets ORDER BY depth')).map(
    (row) => row.held,
  );
/** As the gate leaves it behind after a capture of a `multi` hold was granted and done. */
async function captured(value: string): Promise<void> {
  await rows(`UPDATE holds SET held = held - ${value}, captured = captured + ${value}, capture_count = capture_count + 1,
    ends_at = settle_by`);
  await rows(`UPDATE budgets SET held = held - ${value}, captured = captured + ${value}`);
}

async function activate(policyText: string): Promise<void> {
  const source = { policyId: 'default', version: 1, policyText, schemaText: DEFAULT_POLICY.schemaText };
  await inControlAct(world.database.pool, (act) =>
    activatePolicies(act, [{ ...source, setHash: PolicySet.load(source).setHash }]),
  );
}

const MULTI = { capture: { mode: 'multi' as const, max_captures: 5, settle_by: Math.floor(NOW_MS / 1000) + 7_200 } };

describe('a renewal gives a new artifact on the same hold', () => {
  it.each([
    ['its agent', undefined],
    ['its audience', { iss: 'settler' }],
  ] as const)('asked for by %s: the old one is revoked and nothing is held twice', async (_, who) => {
    const old = await spend('a');
    const by = who === undefined ? world.domain.agent('buyer') : world.domain.settler;
    await publish(await renewal(old, who ?? {}, by));
    expect(await refusals()).toEqual([]);
    const [before, after] = await artifacts();
    expect([before?.status, after?.status, after?.hold]).toEqual([1, 0, old.hold]);
    expect(await hold()).toMatchObject([{ artifact: after?.id, held: '12.5', released: '0' }]);
    expect(await heldAtLevels()).toEqual(['12.5', '12.5']);
  });

  it('I9: an amount narrowed after a capture gives the difference back to every level, exactly once', async () => {
    const old = await spend('a', { ...usd('50.00'), ...MULTI });
    await captured('10');
    const token = await renewal(old, usd('30.00'));
    await publish(token, token);
    const now = await newest();
    expect(claimsOf(now).authorization_details[0]?.amount.value).toBe('30.00');
    expect(await hold()).toMatchObject([{ artifact: now.id, held: '20', released: '20', max_captures: 5 }]);
    const levels = await rows(
      `SELECT trim_scale(held)::text AS held, trim_scale(captured)::text AS captured FROM budgets`,
    );
    expect(levels).toEqual([0, 1].map(() => ({ held: '20', captured: '10' })));
  });

  it('it is decided under the policy in force now, and names it', async () => {
    const old = await spend('a');
    await activate(`${DEFAULT_POLICY.policyText}\nforbid (principal, action, resource) when { context.depth > 5 };`);
    await publish(await renewal(old));
    const [before, after] = (await artifacts()).map((each) => claimsOf(each).policy);
    expect([before?.version, after?.version]).toEqual([1, 2]);
    expect(after?.hash).not.toBe(before?.hash);
  });

  it('D2: its decision supersedes the first and is recomputed to the same bytes', async () => {
    await publish(await renewal(await spend('a', { ...usd('50.00'), ...MULTI }), { ...usd('20.00'), max_captures: 2 }));
    const [first, second] = await rows<{ id: string; attempt: number; supersedes: string | null; outcome: string }>(
      'SELECT decision_id AS id, attempt, supersedes, outcome FROM decisions ORDER BY attempt',
    );
    expect(second).toMatchObject({ attempt: 1, supersedes: first?.id, outcome: 'authorized' });
    expect(await replayDecisions(world.database.pool)).toEqual({ checked: 2, differences: [], notRecomputable: 0 });
  });

  it('I4: the renewal is a leaf by value, caused by what it replaces and a cause of its decision', async () => {
    const token = await renewal(await spend('a'));
    await publish(token);
    const leaves = await rows<{ type: string; causes: string[]; payload: string; hash: Buffer }>(
      `SELECT leaf::json->>'type' AS type, leaf::json->'causes' AS causes, payload, leaf_hash AS hash FROM leaves
       WHERE lane_id = ${lane.laneId} ORDER BY seq`,
    );
    const [issued, renewed, decided] = leaves;
    expect(leaves.map(({ type }) => type)).toEqual(['decision_authorized', 'artifact_renewed', 'decision_authorized']);
    expect(renewed?.causes).toEqual([issued?.hash.toString('base64url')]);
    expect(decided?.causes).toContain(renewed?.hash.toString('base64url'));
    expect(JSON.parse(renewed?.payload ?? '{}')).toMatchObject({
      token,
      renewed_by: { kind: 'agent', party: 'buyer' },
    });
  });

  it('in one batch with intents around it, it is decided in its place of the log', async () => {
    const old = await spend('a', { ...usd('60.00'), ...MULTI });
    const [before, after] = await Promise.all(
      ['b', 'c'].map((jti) => signIntent(world.domain.agent('buyer'), intentClaims(jti, NOW_MS, usd('50.00')))),
    );
    await publish(before ?? '', await renewal(old, usd('40.00')), after ?? '');
    const codes = await rows<{ code: string | null }>('SELECT code FROM decisions ORDER BY lane_offset');
    expect(codes.map(({ code }) => code)).toEqual([null, 'budget_exceeded', null, null]);
  });
});

describe('a renewal can only keep or narrow', () => {
  it.each([
    ['amount.value', usd('50.01')],
    ['max_captures', { max_captures: 6 }],
    ['settle_by', { settle_by: MULTI.capture.settle_by + 1 }],
  ] as const)('scope_escalation names %s, and the old artifact stands', async (field, change) => {
    const old = await spend('a', { ...usd('50.00'), ...MULTI });
    await publish(await renewal(old, change));
    expect(await refusals()).toMatchObject([{ code: 'scope_escalation', field }]);
    expect(await artifacts()).toMatchObject([{ id: old.id, status: 0 }]);
    expect(await heldAtLevels()).toEqual(['50', '50']);
  });

  it('an amount already captured leaves nothing: artifact_consumed', async () => {
    const old = await spend('a', { ...usd('50.00'), ...MULTI });
    await captured('10');
    await publish(await renewal(old, usd('10.00')));
    expect(await refusals()).toMatchObject([{ code: 'artifact_consumed' }]);
  });

  it('its end never moves beyond what was', async () => {
    const old = await spend('a', { ...usd('50.00'), ...MULTI });
    await publish(await renewal(old, { settle_by: MULTI.capture.settle_by - 3_600 }));
    const {
      exp,
      authorization_details: [detail],
    } = claimsOf(await newest());
    expect(detail?.capture.settle_by).toBe(MULTI.capture.settle_by - 3_600);
    expect(exp).toBeLessThanOrEqual(MULTI.capture.settle_by - 3_600);
  });
});

describe('who and what may not', () => {
  it.each([
    [
      'another agent',
      'audience_mismatch',
      (old: Issued) => renewal(old, { iss: 'other' }, world.domain.agent('other')),
    ],
    [
      'the agent with a key of another',
      'issuer_unknown',
      (old: Issued) => renewal(old, {}, world.domain.agent('other')),
    ],
    [
      'somebody with other claims of it',
      'artifact_not_issued',
      (old: Issued) => renewal({ ...old, hash: Buffer.alloc(32) }),
    ],
    ['an artifact nobody issued', 'artifact_not_issued', (old: Issued) => renewal({ ...old, id: namedId('none') })],
    ['another hold', 'scope_mismatch', (old: Issued) => renewal({ ...old, hold: namedId('none') })],
    ['another mandate', 'scope_mismatch', (old: Issued) => renewal(old, { mandate: namedId('root') })],
    [
      'another currency',
      'currency_mismatch',
      (old: Issued) => renewal(old, { amount: { value: '1.00', currency: 'EUR' } }),
    ],
    ['a finer amount', 'currency_precision', (old: Issued) => renewal(old, usd('1.001'))],
    ['another domain', 'domain_mismatch', (old: Issued) => renewal(old, { aud: 'urn:spendgate:other' })],
  ] as const)('%s is refused %s', async (_, code, by) => {
    const old = await spend('a');
    await publish(await by(old));
    expect(await refusals()).toMatchObject([{ code }]);
    expect([await artifacts(), await heldAtLevels()]).toMatchObject([[{ id: old.id, status: 0 }], ['12.5', '12.5']]);
  });

  it.each([
    ['revoked', 'artifact_revoked', 'UPDATE artifacts SET status = 1'],
    ['suspended', 'artifact_suspended', 'UPDATE artifacts SET status = 2'],
    ['a status nobody knows', 'trust_unverifiable', 'UPDATE artifacts SET status = 7'],
    ['used up', 'artifact_consumed', 'UPDATE holds SET ended = true, released = held, held = 0'],
    ['at the end of its wait', 'artifact_expired', `UPDATE holds SET expires_at = now(), ends_at = now()`],
  ] as const)('%s: %s', async (_, code, sql) => {
    const old = await spend('a');
    await rows(sql);
    await publish(await renewal(old));
    expect(await refusals()).toMatchObject([{ code }]);
    expect(await artifacts()).toHaveLength(1);
  });

  it('an artifact of an epoch that has passed is renewed into the new one', async () => {
    const old = await spend('a');
    await rows('UPDATE flows SET epoch = epoch + 1');
    await publish(await renewal(old));
    expect(await refusals()).toEqual([]);
    expect(JSON.parse((await newest()).claims)).toMatchObject({ flow: { epoch: 2 } });
  });

  it('expired meanwhile: what it held went back, and is not taken again', async () => {
    const old = await spend('a');
    await rows(`UPDATE holds SET expires_at = now(), ends_at = now()`);
    await publish(await renewal(old));
    expect(await heldAtLevels()).toEqual(['0', '0']);
    expect(await hold()).toMatchObject([{ held: '0', released: '12.5', ended: true }]);
  });

  it('a hold has its named maximum of artifacts', async () => {
    const old = await spend('a');
    await rows(`UPDATE decisions SET attempt = ${LIMITS.renewalsMax}`);
    await publish(await renewal(old));
    expect(await refusals()).toMatchObject([{ code: 'scope_escalation', field: 'artifact' }]);
  });
});

describe('every rule is asked again', () => {
  it('a policy that forbids it now denies, and the old artifact is left as it is', async () => {
    const old = await spend('a');
    await activate(`@id("closed")\nforbid (principal, action, resource);`);
    await publish(await renewal(old));
    expect(await refusals()).toMatchObject([{ code: 'policy_denied', field: 'closed' }]);
    expect(await artifacts()).toMatchObject([{ status: 0 }]);
    expect(await heldAtLevels()).toEqual(['12.5', '12.5']);
  });

  it('a level narrowed below what is held denies what a smaller renewal may still have', async () => {
    const old = await spend('a', usd('50.00'));
    await rows(`UPDATE budgets SET captured = 60 WHERE depth = 0`); // as if another child had spent it
    await publish(await renewal(old), await renewal(old, { jti: 'less', ...usd('40.00') }));
    expect(await refusals()).toMatchObject([{ code: 'budget_exceeded' }]);
    expect(await heldAtLevels()).toEqual(['40', '40']);
  });

  it('a revoked mandate renews nothing', async () => {
    const old = await spend('a');
    const revocation = { mandateIds: [namedId('main')], by: 'acme', reason: 'spec' };
    await inControlAct(world.database.pool, (act) => revokeMandates(act, revocation));
    await publish(await renewal(old));
    expect(await artifacts()).toMatchObject([{ id: old.id, status: 1 }]);
    expect(await refusals()).toHaveLength(1);
  });
});

describe('one of many', () => {
  it('I6: sent again it is the renewal on record; another body under its name is a conflict', async () => {
    const old = await spend('a');
    const token = await renewal(old);
    await publish(
      token,
      token,
      await renewal(old, { iat: Math.floor(Date.now() / 1000) - 5 }),
      await renewal(old, usd('1.00')),
    );
    const [, second] = await rows<{ id: string }>('SELECT decision_id AS id FROM decisions ORDER BY attempt');
    expect(await refusals()).toEqual([
      { code: 'intent_replayed', field: null, decision: second?.id },
      { code: 'intent_replayed', field: null, decision: second?.id },
      { code: 'idempotency_conflict', field: null, decision: second?.id },
    ]);
    expect(await artifacts()).toHaveLength(2);
  });

  it('of two by agent and audience the first wins, the other names an artifact that was replaced', async () => {
    const old = await spend('a');
    await publish(await renewal(old), await renewal(old, { iss: 'settler' }, world.domain.settler));
    expect(await refusals()).toMatchObject([{ code: 'artifact_revoked' }]);
    expect((await artifacts()).map(({ status }) => status)).toEqual([1, 0]);
  });

  it('a renewal of a renewal goes on from it, and a revocation ends the newest', async () => {
    await publish(await renewal(await spend('a', usd('50.00')), usd('40.00')));
    await publish(await renewal(await newest(), usd('30.00')));
    expect(await heldAtLevels()).toEqual(['30', '30']);
    const { id } = await newest();
    await inControlAct(world.database.pool, (act) => revokeIssuedArtifacts(act, [id], 'spec'));
    expect([await heldAtLevels(), (await artifacts()).map(({ status }) => status)]).toEqual([
      ['0', '0'],
      [1, 1, 1],
    ]);
  });

  it('the intent sent again is answered with the newest decision', async () => {
    const intent = await signIntent(world.domain.agent('buyer'), intentClaims('a', NOW_MS));
    await publish(intent);
    await publish(await renewal(await newest()), intent);
    const [, second] = await rows<{ id: string }>('SELECT decision_id AS id FROM decisions ORDER BY attempt');
    expect(await refusals()).toEqual([{ code: 'intent_replayed', field: null, decision: second?.id }]);
  });
});
