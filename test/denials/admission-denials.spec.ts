import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, type Signer, signToken } from '@spendgate/artifact';
import { AUTHORIZER_SETTINGS, AuthorizeBatch, RecordObservations, createAuthorizerParts } from '@spendgate/authorizer';
import { type MandateClaim, type PaymentIntentClaims, sha256 } from '@spendgate/codec';
import { type AdmissionDenial, DENIALS, type Json, replayDecision } from '@spendgate/core';
import { TOPICS } from '@spendgate/messaging';
import { inControlAct, recordParties, retireKey, revokeMandates } from '@spendgate/store';
import {
  type TestRuntime,
  batchOf,
  intentClaims,
  mandateClaim,
  namedId,
  openTestRuntime,
  signIntent,
} from '@spendgate/testing';
import { recomputeStored } from '@spendgate/verifier';

/** Every code admission can answer with, reached once: on a real database where a door or a row decides it. */
const ADMISSION = DENIALS.filter((row) => row.admission !== null).map((row) => row.code); // as: filtered

const environment = { max_age_seconds: 300, measurements: ['good'] };
const limits = (total: string, per: string | null = null) => ({ currency: 'USD', total, per_transaction: per });
const bounded = { window: null, counterparty: null, category: null, amount: '10.00', count: null };
const MANDATES: readonly MandateClaim[] = [
  mandateClaim('main'),
  mandateClaim('expired', { validity: { from: 1, until: 2 } }),
  mandateClaim('revoked'),
  mandateClaim('small', { limits: limits('10.00') }),
  mandateClaim('per-day', {
    limits: { ...limits('1000.00'), counted: [{ ...bounded, window: { unit: 'day', zone: 'Asia/Tokyo' } }] },
  }),
  mandateClaim('per-payee', { limits: { ...limits('1000.00'), counted: [{ ...bounded, counterparty: 'shop' }] } }),
  mandateClaim('per-transaction', { limits: limits('1000.00', '10.00') }),
  mandateClaim('one-shop', { counterparties: ['casino'] }),
  mandateClaim('approval', { approvals: { above: '10.00' } }),
  mandateClaim('unattested', { environment, agent: 'bare' }),
  mandateClaim('stale', { environment, agent: 'stale' }),
  mandateClaim('measured', { environment, agent: 'changed' }),
  mandateClaim('debugged', { environment, agent: 'debugged' }),
  mandateClaim('rich', { limits: limits('999999999999999999.00') }),
  mandateClaim('no-policy'),
  mandateClaim('contained'),
  mandateClaim('over'),
  mandateClaim('new'),
  mandateClaim('of-disabled', { agent: 'disabled' }),
  mandateClaim('edited'),
];
const AGENTS = ['buyer', 'rival', 'bare', 'stale', 'changed', 'debugged', 'disabled', 'retired', 'eager'];

/** A new server may have to start first. */
const HOOK_MS = 60_000;

let world: TestRuntime;
let authorize: AuthorizeBatch;
let offset = 0n;
let outsider: Signer;
const nowMs = Date.now();

/** What came of one record: the code of its refusal, or of its decision. */
async function answerTo(value: string | Buffer | null, appendedAtMs = nowMs): Promise<string | null> {
  const lane = await world.lane(TOPICS.paymentIntents);
  const at = offset++;
  await authorize.execute(batchOf(lane, [value], { firstOffset: at, appendedAtMs }));
  return codeAt(at);
}

async function codeAt(at: bigint): Promise<string | null> {
  const { rows } = await world.database.pool.query<{ code: string | null }>(
    `SELECT code FROM decisions WHERE lane_offset = $1 UNION ALL SELECT code FROM refusals WHERE lane_offset = $1`,
    [at],
  );
  return rows[0]?.code ?? null;
}

type Change = Partial<PaymentIntentClaims>;
const under = (mandate: string, change: Change = {}): Change => ({ mandate: namedId(mandate), ...change });

/** An intent of the agent, signed by its key unless another is given. */
function intent(jti: string, change: Change | object = {}, signer?: Signer): Promise<string> {
  const claims = { ...intentClaims(jti, nowMs), ...change };
  return signIntent(signer ?? world.domain.agent(claims.iss), claims);
}

const usd = (value: string) => ({ amount: { value, currency: 'USD' } });

