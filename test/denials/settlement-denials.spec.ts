import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, type Signer } from '@spendgate/artifact';
import { DENIALS, type SettlementDenial, type WatchVerdict, type Watches, precedence } from '@spendgate/core';
import { TOPICS } from '@spendgate/messaging';
import {
  type GateParts,
  ALL_VERIFIED,
  GATE_SETTINGS,
  SettleRecords,
  createGateParts,
} from '@spendgate/settlement-gate';
import {
  inControlAct,
  recordAttestations,
  recordKeys,
  recordParties,
  retireKey,
  revokeMandates,
} from '@spendgate/store';
import {
  type ArtifactChange,
  type TestRuntime,
  batchOf,
  captureClaims,
  issueTestArtifact,
  mandateClaim,
  openTestRuntime,
  outcomeClaims,
  signOutcome,
  signRequest,
  voidClaims,
} from '@spendgate/testing';

/** A new server may have to start first. */
const HOOK_MS = 60_000;
const LIMITS = { currency: 'USD', total: '100000.00', per_transaction: null };
const ATTESTED = { environment: { max_age_seconds: 300, measurements: ['good'] } };
const NAMES = ['broken', 'revoked', 'ended', 'halted', 'damaged'] as const;
const ROOT = mandateClaim('root', { agent: null, limits: LIMITS });
const under = (name: string, change = {}) =>
  mandateClaim(name, { parent: ROOT.id, depth: 1, limits: LIMITS, ...change });
const MANDATES = [
  ROOT,
  under('main'),
  under('attested', { agent: 'attested', ...ATTESTED }),
  mandateClaim('lapsed', { limits: LIMITS, validity: { from: 1, until: 2 } }),
  ...NAMES.map((name) => under(name)),
];

let world: TestRuntime;
let gate: GateParts;
let rival: Signer;
let gone: Signer;
/** What the watches say from now on; each case sets it and is given back the rest. */
let trust = ALL_VERIFIED;

beforeAll(async () => {
  world = await openTestRuntime({ settings: GATE_SETTINGS, agents: ['buyer', 'attested'] });
  await world.domain.mandates(MANDATES);
  [rival, gone] = [PrivateKeySigner.generate('settlement'), PrivateKeySigner.generate('settlement')];
  await inControlAct(world.database.pool, async (act) => {
    await recordParties(act, [{ kind: 'settlement_service', id: 'rival', name: 'Rival' }]);
    await recordKeys(act, [key('rival', rival), key('settler', gone)]);
    await retireKey(act, gone.kid, act.atMs - 3_600_000, null);
  });
  gate = createGateParts(world.runtime, { trust: () => trust });
}, HOOK_MS);
afterAll(async () => {
  await gate.events.stop();
  await world.close();
});

function key(partyId: string, { kid, alg, jwk }: Signer) {
  return { kid, kind: 'settlement_service' as const, partyId, alg, jwk, activeFromMs: 0 };
}

/** Signs by the settlement service the artifact is for, unless told otherwise, and tells the code. */
async function ask(claims: object, signer: Signer = world.domain.settler): Promise<string> {
  return codeOf(await signRequest(signer, claims));
}

async function codeOf(token: Buffer): Promise<string> {
  const answer = await gate.door.present(token);
  return answer.kind === 'outcome' ? answer.state : (answer.code ?? 'granted');
}

async function capture(change: ArtifactChange = {}, amount = '1.00', claims = {}): Promise<string> {
  const artifact = await issueTestArtifact(world, change);
  return ask(captureClaims(artifact, 'c', amount, claims));
}

async function captureWhile(limb: keyof Watches, verdict: WatchVerdict): Promise<string> {
  trust = { ...ALL_VERIFIED, watches: { ...ALL_VERIFIED.watches, [limb]: verdict } };
  try {
    return await capture();
  } finally {
    trust = ALL_VERIFIED;
  }
}

/** Behind our back, so the registry must forget what it knew. */
async function edit(sql: string): Promise<void> {
  await world.database.pool.query(sql);
  world.runtime.registry.forget();
}

