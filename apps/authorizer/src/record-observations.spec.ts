import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { signToken } from '@spendgate/artifact';
import { type AttestationResultClaims, sha256 } from '@spendgate/codec';
import { TOPICS } from '@spendgate/messaging';
import { type TestRuntime, batchOf, intentClaims, mandateClaim, openTestRuntime, signIntent } from '@spendgate/testing';
import { AuthorizeBatch } from './authorize-batch.js';
import { createAuthorizerParts } from './authorizer-parts.js';
import { AUTHORIZER_SETTINGS } from './authorizer.settings.js';
import { RecordObservations } from './record-observations.js';

const HOOK_MS = 60_000;
const GOOD = 'sha256:good';
let world: TestRuntime;
let parts: ReturnType<typeof createAuthorizerParts>;
let record: RecordObservations;
let nowSeconds: number;
let offset: bigint;

async function open(environment: Record<string, string> = {}): Promise<void> {
  world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS, environment, agents: ['buyer', 'rival'] });
  await world.domain.mandates([mandateClaim('main', { environment: { max_age_seconds: 600, measurements: [GOOD] } })]);
  parts = createAuthorizerParts(world.as('spendgate_authorizer'));
  record = new RecordObservations(parts);
  nowSeconds = Math.floor(Date.now() / 1000);
  offset = 0n;
}

beforeEach(() => open(), HOOK_MS);
afterEach(() => world.close());

/** A result that is in order; `agoSeconds` is its age. */
function result(jti: string, agoSeconds: number, change: Partial<AttestationResultClaims> = {}): Promise<string> {
  const iat = nowSeconds - agoSeconds;
  return signToken(world.domain.attester, 'attestation-result+jwt', {
    iss: 'attester',
    aud: world.domain.issuer,
    iat,
    exp: iat + 3_600,
    jti,
    sub: 'buyer',
    eat_nonce: 'abcdefghijk',
    ueid: 'abcdefghijkl',
    measurements: [GOOD],
    dbgstat: 'disabled',
    'ear.status': 'affirming',
    evidence_hash: sha256(jti).toString('base64url'),
    ...change,
  });
}

const CONTRAINDICATED = { 'ear.status': 'contraindicated' } as const;

async function observe(...tokens: string[]): Promise<void> {
  const lane = await world.lane(TOPICS.observations);
  await record.execute(batchOf(lane, tokens, { topic: TOPICS.observations, firstOffset: offset }));
  offset += BigInt(tokens.length);
}

async function rows<T>(sql: string): Promise<T[]> {
  return (await world.database.pool.query(sql)).rows as T[]; // as: the query names its columns
}

function refusals(): Promise<{ code: string; field: string | null }[]> {
  return rows('SELECT code, field FROM refusals ORDER BY lane_offset');
}

async function isCompromised(): Promise<boolean | undefined> {
  const [row] = await rows<{ compromised: boolean }>(`SELECT compromised FROM attestations WHERE agent_id = 'buyer'`);
  return row?.compromised;
}

async function recordedLeaves(): Promise<number> {
  const found = await rows(`SELECT 1 FROM leaves WHERE leaf::json->>'type' = 'attestation_recorded'`);
  return found.length;
}

/** What the buyer's next intent comes to. */
async function decide(jti: string): Promise<string> {
  const lane = await world.lane(TOPICS.paymentIntents);
  const [{ next = 0n } = {}] = await rows<{ next: bigint }>(`SELECT next FROM lanes WHERE name LIKE 'payment%'`);
  const intent = await signIntent(world.domain.agent('buyer'), intentClaims(jti, Date.now()));
  await new AuthorizeBatch(parts).execute(batchOf(lane, [intent], { firstOffset: next }));
  const [last] = await rows<{ outcome: string; code: string | null }>(
    'SELECT outcome, code FROM decisions ORDER BY lane_offset DESC LIMIT 1',
  );
  return last?.code ?? last?.outcome ?? 'none';
}