/** A valid token with another header: what the header says is looked at before any key. */
async function withHeader(header: object): Promise<string> {
  const [, payload = '', signature = ''] = (await intent('header')).split('.');
  return `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}.${signature}`;
}

async function attest(agent: string, change: object): Promise<void> {
  const iat = Math.floor(nowMs / 1000) - 10;
  const claims = {
    iss: 'attester',
    aud: world.domain.issuer,
    iat,
    exp: iat + 600,
    jti: `attest-${agent}`,
    sub: agent,
    eat_nonce: 'nonce-0001',
    ueid: 'instance-01',
    measurements: ['good'],
    dbgstat: 'disabled',
    'ear.status': 'affirming',
    evidence_hash: sha256(agent).toString('base64url'),
    ...change,
  };
  const token = await signToken(world.domain.attester, 'attestation-result+jwt', claims);
  const lane = await world.lane(TOPICS.observations);
  const record = new RecordObservations(createAuthorizerParts(world.runtime));
  const firstOffset = BigInt(AGENTS.indexOf(agent));
  await record.execute(batchOf(lane, [token], { topic: TOPICS.observations, firstOffset }));
}

/** Reached at the door or on rows: each gives the record to decide. */
const ROWS: Partial<Record<AdmissionDenial, () => Promise<string | Buffer | null>>> = {
  too_large: () => Promise.resolve('x'.repeat(20_000)),
  encoding_invalid: () => Promise.resolve(Buffer.from([0xff, 0xfe, 0x00])),
  malformed: () => Promise.resolve('not a token'),
  type_mismatch: () => signToken(world.domain.agent('buyer'), 'mandate+jwt', intentClaims('typ', nowMs)),
  header_forbidden: () =>
    withHeader({ alg: 'EdDSA', kid: 'k', typ: 'payment-intent+jwt', jku: 'https://evil.example' }),
  algorithm_forbidden: () => withHeader({ alg: 'HS256', kid: 'k', typ: 'payment-intent+jwt' }),
  unknown_field: () => intent('field', { discount: '1.00' }),
  key_unknown: () => intent('key', {}, outsider),
  key_retired: () => intent('retired', { iss: 'retired' }),
  signature_invalid: async () => `${(await intent('flip')).slice(0, -86)}${'A'.repeat(86)}`,
  issuer_unknown: () => intent('iss', { iss: 'nobody' }, world.domain.agent('buyer')),
  domain_mismatch: () => intent('aud', { aud: 'urn:spendgate:elsewhere' }),
  agent_key_mismatch: () => intent('thief', { iss: 'buyer' }, world.domain.agent('rival')),
  audience_mismatch: () => intent('audience', { audience: 'stranger' }),
  idempotency_conflict: async () => {
    await answerTo(await intent('conflict', usd('1.00')));
    return intent('conflict', usd('2.00'));
  },
  intent_replayed: async () => {
    await answerTo(await intent('replay', usd('1.00')));
    return intent('replay', usd('1.00'));
  },
  intent_expired: () => intent('expired', { iat: 1, exp: 2 }),
  deadline_passed: () => intent('deadline', { deadline: 2 }),
  agent_unknown: () => intent('disabled', { iss: 'disabled', ...under('of-disabled') }),
  mandate_unknown: () => intent('mandate', under('nobody knows it')),
  mandate_expired: () => intent('m-expired', under('expired')),
  mandate_revoked: () => intent('m-revoked', under('revoked')),
  trust_unverifiable: () => intent('edited', under('edited')),
  flow_revoked: () => intent('over', under('over')),
  flow_contained: () => intent('contained', under('contained')),
  flow_not_activated: () => intent('new', under('new')),
  currency_unsupported: () => intent('currency', { amount: { value: '1.00', currency: 'XXX' } }),
  currency_precision: () => intent('precision', usd('1.001')),
  amount_invalid: () => intent('zero', usd('0.00')),
  currency_mismatch: () => intent('eur', { amount: { value: '1.00', currency: 'EUR' } }),
  scope_mismatch: () => intent('payee', under('one-shop')),
  per_transaction_limit: () => intent('per', under('per-transaction')),
  counterparty_limit: () => intent('per-payee', under('per-payee')),
  window_limit: () => intent('per-day', under('per-day')),
  budget_exceeded: () => intent('small', under('small')),
  environment_unattested: () => intent('bare', { iss: 'bare', ...under('unattested') }),
  environment_stale: () => intent('stale', { iss: 'stale', ...under('stale') }),
  environment_integrity_failure: () => intent('changed', { iss: 'changed', ...under('measured') }),
  runtime_integrity_failure: () => intent('debugged', { iss: 'debugged', ...under('debugged') }),
  policy_unavailable: () => intent('no-policy', under('no-policy')),
  policy_denied: () => intent('casino', { counterparty: 'casino' }),
  policy_error: () => intent('huge', under('rich', usd('99999999999999999.00'))), // minor units above 2^53
  approval_required: () => intent('approval', under('approval')),
};

