import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Signer, signToken } from '@spendgate/artifact';
import { type DecisionClaims, type OpsActionClaims, type PaymentIntentClaims, intentId } from '@spendgate/codec';
import { inControlAct, revokeKey } from '@spendgate/store';
import {
  type DoorReply,
  type ServedModule,
  TEST_ISSUER,
  TestDoor,
  type TestRuntime,
  approvalClaims,
  intentClaims,
  mandateClaim,
  namedId,
  openTestRuntime,
  serveModule,
  signApproval,
  signIntent,
  until,
} from '@spendgate/testing';
import { AuthorizerModule } from '../authorizer.module.js';
import { AUTHORIZER_SETTINGS } from '../authorizer.settings.js';
import { AUTHORIZER_ROUTES } from './routes.js';

/** A new server may have to start first. */
const HOOK_MS = 60_000;

let world: TestRuntime;
let app: ServedModule;
let door: TestDoor;

type Answer = DoorReply;
const post = (token: string, headers: Record<string, string> = {}, path = '/v1/payment-intents'): Promise<Answer> =>
  door.post(path, token, { prefer: 'wait=20', ...headers });
const get = (path: string, signer?: Signer): Promise<Answer> => door.get(path, signer);

function sign(jti: string, change: Partial<PaymentIntentClaims> = {}): Promise<string> {
  return signIntent(world.domain.agent('buyer'), intentClaims(jti, Date.now(), change));
}

beforeAll(async () => {
  world = await openTestRuntime({
    settings: AUTHORIZER_SETTINGS,
    environment: { SPENDGATE_PARKED_SWEEP_MS: '20' },
    agents: ['buyer', 'rival'],
    people: { ada: ['approver'], grace: ['approver'], eve: ['operator'] },
    partitions: 2,
  });
  await world.domain.mandates([
    mandateClaim('main', { limits: { currency: 'USD', total: '100.00', per_transaction: null } }),
    mandateClaim('approval', { approvals: { above: '10.00' } }),
    mandateClaim('two', { approvals: { above: '10.00', two_above: '10.00' } }),
  ]);
  app = await serveModule(AuthorizerModule.forRoot(world.as('spendgate_authorizer')), world.runtime);
  door = new TestDoor(app.url, AUTHORIZER_ROUTES);
}, HOOK_MS);
afterAll(async () => {
  await app.close();
  await world.close();
}, HOOK_MS);