describe('which attestation result of an agent counts', () => {
  it('A24: the newest by iat, wherever it stands in a batch: an older good one behind it takes nothing back', async () => {
    const [good, bad] = [await result('good', 100), await result('bad', 0, CONTRAINDICATED)];
    await observe(bad, good);
    expect(await isCompromised()).toBe(true);
    await observe(good);
    expect([await isCompromised(), await decide('a')]).toEqual([true, 'runtime_integrity_failure']);
  });

  it('A24: the worse of two of the same second, in either order and across batches', async () => {
    const [good, bad] = [await result('good', 5), await result('bad', 5, CONTRAINDICATED)];
    await observe(bad, good);
    expect(await isCompromised()).toBe(true);
    await observe(good);
    expect(await isCompromised()).toBe(true);
    const rivals = [
      await result('r1', 5, { sub: 'rival' }),
      await result('r2', 5, { sub: 'rival', dbgstat: 'enabled' }),
    ];
    for (const token of rivals) await observe(token);
    expect(await rows(`SELECT debug FROM attestations WHERE agent_id = 'rival'`)).toEqual([{ debug: true }]);
  });

  it('A24: a newer good result clears an older bad one', async () => {
    await observe(await result('bad', 100, CONTRAINDICATED));
    await observe(await result('good', 5));
    expect([await isCompromised(), await decide('a')]).toEqual([false, 'authorized']);
  });

  it.each([
    ['contraindicated', CONTRAINDICATED, 'runtime_integrity_failure'],
    ['none', { 'ear.status': 'none' }, 'environment_stale'],
    ['several measurements', { measurements: [GOOD, 'sha256:other'] }, 'environment_integrity_failure'],
    ['a debug state that is enabled', { dbgstat: 'enabled' }, 'runtime_integrity_failure'],
  ] as const)('I5: %s replaces a good result, and the next intent is denied', async (_what, change, code) => {
    await observe(await result('good', 100));
    expect(await decide('a')).toBe('authorized');
    await observe(await result('bad', 5, { ...change } as Partial<AttestationResultClaims>)); // as: lists are readonly here
    expect(await decide('b')).toBe(code);
  });

  it('I5: bad news counts also when it comes after its own exp', async () => {
    await observe(await result('good', 100));
    await observe(await result('bad', 50, { ...CONTRAINDICATED, exp: nowSeconds - 10 }));
    expect([await isCompromised(), await decide('a')]).toEqual([true, 'environment_stale']);
  });
});

describe('attestation results that are refused', () => {
  it('I5: one dated more than 60 s ahead, which would outlive every newer one', async () => {
    await observe(await result('later', -120), await result('slightly', -30));
    expect(await refusals()).toEqual([{ code: 'signature_invalid', field: 'iat' }]);
    expect(await rows('SELECT 1 FROM attestations')).toHaveLength(1);
  });

  it('one past its exp (RFC 7519 §4.1.4)', async () => {
    await observe(await result('old', 100, { exp: nowSeconds - 10 }));
    expect(await refusals()).toEqual([{ code: 'environment_stale', field: 'exp' }]);
    expect(await rows('SELECT 1 FROM attestations')).toEqual([]);
  });
});

describe('what attestation results cost', () => {
  it('I6: a repeat of the same (iss, jti) changes nothing and leaves no leaf', async () => {
    const [old, good] = [await result('old', 100), await result('good', 5)];
    await observe(old, good);
    expect(await recordedLeaves()).toBe(1);
    await observe(...Array.from({ length: 50 }, () => good), ...Array.from({ length: 50 }, () => old));
    expect([await recordedLeaves(), await refusals()]).toEqual([1, []]);
  });

  it('rate_limited: an attester has a bucket; repeats do not spend it, and bad news passes', async () => {
    await world.close();
    await open({ SPENDGATE_ATTESTER_RESULTS_PER_SECOND: '1' });
    const first = await result('first', 300);
    await observe(...Array.from({ length: 100 }, () => first));
    for (let i = 0; i < 30; i += 1) await observe(first);
    const burst = Array.from({ length: 9 }, (_, i) => result(`n${i}`, 200 - i));
    for (const token of await Promise.all(burst)) await observe(token);
    expect(await refusals()).toEqual([]);
    // Of one batch only the newest of an agent is paid for, so ten tokens are ten batches.
    const more = Array.from({ length: 5 }, (_, i) => result(`m${i}`, 100 - i));
    for (const token of await Promise.all(more)) await observe(token);
    expect((await refusals()).map(({ code }) => code)).toContain('rate_limited');
    await observe(await result('bad', 0, CONTRAINDICATED));
    expect(await isCompromised()).toBe(true);
  });
});