/** Facts no row of this build establishes yet: one member of a stored read set is changed, and the decision recomputed. */
const FACTS: Partial<Record<AdmissionDenial, (set: Record<string, Json>) => void>> = {
  audit_unavailable: (set) => watch(set, 'audit'),
  domain_divergence: (set) => watch(set, 'domain'),
  domain_stale: (set) => watch(set, 'domain', 'stale'),
  governance_discontinuity: (set) => watch(set, 'governance'),
  identity_discontinuity: (set) => watch(set, 'identity'),
  lineage_fragmented: (set) => watch(set, 'lineage'),
  drift_detected: (set) => void (set['spending'] = HALTING), // through the real services: watch-spending.spec.ts
  approval_refused: (set) => void (set['approval'] = 'refused'),
};

/** Watched from a threshold at which the first event halts. */
const LAW = { basis: 'declared', bins: [[0, 1]], sides: 'upper' };
const HALTING: Json = {
  evidence: {
    ...{ baseline: 'A'.repeat(43), carriers: [], events: 0, known: '', last_iat_ms: null, v: 1 },
    wealth: 'A'.repeat(256),
  },
  watch: {
    ...{ halt: 0, mode: 'enforce', profile: 'A'.repeat(43), warn: 0 },
    ranked_by: { quiet: [], streams: [LAW, LAW, LAW, LAW] },
  },
};

function watch(set: Record<string, Json>, limb: string, verdict = 'broken'): void {
  set['watches'] = { ...(set['watches'] as Record<string, Json>), [limb]: verdict }; // as: an object in every read set
}

/** Held elsewhere, each with the reason. */
const ELSEWHERE: Partial<Record<AdmissionDenial, string>> = {
  authorization_discontinuity: 'libs/core: a chain the registry gives is whole, or it is unknown',
  scope_escalation: 'libs/store control acts: decided when a mandate is recorded',
};

async function prepare(): Promise<void> {
  const { pool } = world.database;
  await inControlAct(pool, async (act) => {
    await recordParties(act, [{ kind: 'agent', id: 'disabled', name: 'disabled', state: 'disabled' }]);
    await retireKey(act, world.domain.agent('retired').kid, 1, null);
    await revokeMandates(act, { mandateIds: [namedId('revoked')], by: 'acme', reason: 'spec' });
  });
  const set = (name: string, state: string) =>
    pool.query('UPDATE flows SET state = $2 WHERE flow_id = $1', [namedId(name), state]);
  await set('contained', 'contained');
  await set('over', 'revoked');
  await set('new', 'baseline');
  await pool.query(`UPDATE mandates SET claims = replace(claims, '"1000.00"', '"9000.00"') WHERE mandate_id = $1`, [
    namedId('edited'),
  ]);
  await attest('stale', { iat: Math.floor(nowMs / 1000) - 500, exp: Math.floor(nowMs / 1000) + 60 });
  await attest('changed', { measurements: ['evil'] });
  await attest('debugged', { dbgstat: 'enabled' });
}

beforeAll(async () => {
  world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS, agents: AGENTS });
  await world.domain.mandates(MANDATES);
  await prepare();
  outsider = PrivateKeySigner.generate('agent');
  authorize = new AuthorizeBatch(createAuthorizerParts(world.runtime));
}, HOOK_MS);
afterAll(() => world.close());