async function captureAttested(change: Partial<Parameters<typeof recordAttestations>[1][number]> | null) {
  const artifact = await issueTestArtifact(world, { mandate: 'attested', measurement: 'good' });
  const nowMs = Date.now();
  const result = {
    agentId: 'attested', measurement: 'good', evidenceHash: 'e', verifier: 'attester', debug: false, compromised: false,
    validUntilMs: nowMs + 60_000, issuedAtMs: nowMs, token: 'a.b.c', kid: world.domain.attester.kid, ...change,
  }; // prettier-ignore
  await world.database.pool.query('DELETE FROM attestations');
  if (change !== null) {
    const tx = await world.database.pool.connect();
    await recordAttestations(tx, [result]);
    tx.release();
  }
  return ask(captureClaims(artifact, 'c', '1.00'));
}

async function refusedOverTheLog(appendedAtMs: number): Promise<string> {
  const artifact = await issueTestArtifact(world);
  const token = await signRequest(world.domain.settler, captureClaims(artifact, 'c', '1.00'));
  const lane = await world.lane(TOPICS.settlementRequests);
  const batch = batchOf(lane, [token], { topic: TOPICS.settlementRequests, appendedAtMs });
  await new SettleRecords(gate).execute(batch);
  const { rows } = await world.database.pool.query<{ code: string }>('SELECT code FROM refusals');
  return rows[0]?.code ?? 'granted';
}

async function captureTwice(change: ArtifactChange, first: string, claims = {}): Promise<string> {
  const artifact = await issueTestArtifact(world, change);
  await ask(captureClaims(artifact, 'first', first, claims));
  return ask(captureClaims(artifact, 'second', '1.00'));
}

/** A token whose bytes were changed after signing. */
async function tampered(change: (parts: [string, string, string]) => string[]): Promise<string> {
  const artifact = await issueTestArtifact(world);
  const token = (await signRequest(world.domain.settler, captureClaims(artifact, 'c', '1.00'))).toString();
  return codeOf(Buffer.from(change(token.split('.') as [string, string, string]).join('.')));
}

const reheader = (change: object) =>
  tampered(([header, payload, signature]) => {
    const claims = JSON.parse(Buffer.from(header, 'base64url').toString()) as object;
    return [Buffer.from(JSON.stringify({ ...claims, ...change })).toString('base64url'), payload, signature];
  });

