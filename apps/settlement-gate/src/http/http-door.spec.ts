import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, type Signer, signHttpRequest, signToken, verifyToken } from '@spendgate/artifact';
import { settlementId } from '@spendgate/codec';
import { VERIFICATION_CHECKS } from '@spendgate/core';
import { inControlAct, recordDomainKeys, recordKeys, recordParties } from '@spendgate/store';
import {
  type IssuedTestArtifact,
  type ServedModule,
  TEST_PUBLIC_URL,
  type TestRuntime,
  captureClaims,
  issueTestArtifact,
  mandateClaim,
  openTestRuntime,
  outcomeClaims,
  refundClaims,
  serveModule,
  signOutcome,
  signRequest,
  undescribed,
  voidClaims,
} from '@spendgate/testing';
import 'reflect-metadata';
import { GATE_SETTINGS } from '../gate.settings.js';
import { GATE_ROUTES } from './routes.js';
import { SettlementGateModule } from '../settlement-gate.module.js';

const LONG_MS = 60_000;
const LIMITS = { currency: 'USD', total: '100000.00', per_transaction: null };

let world: TestRuntime;
let app: ServedModule;
let rival: Signer;

beforeAll(async () => {
  world = await openTestRuntime({ settings: GATE_SETTINGS });
  await world.domain.mandates([mandateClaim('main', { limits: LIMITS })]);
  rival = PrivateKeySigner.generate('settlement');
  await inControlAct(world.database.pool, async (act) => {
    await recordParties(act, [{ kind: 'settlement_service', id: 'rival', name: 'Rival' }]);
    const { kid, alg, jwk } = rival;
    await recordKeys(act, [{ kid, kind: 'settlement_service', partyId: 'rival', alg, jwk, activeFromMs: 0 }]);
    const { artifact } = world.runtime.keys;
    if (artifact !== undefined)
      await recordDomainKeys(act, [
        { ...artifact, kid: artifact.kid, purpose: 'artifact', alg: artifact.alg, jwk: artifact.jwk },
      ]);
    await act.tx.query(`UPDATE domain_keys SET active_from = now() - interval '1 hour'`);
  });
  const module = SettlementGateModule.forRoot(world.as('spendgate_gate'));
  app = await serveModule(module, world.runtime, { topics: false });
}, LONG_MS);
afterAll(async () => {
  await app.close();
  await world.close();
}, LONG_MS);

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

async function replyOf(method: string, path: string, reply: Response): Promise<Reply> {
  const body = (await reply.json()) as Record<string, unknown>; // every answer is an object
  const read = { status: reply.status, headers: reply.headers, body };
  expect(undescribed(GATE_ROUTES, method, path, read)).toBeNull();
  return read;
}

async function post(path: string, body: Buffer | string, type = 'application/jwt', key?: string): Promise<Reply> {
  const named: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
  const reply = await fetch(app.url + path, { method: 'POST', headers: { 'content-type': type, ...named }, body });
  return replyOf('POST', path, reply);
}

async function get(path: string, signer?: Signer): Promise<Reply> {
  const targetUri = TEST_PUBLIC_URL + path;
  const headers = signer === undefined ? {} : await signHttpRequest({ method: 'GET', targetUri }, signer, Date.now());
  const reply = await fetch(app.url + path, { headers: { ...headers } });
  return replyOf('GET', path, reply);
}

const capture = async (artifact: IssuedTestArtifact, id: string, value: string, change = {}): Promise<Reply> =>
  post('/v1/settlements', await signRequest(world.domain.settler, captureClaims(artifact, id, value, change)));