describe('admission denials', () => {
  it('has a case for every code of the table', () => {
    const own = ['rate_limited', 'clock_untrusted', 'internal_denied'];
    const cases = [...Object.keys(ROWS), ...Object.keys(FACTS), ...Object.keys(ELSEWHERE), ...own];
    expect(cases.sort()).toEqual([...ADMISSION].sort());
  });

  it.each(Object.entries(ROWS))('%s is reached', async (code, record) => {
    if (code === 'policy_unavailable') await breakPolicy('broken');
    try {
      expect(await answerTo(await record())).toBe(code);
    } finally {
      if (code === 'policy_unavailable') await breakPolicy('mended');
    }
  });

  it.each(Object.entries(FACTS))('%s is reached from the facts of a decision', async (code, change) => {
    await answerTo(await intent(`base-${code}`, usd('1.00')));
    const { rows } = await world.database.pool.query<{ read_set: string; request: string; intent_id: string }>(
      'SELECT read_set, request, intent_id FROM decisions ORDER BY lane_offset DESC LIMIT 1',
    );
    const [row] = rows;
    if (row === undefined) throw new Error('a decision was just made');
    const stored = { request: row.request, readSet: row.read_set, intentId: row.intent_id, decisionId: '' };
    const { intent: asked, result } = recomputeStored(stored);
    expect(result.decision.code).toBeNull();
    const set = { ...result.readSet };
    change(set);
    expect(replayDecision(set, asked).decision.code).toBe(code);
  });

  it('clock_untrusted is reached by a log that runs more than 30 s ahead', async () => {
    expect(await answerTo(await intent('clock'), Date.now() + 60_000)).toBe('clock_untrusted');
  });

  it('internal_denied is reached by a record whose handling is a defect of ours', async () => {
    const lane = await world.lane(TOPICS.paymentIntents);
    const [record] = batchOf(lane, ['a record'], { firstOffset: offset++, appendedAtMs: nowMs }).records;
    if (record === undefined) throw new Error('one record was asked for');
    await authorize.endDefect({ record, lane });
    expect(await codeAt(record.offset)).toBe('internal_denied');
  });

  it('rate_limited is reached by the intent above the burst, and the same intent passes later', async () => {
    const settings = {
      ...world.runtime.settings,
      SPENDGATE_AGENT_INTENTS_BURST: 1,
      SPENDGATE_AGENT_INTENTS_PER_SECOND: 1,
    };
    const strict = new AuthorizeBatch(createAuthorizerParts({ ...world.runtime, settings }));
    const lane = await world.lane(TOPICS.paymentIntents);
    const again = await intent('rate-2', usd('1.00'));
    const first = offset;
    offset += 3n;
    await strict.execute(
      batchOf(lane, [await intent('rate-1', usd('1.00')), again], { firstOffset: first, appendedAtMs: nowMs }),
    );
    await strict.execute(batchOf(lane, [again], { firstOffset: first + 2n, appendedAtMs: nowMs + 1_000 }));
    expect([await codeAt(first), await codeAt(first + 1n), await codeAt(first + 2n)]).toEqual([
      null,
      'rate_limited',
      null,
    ]);
  });

  it('A12–A17: shows six stages in order; after the failed one none ran and nothing was signed', async () => {
    const { rows } = await world.database.pool.query<{ payload: string; code: string; artifact_id: string | null }>(
      `SELECT l.payload, d.code, d.artifact_id FROM decisions d JOIN leaves l ON l.leaf_hash = d.leaf_hash`,
    );
    expect(rows.length).toBeGreaterThan(20);
    for (const { payload, code, artifact_id: artifactId } of rows) {
      const { stages } = JSON.parse(payload) as { stages: { stage: string; verdict: string }[] };
      expect(stages.map(({ stage }) => stage)).toEqual([
        'policy',
        'identity',
        'runtime_integrity',
        'environment',
        'governance',
        'issue',
      ]);
      const verdicts = stages.map(({ verdict }) => verdict).join(' ');
      expect(verdicts).toMatch(/^(passed ?)*(failed ?)?(not_run ?)*$/);
      expect(artifactId === null).toBe(code !== null);
      if (code !== null) expect(verdicts.endsWith('passed')).toBe(false);
    }
  });
});

/** The active policy's text is edited behind the registry's back, as a database administrator could. */
async function breakPolicy(how: 'broken' | 'mended'): Promise<void> {
  const text = how === 'broken' ? "policy_text || ' '" : 'rtrim(policy_text)';
  await world.database.pool.query(`UPDATE policies SET policy_text = ${text}, set_hash = set_hash || $1`, [
    how === 'broken' ? 'x' : '',
  ]);
  if (how === 'mended') await world.database.pool.query(`UPDATE policies SET set_hash = rtrim(set_hash, 'x')`);
  world.runtime.registry.forget();
}