/** One way to reach each denial of the settlement column, over the real door and real rows. */
const REACHED: Readonly<Record<SettlementDenial, readonly [title: string, reach: () => Promise<string>]>> = {
  rate_limited: ['more requests than a presenter may send', () => flood()],
  too_large: ['a token above its byte limit', () => codeOf(Buffer.alloc(20_000, 'a'))],
  encoding_invalid: ['bytes that are not UTF-8', () => codeOf(Buffer.from([0xff, 0xfe, 0x2e, 0x2e]))],
  artifact_missing: ['A11, A18: a request that names no artifact', () => capture({}, '1.00', { artifact: undefined })],
  malformed: ['A11: garbage instead of a signed request', () => codeOf(Buffer.from('garbage'))],
  type_mismatch: ['an intent at the settlement door', () => reheader({ typ: 'payment-intent+jwt' })],
  header_forbidden: ['a header that brings its own key', () => reheader({ jwk: {} })],
  algorithm_forbidden: ['A19: alg none', () => reheader({ alg: 'none' })],
  unknown_field: ['a claim nobody knows', () => capture({}, '1.00', { discount: '1' })],
  key_unknown: ['a key that is not registered', () => signedBy(PrivateKeySigner.generate('settlement'))],
  key_retired: ['a key that was retired an hour ago', () => signedBy(gone)],
  signature_invalid: ['A19: one character of the signature changed', () => tampered(([h, p, s]) => [h, p, flip(s)])],
  issuer_unknown: ['a name that is not the key owner', () => capture({}, '1.00', { iss: 'nobody' })],
  domain_mismatch: ['a request to another domain', () => capture({}, '1.00', { aud: 'urn:other' })],
  audience_mismatch: ['A25: another registered service presents it', () => signedBy(rival, { iss: 'rival' })],
  clock_untrusted: ['a log a minute ahead of the database', () => refusedOverTheLog(Date.now() + 60_000)],
  internal_denied: ['books that do not balance', () => unbalanced()],
  audit_unavailable: ['no witness is current', () => captureWhile('audit', 'stale')],
  trust_unverifiable: ['a limb nobody verified', () => captureWhile('governance', 'unknown')],
  domain_stale: ['a peer head past its bound', () => captureWhile('domain', 'stale')],
  domain_divergence: ['a peer that showed two histories', () => captureWhile('domain', 'broken')],
  governance_discontinuity: ['an epoch that went back', () => captureWhile('governance', 'broken')],
  identity_discontinuity: ['a key change nobody signed', () => captureWhile('identity', 'broken')],
  artifact_not_issued: ['stolen signing key: claims nobody stored', () => stolenKey()],
  idempotency_conflict: ['another amount under the same id', () => conflict()],
  mandate_expired: ['a mandate past its validity', () => capture({ mandate: 'lapsed' })],
  mandate_revoked: ['A23: a mandate revoked after issue', () => revoked()],
  authorization_discontinuity: ['a child whose parent hash is another', () => brokenChain()],
  lineage_fragmented: [
    'an artifact from a mandate version nobody knows',
    () => capture({ parentHash: 'A'.repeat(43) }),
  ],
  flow_revoked: ['a flow that ended for good', () => inState('ended', 'revoked')],
  flow_contained: ['E14: a flow that was halted after issue', () => inState('halted', 'contained')],
  drift_detected: ['an event that shows drift itself', () => drifting()],
  currency_unsupported: ['a currency without exponent', () => captureIn('XAU', '1.00')],
  currency_precision: ['three digits of cents', () => capture({}, '1.005')],
  amount_invalid: ['a negative amount', () => capture({}, '-1.00')],
  currency_mismatch: ['A25: the artifact is in another currency', () => captureIn('EUR', '1.00')],
  scope_mismatch: ['A25: another payee', () => capture({}, '1.00', { counterparty: 'casino' })],
  environment_unattested: ['A24: no attestation on record', () => captureAttested(null)],
  environment_stale: ['A24: an attestation past its time', () => captureAttested({ validUntilMs: Date.now() - 1 })],
  environment_integrity_failure: ['A24: another measurement', () => captureAttested({ measurement: 'evil' })],
  runtime_integrity_failure: ['A24: a debugger is attached', () => captureAttested({ debug: true })],
  policy_unavailable: ['no active policy set', () => withoutPolicy()],
  policy_error: ['an evaluator that fails', () => failingPolicy()],
  policy_mismatch: ['A21: another policy slice than at issue', () => capture({ policyHash: 'A'.repeat(43) })],
  artifact_not_yet_valid: ['judged before nbf', () => capture({ notBeforeMs: 60_000 })],
  artifact_expired: ['A20: first capture after exp', () => capture({ lifetimeMs: -1_000 })],
  settle_by_passed: ['capture after settle_by', () => capture({ settleByMs: -1_000 })],
  artifact_revoked: ['A23: a revoked artifact', () => capture({ status: 1 })],
  artifact_suspended: ['a quarantined artifact', () => capture({ status: 2 })],
  artifact_consumed: ['A22: the whole hold is taken', () => captureTwice({}, '12.50')],
  capture_limit: ['one capture more than allowed', () => captureTwice({ maxCaptures: 1 }, '1.00')],
  amount_exceeds_artifact: ['A25: one cent above the hold', () => capture({ amount: '12.50' }, '12.51')],
};

// A row that shows a break contains the flow they share; each is looked at alone.
afterEach(() => world.database.pool.query(`UPDATE flows SET state = 'executing' WHERE state = 'contained'`));

describe('settlement denials', () => {
  const expected = DENIALS.flatMap((row) => (row.settlement === 'deny' ? [row.code] : []));

  it('has a case for every row of the settlement column', () => {
    const byPrecedence = (a: SettlementDenial, b: SettlementDenial): number => precedence(a) - precedence(b);
    expect((Object.keys(REACHED) as SettlementDenial[]).sort(byPrecedence)).toEqual(expected);
  });

  it.each(expected.map((code) => [code, ...REACHED[code]] as const))('%s: %s', async (code, _title, reach) => {
    expect(await reach()).toBe(code);
  });

  it('moves no money with any of them', async () => {
    const { rows } = await world.database.pool.query(
      `SELECT s.code FROM settlements s WHERE s.outcome = 'denied' AND (s.amount IS NOT NULL OR s.state <> 'denied')`,
    );
    expect(rows).toEqual([]);
  });

  it('a report by a stranger, or on nothing, changes nothing', async () => {
    const artifact = await issueTestArtifact(world);
    await ask(captureClaims(artifact, 'c', '1.00'));
    const of = { capture_id: 'c' };
    const byRival = await signOutcome(rival, outcomeClaims(artifact, of, 'failed', '1.00', { iss: 'rival' }));
    expect(await codeOf(byRival)).toBe('audience_mismatch');
    const unknown = outcomeClaims(artifact, { capture_id: 'other' }, 'failed', '1.00');
    expect(await codeOf(await signOutcome(world.domain.settler, unknown))).toBe('scope_mismatch');
    expect(await ask(voidClaims(artifact, 'v'))).toBe('granted');
  });
});

