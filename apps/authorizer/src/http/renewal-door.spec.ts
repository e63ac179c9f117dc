import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { signToken } from '@spendgate/artifact';
import { type ArtifactRenewalClaims, type PaymentIntentClaims, hashJsonText } from '@spendgate/codec';
import {
  type DoorReply,
  type ServedModule,
  TEST_ISSUER,
  TestDoor,
  type TestRuntime,
  intentClaims,
  mandateClaim,
  namedId,
  openTestRuntime,
  renewalClaims,
  serveModule,
  signIntent,
  signRenewal,
  until,
} from '@spendgate/testing';
import { readDeniedRenewals } from '@spendgate/store';
import { differenceOf } from '@spendgate/verifier';
import { AuthorizerModule } from '../authorizer.module.js';
import { AUTHORIZER_SETTINGS } from '../authorizer.settings.js';
import { AUTHORIZER_ROUTES } from './routes.js';

/** A new server may have to start first. */
const HOOK_MS = 60_000;
const WAIT = { prefer: 'wait=20' };
/** What was let into the log. */
const TAKEN = `embedded_records WHERE topic = 'payment-intents.v1'`;
const usd = (value: string) => ({ amount: { value, currency: 'USD' } });

let world: TestRuntime;
let app: ServedModule;
let door: TestDoor;
let made = 0;

beforeAll(async () => {
  world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS, agents: ['buyer', 'other'], partitions: 2 });
  await world.domain.mandates([mandateClaim('main')]);
  app = await serveModule(AuthorizerModule.forRoot(world.as('spendgate_authorizer')), world.runtime);
  door = new TestDoor(app.url, AUTHORIZER_ROUTES);
}, HOOK_MS);
afterAll(async () => {
  await app.close();
  await world.close();
}, HOOK_MS);

interface Issued {
  readonly id: string;
  readonly hash: string;
  readonly hold: string;
}

/** An artifact for 12.50 USD, and what its agent is shown of it. */
async function issued(change: Partial<PaymentIntentClaims> = {}): Promise<Issued> {
  const agent = world.domain.agent('buyer');
  const intent = await signIntent(agent, intentClaims(`bought-${(made += 1)}`, Date.now(), change));
  const { body } = await door.post('/v1/payment-intents', intent, WAIT);
  return shownTo(agent, String(body['artifact_id']));
}

async function shownTo(agent: Parameters<typeof signIntent>[0], id: string): Promise<Issued> {
  const { body } = await door.get(`/v1/artifacts/${id}`, agent);
  return { id, hash: hashJsonText(claimsOf(body['artifact'])), hold: String(body['hold_id']) };
}

function claimsOf(token: unknown): object {
  const payload = String(token).split('.')[1] ?? '';
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as object; // as: an artifact's claims
}

function renewal({ id, hash, hold }: Issued, change: Partial<ArtifactRenewalClaims> = {}, by = 'buyer') {
  const signer = by === 'settler' ? world.domain.settler : world.domain.agent(by);
  return signRenewal(signer, renewalClaims({ id, hash }, hold, { iss: by, ...change }));
}

const renew = ({ id }: Issued, token: string, headers: Record<string, string> = WAIT): Promise<DoorReply> =>
  door.post(`/v1/artifacts/${id}/renew`, token, headers);
const count = async (table: string): Promise<unknown> =>
  (await world.database.pool.query(`SELECT count(*)::int AS n FROM ${table}`)).rows[0];