describe('POST /v1/settlements', () => {
  it('answers a capture with 201 and a receipt that verifies, and a repeat with the same one, flagged', async () => {
    const artifact = await issueTestArtifact(world);
    const first = await capture(artifact, 'c', '5.00');
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({ outcome: 'authorized', state: 'capturing' });
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    const again = await capture(artifact, 'c', '5.00');
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    expect(again.body['receipt']).toBe(first.body['receipt']);
    const { receipt } = world.runtime.keys;
    const key = { ...receipt, algorithms: ['EdDSA'], party: null, activeFromMs: 0, retiredAtMs: null };
    const verdict = await verifyToken(String(first.body['receipt']), {
      typ: 'settlement-receipt+jwt',
      keys: () => key as never, // a signer with the members of a key
      atMs: Date.now(),
      issuer: world.domain.issuer,
      audience: 'settler',
    });
    expect(verdict).toMatchObject({ ok: true, claims: { outcome: 'authorized', checks: { signature: true } } });
  });

  it('denies with the status of the row, as problem+json with a receipt, and says what to do next', async () => {
    const artifact = await issueTestArtifact(world);
    await capture(artifact, 'c', '5.00');
    const conflict = await capture(artifact, 'c', '6.00');
    expect(conflict.status).toBe(422);
    expect(conflict.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(conflict.body).toMatchObject({ code: 'idempotency_conflict', retryable: false, next: 'use a new id' });
    expect(conflict.body['receipt']).toMatch(/^ey/);
    const above = await capture(artifact, 'd', '12.51');
    expect([above.status, above.body['field']]).toEqual([403, 'amount.value']);
  });

  it('A11: nothing without an artifact reaches a rail, and an unverified caller learns the code only', async () => {
    const artifact = await issueTestArtifact(world);
    const missing = await capture(artifact, 'c', '5.00', { artifact: undefined });
    expect([missing.status, missing.body['code']]).toEqual([401, 'artifact_missing']);
    for (const body of ['', 'garbage', 'a.b.c', '{}', '\u0000', 'x'.repeat(30_000)]) {
      const reply = await post('/v1/settlements', body);
      expect(reply.status).toBeGreaterThanOrEqual(400);
      expect(reply.status).toBeLessThan(500);
      expect(Object.keys(reply.body).sort()).toEqual(['code', 'status', 'title', 'type']);
    }
    expect((await post('/v1/settlements', 'a.b.c', 'application/json')).status).toBe(415);
  });

  it('takes voids, refunds and outcomes at their own doors, and not under another settlement’s id', async () => {
    const artifact = await issueTestArtifact(world);
    await capture(artifact, 'c', '5.00');
    const id = settlementId(artifact.id, 'capture', 'c');
    const outcome = await signOutcome(
      world.domain.settler,
      outcomeClaims(artifact, { capture_id: 'c' }, 'completed', '5.00'),
    );
    const wrong = settlementId(artifact.id, 'capture', 'other');
    expect((await post(`/v1/settlements/${wrong}/outcome`, outcome)).body['code']).toBe('scope_mismatch');
    expect(await post(`/v1/settlements/${id}/outcome`, outcome)).toMatchObject({
      status: 200,
      body: { state: 'captured' },
    });
    const refund = await signRequest(world.domain.settler, refundClaims(artifact, 'c', 'r', '2.00'));
    expect((await post(`/v1/settlements/${wrong}/refund`, refund)).body['code']).toBe('scope_mismatch');
    expect(await post(`/v1/settlements/${id}/refund`, refund)).toMatchObject({
      status: 201,
      body: { state: 'refunding' },
    });
    const end = await signRequest(world.domain.settler, voidClaims(artifact, 'v'));
    expect((await post(`/v1/artifacts/${wrong}/void`, end)).body['code']).toBe('scope_mismatch');
    const byAgent = await signRequest(world.domain.agent('buyer'), voidClaims(artifact, 'mine', { iss: 'buyer' }));
    expect(await post(`/v1/artifacts/${artifact.id}/void`, byAgent)).toMatchObject({ status: 201 });
    expect((await post('/v1/settlements', end)).body['code']).toBe('artifact_revoked'); // the agent was first
  });
});

describe('Idempotency-Key', () => {
  it('is the id inside the token: another one is refused and leaves the id free', async () => {
    const artifact = await issueTestArtifact(world);
    const token = await signRequest(world.domain.settler, captureClaims(artifact, 'c', '5.00'));
    const refused = await post('/v1/settlements', token, 'application/jwt', 'd');
    expect([refused.status, refused.body['field']]).toEqual([400, 'Idempotency-Key']);
    const taken = await post('/v1/settlements', token, 'application/jwt', '"c"');
    expect([taken.status, taken.headers.get('idempotency-replayed')]).toEqual([201, null]);
    expect((await post('/v1/settlements', token, 'application/jwt', 'c')).headers.get('idempotency-replayed')).toBe(
      'true',
    );
  });
});

describe('reads', () => {
  it('show a settlement to its service and its agent, and to nobody else', async () => {
    const artifact = await issueTestArtifact(world);
    const { body } = await capture(artifact, 'c', '5.00');
    const path = `/v1/settlements/${String(body['settlement_id'])}`;
    const mine = await get(path, world.domain.settler);
    expect(mine).toMatchObject({
      status: 200,
      body: { state: 'capturing', amount: { value: '5.00', currency: 'USD' } },
    });
    expect(mine.body['receipt']).toBe(body['receipt']);
    expect((await get(path, world.domain.agent('buyer'))).status).toBe(200);
    expect((await get(path, rival)).status).toBe(404); // another tenant's id looks like none
    expect((await get(path)).status).toBe(400);
    expect((await get('/v1/settlements/not-an-id', world.domain.settler)).status).toBe(404);
  });

  it.each(['cursor=x', 'cursor=', 'limit=0', 'limit=101', 'artifacts=1'])('refuse a list with %s', async (query) => {
    const artifact = await issueTestArtifact(world);
    const { status, body } = await get(`/v1/settlements?artifact=${artifact.id}&${query}`, world.domain.settler);
    expect([status, body['code'], body['field']]).toEqual([400, 'malformed', query.split('=')[0]]);
  });

  it('list a page that what settles meanwhile neither shifts nor repeats', async () => {
    const artifact = await issueTestArtifact(world, { maxCaptures: 20 });
    for (const id of ['a', 'b', 'c', 'd']) await capture(artifact, id, '0.10');
    const seen: unknown[] = [];
    let path = `/v1/settlements?artifact=${artifact.id}&limit=1`;
    for (let page = 0; path !== ''; page += 1) {
      const { body, headers } = await get(path, world.domain.settler);
      seen.push(...(body['settlements'] as { settlement_id: string }[]).map((each) => each.settlement_id));
      await capture(artifact, `later-${page}`, '0.10');
      path = page > 20 ? '' : (/<([^>]+)>/.exec(headers.get('link') ?? '')?.[1] ?? '');
    }
    for (const id of ['a', 'b', 'c', 'd']) expect(seen).toContain(settlementId(artifact.id, 'capture', id));
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('list the settlements of an artifact', async () => {
    const artifact = await issueTestArtifact(world);
    for (const id of ['a', 'b']) await capture(artifact, id, '1.00');
    const path = `/v1/settlements?artifact=${artifact.id}`;
    expect((await get(path, world.domain.settler)).body).toMatchObject({ has_more: false, settlements: [{}, {}] });
    expect((await get(path, world.domain.agent('buyer'))).body).toMatchObject({ settlements: [{}, {}] });
  });

  it('A27: an artifact of others looks like none: 404 without Link or has_more, however much is settled', async () => {
    const artifact = await issueTestArtifact(world, { amount: '100.00', maxCaptures: 200 });
    const ids = Array.from({ length: 101 }, (_, index) => `c${index}`);
    await Promise.all(ids.map((id) => capture(artifact, id, '0.10')));
    const path = `/v1/settlements?artifact=${artifact.id}`;
    const theirs = await get(path, rival);
    expect([theirs.status, theirs.headers.get('link'), theirs.body['has_more']]).toEqual([404, null, undefined]);
    const none = await get('/v1/settlements?artifact=0b5e2a1c-0000-4000-8000-00000000000a', rival);
    expect(none).toMatchObject({ status: 404, body: theirs.body });
    const mine = await get(path, world.domain.settler);
    expect(mine.body).toMatchObject({ has_more: true });
    const next = /<([^>]+)>/.exec(mine.headers.get('link') ?? '')?.[1] ?? '';
    expect((await get(next, world.domain.settler)).body).toMatchObject({ settlements: [{}], has_more: false });
    const empty = await issueTestArtifact(world);
    const own = await get(`/v1/settlements?artifact=${empty.id}`, world.domain.settler);
    expect(own.body).toEqual({ settlements: [], has_more: false, next_cursor: null });
  });
});

describe('POST /v1/artifacts/verify', () => {
  const signed = async (artifact: IssuedTestArtifact, claims: object = artifact.claims): Promise<string> => {
    const signer = world.runtime.keys.artifact;
    if (signer === undefined) throw new Error('no artifact key');
    return signToken(signer, 'authorization-artifact+jwt', claims);
  };
  const verify = async (token: string): Promise<Record<string, unknown>> =>
    (await post('/v1/artifacts/verify', token)).body;
  const failed = ({ checks }: Record<string, unknown>): string[] =>
    (checks as { name: string; ok: boolean }[]).filter(({ ok }) => !ok).map(({ name }) => name); // as reported

  it('A27–A34: reports all eight named checks for a good artifact', async () => {
    const body = await verify(await signed(await issueTestArtifact(world)));
    expect(body).toMatchObject({ valid: true, code: null });
    expect((body['checks'] as { name: string; ok: boolean }[]).map(({ name, ok }) => [name, ok])).toEqual(
      VERIFICATION_CHECKS.map((name) => [name, true]),
    );
  });

  it.each([
    ['A28', 'scope_integrity', 'artifact_consumed', {}],
    ['A29', 'temporal_validity', 'artifact_expired', { lifetimeMs: -1_000 }],
    ['A30', 'environment_binding', 'environment_unattested', { measurement: 'm' }],
    ['A31', 'policy_hash', 'policy_mismatch', { policyHash: 'A'.repeat(43) }],
    ['A33', 'revocation_state', 'artifact_revoked', { status: 1 }],
    ['A34', 'lineage', 'lineage_fragmented', { parentHash: 'A'.repeat(43) }],
  ] as const)('%s: fails %s with %s', async (_row, check, code, change) => {
    const artifact = await issueTestArtifact(world, change);
    if (check === 'scope_integrity') await capture(artifact, 'all', '12.50');
    const body = await verify(await signed(artifact));
    expect(body).toMatchObject({ valid: false, code });
    expect(failed(body)).toContain(check);
  });

  it('A27: fails the signature of changed bytes, and believes nothing else of them', async () => {
    const token = await signed(await issueTestArtifact(world));
    const body = await verify(`${token.slice(0, -4)}AAAA`);
    expect(body).toMatchObject({ valid: false, code: 'signature_invalid' });
    expect(failed(body)).toEqual([...VERIFICATION_CHECKS]);
  });

  it('A32: fails the origin of claims nobody issued, signed with the stolen key itself', async () => {
    const artifact = await issueTestArtifact(world);
    const [detail] = artifact.claims.authorization_details;
    const wider = { ...detail, amount: { value: '99999.00', currency: 'USD' } };
    const body = await verify(await signed(artifact, { ...artifact.claims, authorization_details: [wider] }));
    expect(body).toMatchObject({ valid: false, code: 'artifact_not_issued' });
    expect(failed(body)).toContain('origin');
  });
});