async function signedBy(signer: Signer, claims = {}): Promise<string> {
  return ask(captureClaims(await issueTestArtifact(world), 'c', '1.00', claims), signer);
}

function captureIn(currency: string, value: string): Promise<string> {
  return capture({}, value, { amount: { value, currency } });
}

function flip(signature: string): string {
  return `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
}

async function stolenKey(): Promise<string> {
  const artifact = await issueTestArtifact(world);
  const invented = { ...artifact, id: '00000000-0000-8000-8000-000000000001' };
  expect(await ask(captureClaims(invented, 'c', '1.00'))).toBe('artifact_not_issued');
  return ask(captureClaims({ ...artifact, hash: 'A'.repeat(43) }, 'c', '1.00')); // the same id with wider claims
}

async function conflict(): Promise<string> {
  const artifact = await issueTestArtifact(world);
  await ask(captureClaims(artifact, 'c', '1.00'));
  return ask(captureClaims(artifact, 'c', '2.00'));
}

async function revoked(): Promise<string> {
  const artifact = await issueTestArtifact(world, { mandate: 'revoked' });
  await inControlAct(world.database.pool, (act) =>
    revokeMandates(act, { mandateIds: [artifact.flowId], by: 'acme', reason: 'spec' }),
  );
  return ask(captureClaims(artifact, 'c', '1.00'));
}

async function brokenChain(): Promise<string> {
  const artifact = await issueTestArtifact(world, { mandate: 'broken' });
  await edit(`UPDATE mandates SET parent_hash = '${'B'.repeat(43)}' WHERE mandate_id = '${artifact.flowId}'`);
  return ask(captureClaims(artifact, 'c', '1.00'));
}

async function inState(mandate: string, state: string): Promise<string> {
  const artifact = await issueTestArtifact(world, { mandate });
  await edit(`UPDATE flows SET state = '${state}' WHERE flow_id = '${artifact.flowId}'`);
  return ask(captureClaims(artifact, 'c', '1.00'));
}

async function drifting(): Promise<string> {
  trust = { ...ALL_VERIFIED, drift: 'found' };
  try {
    return await capture();
  } finally {
    trust = ALL_VERIFIED;
  }
}

async function unbalanced(): Promise<string> {
  const artifact = await issueTestArtifact(world, { mandate: 'damaged' });
  await edit(`UPDATE budgets SET held = 0 WHERE mandate_id = '${artifact.flowId}'`);
  return ask(captureClaims(artifact, 'c', '1.00'));
}

async function withoutPolicy(): Promise<string> {
  const artifact = await issueTestArtifact(world);
  await edit('UPDATE policies SET active = false');
  try {
    return await ask(captureClaims(artifact, 'c', '1.00'));
  } finally {
    await edit('UPDATE policies SET active = true');
  }
}

/** The one stand-in here: an evaluator that breaks is not something a valid policy text can bring about. */
async function failingPolicy(): Promise<string> {
  const artifact = await issueTestArtifact(world);
  const get = gate.policies.get.bind(gate.policies);
  gate.policies.get = () => {
    throw new RangeError('evaluator failed');
  };
  try {
    return await ask(captureClaims(artifact, 'c', '1.00'));
  } finally {
    gate.policies.get = get;
  }
}

async function flood(): Promise<string> {
  const settings = { ...world.runtime.settings, SPENDGATE_PRESENTER_REQUESTS_PER_SECOND: 1 };
  const slow = createGateParts({ ...world.runtime, settings });
  const artifact = await issueTestArtifact(world);
  const tokens = await Promise.all(
    Array.from({ length: 12 }, (_, i) => signRequest(world.domain.settler, captureClaims(artifact, `f${i}`, '0.01'))),
  );
  const answers = await Promise.all(tokens.map((token) => slow.door.present(token)));
  await slow.events.stop();
  const refused = answers.find((answer) => answer.kind === 'refused');
  return refused?.kind === 'refused' ? refused.code : 'granted';
}