describe('the HTTP door', () => {
  it('F3: answers an intent with its decision and artifact, and a replay with the same ones, flagged', async () => {
    const first = await post(await sign('a'));
    expect([first.status, first.body['outcome'], first.body['replayed']]).toEqual([201, 'authorized', false]);
    const again = await post(await sign('a'));
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    expect([again.body['artifact'], again.body['decision']]).toEqual([first.body['artifact'], first.body['decision']]);
    const other = await post(await sign('a', { amount: { value: '1.00', currency: 'USD' } }));
    expect([other.status, other.body['code']]).toEqual([422, 'idempotency_conflict']);
  });

  it('answers a denial as a problem with the signed decision, the field and what to do next', async () => {
    const { status, headers, body } = await post(await sign('b', { amount: { value: '100.01', currency: 'USD' } }));
    expect([status, headers.get('content-type')?.split(';')[0]]).toEqual([403, 'application/problem+json']);
    expect(body).toMatchObject({ code: 'budget_exceeded', retryable: false, limit: { limit: '100.00' } });
    expect(String(body['decision']).split('.')).toHaveLength(3);
  });

  it('answers a parked intent with 202 and when to look again', async () => {
    const { status, headers, body } = await post(await sign('c', { mandate: namedId('approval') }));
    expect([status, body['outcome'], body['code']]).toEqual([202, 'parked', 'approval_required']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('I2: answers with the final decision once the wait is over, under the jti and to a repeat', async () => {
    const change = { mandate: namedId('approval'), deadline: Math.floor(Date.now() / 1000) + 2 };
    const waiting = await post(await sign('late', change));
    expect([waiting.status, waiting.body['outcome']]).toEqual([202, 'parked']);
    let found = waiting;
    await until('the final decision', async () => {
      found = await get(`/v1/payment-intents/late?mandate=${change.mandate}`, world.domain.agent('buyer'));
      return found.body['outcome'] === 'denied';
    });
    expect(found.body).toMatchObject({ code: 'deadline_passed', field: 'parked_until' });
    const token = String(found.body['decision']).split('.')[1] ?? '';
    expect(JSON.parse(Buffer.from(token, 'base64url').toString())).toMatchObject({
      outcome: 'denied',
      supersedes: waiting.body['decision_id'],
    });
    const again = await post(await sign('late', change));
    expect([again.status, again.body['decision_id']]).toEqual([403, found.body['decision_id']]);
  });

  it('tells an unverified caller the code only, and lets nothing of it into the log', async () => {
    const answers = [await post('rubbish'), await post((await sign('d')).slice(0, -86) + 'A'.repeat(86))];
    expect(answers.map(({ status, body }) => [status, body['code']])).toEqual([
      [400, 'malformed'],
      [401, 'signature_invalid'],
    ]);
    expect(Object.keys(answers[1]?.body ?? {}).sort()).toEqual(['code', 'status', 'title', 'type']);
    const { rows } = await world.database.pool.query('SELECT 1 FROM refusals');
    expect(rows).toEqual([]);
  });

  it('I6: refuses an intent dated more than 60 s ahead, and its id stays free', async () => {
    const iat = Math.floor(Date.now() / 1_000) + 120;
    const late = await post(await sign('ahead', { iat, exp: iat + 600, mandate: namedId('approval') }));
    expect([late.status, late.body['code']]).toEqual([401, 'signature_invalid']);
    const other = { amount: { value: '1.00', currency: 'USD' }, mandate: namedId('approval') };
    expect((await post(await sign('ahead', other))).status).toBe(201);
  });

  it('takes one signed object as application/jwt, and an idempotency key only when it is the jti', async () => {
    expect((await post(await sign('e'), { 'content-type': 'application/json' })).status).toBe(415);
    expect((await post(await sign('e'), { 'idempotency-key': 'other' })).body).toMatchObject({
      field: 'Idempotency-Key',
    });
  });

  it('accepts without waiting, and the decision is found under the jti', async () => {
    const accepted = await post(await sign('f'), { prefer: '' });
    expect([accepted.status, accepted.headers.get('location')]).toEqual([
      202,
      `/v1/payment-intents/f?mandate=${namedId('main')}`,
    ]);
    const again = await post(await sign('f')); // waits for the owner of the partition
    expect([again.status, again.body['outcome']]).toEqual([again.status, 'authorized']);
    const found = await get('/v1/payment-intents/f', world.domain.agent('buyer'));
    expect(found.body['decision_id']).toBe(again.body['decision_id']);
  });

  it('never guesses which of two intents a jti means: the mandate must say it', async () => {
    const amount = { value: '500.00', currency: 'USD' };
    const main = await post(await sign('twice', { amount }));
    const other = await post(await sign('twice', { amount, mandate: namedId('approval') }));
    expect([main.body['code'], other.body['code']]).toEqual(['budget_exceeded', 'approval_required']);
    const agent = world.domain.agent('buyer');
    expect((await get('/v1/payment-intents/twice', agent)).body).toMatchObject({ code: 'malformed', field: 'mandate' });
    const found = await get(`/v1/payment-intents/twice?mandate=${namedId('main')}`, agent);
    expect(found.body['decision_id']).toBe(main.body['decision_id']);
  });
});

describe('the door for approvals', () => {
  /** An intent that waits, where people answer it, and what they say. */
  async function park(jti: string, mandate = 'approval') {
    const { status, body } = await post(await sign(jti, { mandate: namedId(mandate) }));
    const { decision_id: id, intent_id: intent, decision } = body as Record<string, string>;
    const parked = JSON.parse(Buffer.from(decision?.split('.')[1] ?? '', 'base64url').toString()) as DecisionClaims;
    const by = (change: Partial<OpsActionClaims>): Promise<string> => {
      const claims = approvalClaims(intent ?? '', parked.decision_hash, change);
      return signApproval(world.domain.person(claims.iss), claims);
    };
    return { status, body, path: `/v1/decisions/${id ?? ''}/approval`, by };
  }

  async function parkedAnswer(jti: string, change: Partial<OpsActionClaims> = {}): Promise<[string, string]> {
    const { path, by } = await park(jti);
    return [path, await by(change)];
  }

  it('answers what came of it; the agent then finds its artifact, and a second approval is a replay', async () => {
    const [path, token] = await parkedAnswer('step-up');
    const said = await post(token, {}, path);
    expect([said.status, said.body]).toMatchObject([200, { outcome: 'authorized', code: null }]);
    expect(said.body['artifact']).toBeUndefined();
    const query = `?mandate=${namedId('approval')}`;
    const found = await get(`/v1/payment-intents/step-up${query}`, world.domain.agent('buyer'));
    expect(found.body).toMatchObject({ outcome: 'authorized', decision_id: said.body['decision_id'] });
    expect(String(found.body['artifact']).split('.')).toHaveLength(3);
    const again = await post(token, {}, path);
    expect([again.status, again.body]).toMatchObject([
      409,
      { code: 'intent_replayed', decision_id: said.body['decision_id'] },
    ]);
  });

  it('two approvers: each is told what came of theirs, the first again when asked again, the agent how many it takes', async () => {
    const { status, body, path, by } = await park('step-up-two', 'two');
    expect([status, body['approvals']]).toEqual([202, { given: 0, needed: 2 }]);
    const token = await by({ jti: 'ada' });
    const first = await post(token, {}, path);
    expect([first.status, first.body]).toMatchObject([
      200,
      { outcome: 'parked', field: 'approvals.two_above', approvals: { given: 1, needed: 2 }, artifact_id: null },
    ]);
    const again = await post(token, {}, path);
    expect([again.status, again.body, again.headers.get('idempotency-replayed')]).toEqual([200, first.body, 'true']);
    const shown = await get(`/v1/payment-intents/step-up-two?mandate=${namedId('two')}`, world.domain.agent('buyer'));
    expect(shown.body['approvals']).toEqual({ given: 1, needed: 2 });
    const second = await post(await by({ iss: 'grace' }), {}, path);
    expect([second.status, second.body]).toMatchObject([200, { outcome: 'authorized', code: null }]);
    expect((await post(token, {}, path)).body).toMatchObject({ code: 'intent_replayed' });
  });

  it('two approvers at the same moment, over the same decision: one artifact', async () => {
    const { body, path, by } = await park('step-up-race', 'two');
    const tokens = [await by({ jti: 'race-ada' }), await by({ iss: 'grace', jti: 'race-grace' })];
    const both = await Promise.all(tokens.map((token) => post(token, {}, path)));
    expect(both.map((each) => each.status)).toEqual([200, 200]);
    expect(both.map((each) => each.body['outcome'])).toContain('authorized');
    const made = await world.database.pool.query(
      `SELECT 1 FROM decisions d JOIN artifacts a USING (artifact_id) WHERE d.intent_id = $1`,
      [body['intent_id']],
    );
    expect(made.rowCount).toBe(1);
  });

  it('answers a refusal by the owner with its code and field', async () => {
    const [path, token] = await parkedAnswer('other-hash', { change_hash: 'A'.repeat(43) });
    const said = await post(token, {}, path);
    expect([said.status, said.body]).toMatchObject([403, { code: 'scope_mismatch', field: 'change_hash' }]);
  });

  it('accepts without waiting', async () => {
    const [path, token] = await parkedAnswer('later', { action: 'refuse_intent' });
    expect((await post(token, { prefer: '' }, path)).status).toBe(202);
  });

  it('tells who may approve nothing the code only, and lets nothing of it into the log', async () => {
    const count = async () => (await world.database.pool.query('SELECT 1 FROM embedded_records')).rowCount;
    const [path, token] = await parkedAnswer('not-eve', { iss: 'eve' });
    const before = await count();
    const said = await post(token, {}, path);
    expect([said.status, said.body['code'], said.body['field']]).toEqual([403, 'scope_mismatch', undefined]);
    expect((await post(await sign('no-act'), {}, path)).body).toMatchObject({ code: 'type_mismatch' });
    expect((await post(token, { 'content-type': 'application/json' }, path)).status).toBe(415);
    expect(await count()).toBe(before);
  });

  it('takes an answer only for the decision by which its intent waits', async () => {
    const [path] = await parkedAnswer('one');
    const [, token] = await parkedAnswer('two');
    expect((await post(token, {}, path)).body).toMatchObject({ code: 'scope_mismatch', field: 'targets' });
    expect((await post(token, {}, '/v1/decisions/none/approval')).status).toBe(404);
  });
});

describe('signed reads', () => {
  it('shows an agent its own, a settlement service its audience, and others nothing', async () => {
    const { body } = await post(await sign('g'));
    const decision = `/v1/decisions/${String(body['decision_id'])}`;
    const artifact = `/v1/artifacts/${String(body['artifact_id'])}`;
    const statuses = async (signer?: Signer) => [
      (await get(decision, signer)).status,
      (await get(artifact, signer)).status,
    ];
    expect(await statuses(world.domain.agent('buyer'))).toEqual([200, 200]);
    expect(await statuses(world.domain.settler)).toEqual([200, 200]);
    expect(await statuses(world.domain.agent('rival'))).toEqual([404, 404]);
    expect(await statuses()).toEqual([400, 400]);
    expect((await get(artifact, world.domain.settler)).body).toMatchObject({
      status: 'valid',
      artifact: body['artifact'],
    });
  });

  it('lists what is still held, page by page, and shows a mandate with what is left of it', async () => {
    const { settler, agent } = world.domain;
    const first = await get('/v1/artifacts?state=held&limit=1', settler);
    expect([first.status, first.body['has_more']]).toEqual([200, true]);
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const second = await get(next, settler);
    expect(second.body['artifacts']).not.toEqual(first.body['artifacts']);
    expect((await get('/v1/artifacts?state=lost', settler)).status).toBe(400);
    const mandate = await get(`/v1/mandates/${namedId('main')}`, agent('buyer'));
    expect(mandate.body['levels']).toMatchObject([
      { limit: '100.00', captured: '0.00', held: '37.50', available: '62.50' },
    ]);
    expect((await get(`/v1/mandates/${namedId('main')}`, agent('rival'))).status).toBe(404);
  });

  it('lists decisions newest first, page by page, and what is decided meanwhile shifts no page', async () => {
    const jtis = ['l1', 'l2', 'l3'];
    for (const jti of jtis) await post(await sign(jti, { amount: { value: '0.01', currency: 'USD' } }));
    const buyer = world.domain.agent('buyer');
    const first = await get('/v1/decisions?limit=2', buyer);
    expect((first.body['decisions'] as object[]).length).toBe(2);
    await post(await sign('l4', { amount: { value: '0.01', currency: 'USD' } }));
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const second = await get(next, buyer);
    const ids = [first, second].flatMap(({ body }) =>
      (body['decisions'] as { intent_id: string }[]).map((each) => each.intent_id),
    );
    expect(new Set(ids).size).toBe(ids.length);
    const wanted = jtis
      .toReversed()
      .map((jti) => intentId({ issuer: world.domain.issuer, agent: 'buyer', mandate: namedId('main'), jti }));
    expect(ids.slice(0, 3)).toEqual(wanted);
    expect((await get('/v1/decisions', world.domain.agent('rival'))).body).toEqual({
      decisions: [],
      has_more: false,
      next_cursor: null,
    });
    const audience = (await get('/v1/decisions?outcome=authorized', world.domain.settler)).body['decisions'];
    expect((audience as { outcome: string }[]).every(({ outcome }) => outcome === 'authorized')).toBe(true);
    for (const query of ['limit=x', 'cursor=x', 'outcome=yes', 'mandate=m', 'other=1']) {
      expect((await get(`/v1/decisions?${query}`, buyer)).body).toMatchObject({
        code: 'malformed',
        field: query.split('=')[0],
      });
    }
  });

  it('I7: refuses a read by a key that a control act revoked a moment ago, whatever is cached', async () => {
    const rival = world.domain.agent('rival');
    const path = `/v1/mandates/${namedId('main')}`;
    expect((await get(path, rival)).status).toBe(404);
    await inControlAct(world.database.pool, (act) => revokeKey(act, rival.kid));
    expect((await get(path, rival)).status).toBe(401);
  });

  it('publishes the denial table without a signature', async () => {
    const { status, body } = await get('/v1/denials');
    expect([status, (body['denials'] as unknown[]).length > 50]).toEqual([200, true]);
  });
});

describe('the HTTP door of observations', () => {
  const iat = Math.floor(Date.now() / 1000) - 10;
  const result = {
    iss: 'attester',
    aud: TEST_ISSUER,
    iat,
    exp: iat + 600,
    jti: 'seen-1',
    sub: 'rival',
    eat_nonce: 'abcdefghijk',
    ueid: 'abcdefghijkl',
    measurements: ['m1'],
    dbgstat: 'disabled',
    'ear.status': 'affirming',
    evidence_hash: 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
  };
  const observe = async (claims: object, signer = world.domain.attester, headers = {}): Promise<Answer> =>
    post(await signToken(signer, 'attestation-result+jwt', claims), headers, '/v1/observations');

  it('records a result, answers a repeat alike, and an older one that it changes nothing', async () => {
    const first = await observe(result);
    expect([first.status, first.body]).toEqual([201, { agent: 'rival', jti: 'seen-1', recorded: true }]);
    expect((await observe(result)).body).toEqual(first.body);
    const older = await observe({ ...result, iat: iat - 60, jti: 'seen-0' });
    expect([older.status, older.body['recorded']]).toEqual([201, false]);
    const { rows } = await world.database.pool.query(`SELECT measurement FROM attestations WHERE agent_id = 'rival'`);
    expect(rows).toEqual([{ measurement: 'm1' }]);
  });

  it.each([
    ['key_unknown', result, 'another kind of key', () => world.domain.agent('rival')],
    ['unknown_field', { ...result, trusted: true }, 'a member nobody knows', () => world.domain.attester],
    ['agent_unknown', { ...result, sub: 'ghost' }, 'an agent nobody knows', () => world.domain.attester],
    ['domain_mismatch', { ...result, aud: 'urn:spendgate:elsewhere' }, 'another domain', () => world.domain.attester],
    [
      'environment_stale',
      { ...result, iat: 1, exp: 2, jti: 'seen-2' },
      'a good result past its exp',
      () => world.domain.attester,
    ],
  ] as const)('%s: %s', async (code, claims, _what, signer) => {
    expect((await observe(claims, signer())).body).toMatchObject({ code });
  });

  it('answers 202 to whoever does not wait', async () => {
    const { status, headers } = await observe({ ...result, iat: iat + 1, jti: 'seen-3' }, undefined, { prefer: '' });
    expect([status, headers.get('retry-after')]).toEqual([202, '1']);
  });
});