describe('POST /v1/artifacts/{id}/renew', () => {
  it.each(['buyer', 'settler'])(
    'gives %s a narrower artifact on the same hold, and the old one is dead',
    async (by) => {
      const old = await issued();
      const { status, body } = await renew(old, await renewal(old, usd('5.00'), by));
      expect([status, body['outcome'], body['replayed']]).toEqual([201, 'authorized', false]);
      expect(claimsOf(body['artifact'])).toMatchObject({ authorization_details: [{ amount: { value: '5.00' } }] });
      const agent = world.domain.agent('buyer');
      expect((await door.get(`/v1/artifacts/${old.id}`, agent)).body).toMatchObject({ status: 'revoked' });
      expect(await shownTo(agent, String(body['artifact_id']))).toMatchObject({ hold: old.hold });
    },
  );

  it('I6: sent again it is answered alike, flagged; with another body it is a conflict', async () => {
    const old = await issued();
    const first = await renew(old, await renewal(old));
    const again = await renew(old, await renewal(old, { iat: Math.floor(Date.now() / 1000) - 5 }));
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    expect([again.body['artifact'], again.body['decision']]).toEqual([first.body['artifact'], first.body['decision']]);
    const other = await renew(old, await renewal(old, usd('1.00')));
    expect([other.status, other.body]).toMatchObject([
      422,
      { code: 'idempotency_conflict', decision_id: first.body['decision_id'] },
    ]);
  });

  it('sent ten times at once it is granted once, and every answer names that decision', async () => {
    const old = await issued();
    const token = await renewal(old);
    const answers = await Promise.all(Array.from({ length: 10 }, () => renew(old, token)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${String(body['decision_id'])}`)).size).toBe(1);
    const { rows } = await world.database.pool.query('SELECT 1 FROM renewals WHERE artifact_id = $1', [old.id]);
    expect(rows).toHaveLength(1);
  });

  it('accepts without waiting, and tells what came of it to who sends it again', async () => {
    const old = await issued();
    const token = await renewal(old);
    const accepted = await renew(old, token, {});
    expect([accepted.status, accepted.body['outcome'], accepted.headers.get('retry-after')]).toEqual([202, null, '1']);
    expect((await renew(old, token)).status).toBe(201);
  });

  it('takes one signed object as application/jwt, and an idempotency key only when it is the jti', async () => {
    const old = await issued();
    const token = await renewal(old);
    expect((await renew(old, token, { 'content-type': 'application/json' })).status).toBe(415);
    expect((await renew(old, token, { 'idempotency-key': 'other' })).body).toMatchObject({
      code: 'malformed',
      field: 'Idempotency-Key',
    });
    expect((await renew(old, token, { ...WAIT, 'idempotency-key': `renew-${old.id}` })).status).toBe(201);
  });
});

describe('a renewal that is none', () => {
  /** Refused by the owner of the partition, as on the topic: the refusal is on record, nothing else changed. */
  it.each([
    ['by another agent', 'audience_mismatch', (old: Issued) => renewal(old, {}, 'other')],
    ['of a wider claim', 'scope_escalation', (old: Issued) => renewal(old, usd('12.51'))],
    ['of another hold', 'scope_mismatch', (old: Issued) => renewal({ ...old, hold: namedId('none') })],
    ['under another mandate', 'scope_mismatch', (old: Issued) => renewal(old, { mandate: namedId('other') })],
    ['with other claims of it', 'artifact_not_issued', (old: Issued) => renewal({ ...old, hash: 'A'.repeat(43) })],
    ['in another currency', 'currency_mismatch', (old: Issued) => renewal(old, { amount: { value: '1.00', currency: 'EUR' } })], // prettier-ignore
  ] as const)('%s: %s, and the artifact stands', async (_what, code, attack) => {
    const old = await issued();
    const [artifacts, refusals] = [await count('artifacts'), (await count('refusals')) as { n: number }]; // as: our query
    expect((await renew(old, await attack(old))).body).toMatchObject({ code });
    expect([await count('artifacts'), await count('refusals')]).toEqual([artifacts, { n: refusals.n + 1 }]);
    const { body } = await door.get(`/v1/artifacts/${old.id}`, world.domain.agent('buyer'));
    expect(body['status']).toBe('valid');
  });

  /** Who is not verified, or means another artifact than he says, puts nothing into the log. */
  it.each([
    ["by another agent's key", 'issuer_unknown', (old: Issued) => renewal(old, { iss: 'other' })],
    ['for another domain', 'domain_mismatch', (old: Issued) => renewal(old, { aud: 'urn:spendgate:elsewhere' })],
    ['of another artifact than its URL names', 'scope_mismatch', async () => renewal(await issued())],
    ['with a claim nobody knows', 'unknown_field', (old: Issued) => renewal(old, { total: '99.00' } as object)],
    ['that is an intent', 'type_mismatch', async () => signIntent(world.domain.agent('buyer'), intentClaims('none', Date.now()))], // prettier-ignore
  ] as const)('%s: %s, and nothing of it is in the log', async (_what, code, attack) => {
    const old = await issued();
    const token = await attack(old);
    const before = await count(TAKEN);
    expect((await renew(old, token)).body).toMatchObject({ code });
    expect(await count(TAKEN)).toEqual(before);
  });

  it('of an artifact nobody issued: artifact_not_issued, and nothing of it is in the log', async () => {
    const none = { id: namedId('none'), hash: 'A'.repeat(43), hold: namedId('none') };
    const before = await count(TAKEN);
    expect((await renew(none, await renewal(none))).body).toMatchObject({ code: 'artifact_not_issued' });
    expect((await renew({ ...none, id: 'x' }, await renewal(none))).body).toMatchObject({ field: 'artifact.id' });
    expect(await count(TAKEN)).toEqual(before);
  });

  it.each([
    ['expired', 'artifact_expired', 'UPDATE holds SET expires_at = now(), ends_at = now() WHERE artifact_id = $1'],
    ['revoked', 'artifact_revoked', 'UPDATE artifacts SET status = 1 WHERE artifact_id = $1'],
    ['renewed before', 'artifact_revoked', undefined],
  ] as const)('of an artifact that is %s: %s', async (_what, code, sql) => {
    const old = await issued();
    if (sql === undefined) expect((await renew(old, await renewal(old, {}, 'settler'))).status).toBe(201);
    else await world.database.pool.query(sql, [old.id]);
    const before = await count('artifacts');
    expect((await renew(old, await renewal(old))).body).toMatchObject({ code });
    expect(await count('artifacts')).toEqual(before);
  });
});

describe('a renewal that finds drift', () => {
  let observedAt = Math.floor(Date.now() / 1000) - 100;

  /** A newer result on the runtime of `buyer`. */
  async function observed(change: object = {}): Promise<void> {
    const iat = (observedAt += 1);
    const claims = {
      ...{ iss: 'attester', aud: TEST_ISSUER, iat, exp: iat + 600, jti: `seen-${iat}`, sub: 'buyer' },
      ...{ eat_nonce: 'abcdefghijk', ueid: 'abcdefghijkl', measurements: ['m1'], dbgstat: 'disabled' },
      ...{ 'ear.status': 'affirming', evidence_hash: 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg', ...change },
    };
    const token = await signToken(world.domain.attester, 'attestation-result+jwt', claims);
    expect((await door.post('/v1/observations', token, WAIT)).body).toMatchObject({ recorded: true });
  }

  /** An artifact under a mandate of its own that asks for the measurement `m1`, in a runtime that has it. */
  async function attestedArtifact(name: string): Promise<{ mandate: string; old: Issued }> {
    const claim = mandateClaim(name, { environment: { max_age_seconds: 300, measurements: ['m1'] } });
    await world.domain.mandates([claim]);
    await observed();
    return { mandate: claim.id, old: await issued({ mandate: claim.id }) };
  }

  async function rows<T = unknown>(sql: string, ...values: unknown[]): Promise<T[]> {
    return (await world.database.pool.query(sql, values)).rows as T[]; // as: the query names its columns
  }
  const flowOf = (mandate: string) =>
    rows(
      `SELECT state, epoch, (SELECT array_agg(c.kind || ' ' || c.rule) FROM incidents i JOIN incident_causes c USING (incident_id)
         WHERE i.flow_id = f.flow_id) AS causes
       FROM flows f WHERE flow_id = $1`,
      mandate,
    );

  it.each([
    ['another measurement', 'environment_integrity_failure', { measurements: ['m2'] }],
    ['debug on', 'runtime_integrity_failure', { dbgstat: 'enabled' }],
  ])('E14: %s contains its flow as a denied intent does, and the money stays held', async (what, code, change) => {
    const { mandate, old } = await attestedArtifact(what);
    await observed(change);
    expect((await renew(old, await renewal(old, { mandate }))).body).toMatchObject({ code });
    expect(await flowOf(mandate)).toEqual([{ state: 'contained', epoch: 1, causes: [`environment exact.${code}`] }]);
    const held = await rows('SELECT trim_scale(held)::text AS held, ended FROM holds WHERE hold_id = $1', old.hold);
    expect(held).toEqual([{ held: '12.5', ended: false }]);
    const { body } = await door.get(`/v1/artifacts/${old.id}`, world.domain.agent('buyer'));
    expect(body['status']).toBe('suspended');
    await observed();
    const after = await signIntent(world.domain.agent('buyer'), intentClaims(`after ${code}`.replaceAll(' ', '-'), Date.now(), { mandate })); // prettier-ignore
    expect((await door.post('/v1/payment-intents', after, WAIT)).body).toMatchObject({ code: 'flow_contained' });
  });

  it('I4: what showed it is a leaf with the renewal and its read set by value, and causes the containment', async () => {
    const { mandate, old } = await attestedArtifact('leaf');
    await observed({ measurements: ['m2'] });
    const known = (await rows<{ hash: Buffer }>('SELECT leaf_hash AS hash FROM leaves')).map(({ hash }) => hash);
    const token = await renewal(old, { mandate });
    await renew(old, token);
    const leaves = await rows<{ type: string; causes: string[]; payload: string; hash: Buffer }>(
      `SELECT leaf::json->>'type' AS type, leaf::json->'causes' AS causes, payload, leaf_hash AS hash FROM leaves
       WHERE leaf_hash <> ALL ($1::bytea[]) ORDER BY seq`,
      known,
    );
    const drift = ['verification_changed', 'flow_transition', 'flow_transition', 'incident_opened'];
    expect(leaves.map(({ type }) => type)).toEqual(['renewal_denied', ...drift, 'refusals_summarised']);
    const [denied, found] = leaves;
    const [issue] = await rows<{ hash: Buffer }>(
      'SELECT d.leaf_hash AS hash FROM decisions d JOIN artifacts a USING (decision_id) WHERE a.artifact_id = $1',
      old.id,
    );
    expect(denied?.causes).toEqual([issue?.hash.toString('base64url')]);
    expect(found?.causes).toEqual([denied?.hash.toString('base64url')]);
    const read = { attestation: { measurement: 'm2' } };
    expect(JSON.parse(denied?.payload ?? '{}')).toMatchObject({ token, code: 'environment_integrity_failure', read_set: read }); // prettier-ignore
    await until('the events are published', async () => {
      const told = await rows<{ topic: string }>('SELECT topic FROM embedded_records WHERE key = $1', mandate);
      const topics = new Set(told.map(({ topic }) => topic));
      return topics.has('flow-transitions.v1') && topics.has('incidents.v1');
    });
  });

  it('D2: is recomputed from what its leaf keeps, byte for byte', async () => {
    const denied = await readDeniedRenewals(world.database.pool);
    expect(denied.length).toBeGreaterThan(0);
    expect(denied.map(differenceOf)).toEqual(denied.map(() => null));
    const [first] = denied;
    if (first === undefined) throw new Error('one was denied above');
    expect(differenceOf({ ...first, code: 'policy_denied' })).toMatch(/recomputed denied/);
    expect(differenceOf({ ...first, readSet: first.readSet.replace('"m2"', '"m3"') })).not.toBeNull();
    expect(await readDeniedRenewals(world.database.pool, 0, 1)).toEqual([]);
  });

  it('no other denial contains anything', async () => {
    const { mandate, old } = await attestedArtifact('stale');
    await rows(`UPDATE attestations SET recorded_at = now() - interval '301 s' WHERE agent_id = 'buyer'`);
    expect((await renew(old, await renewal(old, { mandate }))).body).toMatchObject({ code: 'environment_stale' });
    expect(await flowOf(mandate)).toEqual([{ state: 'executing', epoch: 1, causes: null }]);
  });
});
