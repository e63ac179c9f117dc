import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, type Signer, signToken } from '@spendgate/artifact';
import { AUTHORIZER_SETTINGS, AuthorizeBatch, RecordObservations, createAuthorizerParts } from '@spendgate/authorizer';
import { type ArtifactClaims, type AttestationResultClaims, sha256 } from '@spendgate/codec';
import { TOPICS } from '@spendgate/messaging';
import { GATE_SETTINGS, type GateParts, createGateParts } from '@spendgate/settlement-gate';
import { inControlAct, recordKeys, recordParties, revokeKey } from '@spendgate/store';
import {
  type IssuedTestArtifact,
  type TestRuntime,
  artifactOf,
  batchOf,
  captureClaims,
  intentClaims,
  mandateClaim,
  namedId,
  openTestRuntime,
  signIntent,
  signRequest,
  until,
} from '@spendgate/testing';

/** A new server may have to start first. */
const HOOK_MS = 60_000;
const GOOD = 'sha256:good';
const environment = { max_age_seconds: 600, measurements: [GOOD, 'sha256:also-good'] };
const AGENTS = ['absent', 'stale', 'aged', 'other', 'several', 'moved', 'debug', 'compromised', 'orphaned'];

let world: TestRuntime;
let authorize: AuthorizeBatch;
let observe: RecordObservations;
let gate: GateParts;
/** An attester whose key is revoked in one of the cases. */
let passing: Signer;
let [intents, observations] = [0n, 0n];

beforeAll(async () => {
  world = await openTestRuntime({ settings: { ...AUTHORIZER_SETTINGS, ...GATE_SETTINGS }, agents: AGENTS });
  await world.domain.mandates(AGENTS.map((agent) => mandateClaim(agent, { agent, environment })));
  passing = await enrolled('passing');
  const parts = createAuthorizerParts(world.runtime);
  [authorize, observe] = [new AuthorizeBatch(parts), new RecordObservations(parts)];
  gate = createGateParts(world.runtime);
}, HOOK_MS);
afterAll(async () => {
  await gate.events.stop();
  await world.close();
});

async function enrolled(partyId: string): Promise<Signer> {
  const signer = PrivateKeySigner.generate('attester');
  const { kid, alg, jwk } = signer;
  await inControlAct(world.database.pool, async (act) => {
    await recordParties(act, [{ kind: 'attester', id: partyId, name: partyId }]);
    await recordKeys(act, [{ kid, kind: 'attester', partyId, alg, jwk, activeFromMs: 0 }]);
  });
  return signer;
}

/** @param agoSeconds age of the result: of one agent the newest counts */
async function attest(
  agent: string,
  agoSeconds: number,
  change: Partial<AttestationResultClaims> = {},
  signer: Signer = world.domain.attester,
): Promise<void> {
  const iat = Math.floor(Date.now() / 1000) - agoSeconds;
  const token = await signToken(signer, 'attestation-result+jwt', {
    iss: 'attester',
    aud: world.domain.issuer,
    iat,
    exp: iat + 3_600,
    jti: `r-${observations}`,
    sub: agent,
    eat_nonce: 'abcdefghijk',
    ueid: 'abcdefghijkl',
    measurements: [GOOD],
    dbgstat: 'disabled',
    'ear.status': 'affirming',
    evidence_hash: sha256(agent).toString('base64url'),
    ...change,
  });
  const lane = await world.lane(TOPICS.observations);
  await observe.execute(batchOf(lane, [token], { topic: TOPICS.observations, firstOffset: observations++ }));
}

/** What an intent of the agent comes to, by the authorizer. */
async function ask(agent: string): Promise<{ readonly code: string; readonly artifact: IssuedTestArtifact | null }> {
  const change = { iss: agent, mandate: namedId(agent), capture: { mode: 'multi' as const, max_captures: 9 } };
  const token = await signIntent(world.domain.agent(agent), intentClaims(`i-${intents}`, Date.now(), change));
  const at = intents++;
  await authorize.execute(batchOf(await world.lane(TOPICS.paymentIntents), [token], { firstOffset: at }));
  const { rows } = await world.database.pool.query<{ code: string | null; claims: string | null }>(
    `SELECT d.code, a.claims FROM decisions d LEFT JOIN artifacts a USING (artifact_id) WHERE d.lane_offset = $1`,
    [at],
  );
  const [row] = rows;
  const claims = JSON.parse(row?.claims ?? 'null') as ArtifactClaims | null; // as: our own column
  return { code: row?.code ?? 'authorized', artifact: claims === null ? null : artifactOf(claims) };
}

let captures = 0;

/** What a capture of one dollar comes to, by the settlement gate. */
async function capture(artifact: IssuedTestArtifact | null): Promise<string> {
  if (artifact === null) throw new Error('the intent was authorized');
  const claims = captureClaims(artifact, `c-${(captures += 1)}`, '1.00');
  const answer = await gate.door.present(await signRequest(world.domain.settler, claims));
  return answer.kind === 'outcome' ? answer.state : (answer.code ?? 'granted');
}

type Change = () => Promise<unknown>;
/** What happens to a runtime after an artifact was issued on good evidence; newer by `iat` than that evidence. */
const CASES: readonly (readonly [string, string, string, Change])[] = [
  ['environment_unattested', 'the key of its attester is revoked', 'absent', () => inControlAct(world.database.pool, (act) => revokeKey(act, passing.kid))], // prettier-ignore
  [
    'environment_stale',
    'its attester vouches for nothing any more',
    'stale',
    () => attest('stale', 5, { 'ear.status': 'none' }),
  ],
  [
    'environment_integrity_failure',
    'another measurement',
    'other',
    () => attest('other', 5, { measurements: ['sha256:evil'] }),
  ],
  ['environment_integrity_failure', 'a measurement beside the good one', 'several', () => attest('several', 5, { measurements: [GOOD, 'sha256:evil'] })], // prettier-ignore
  ['runtime_integrity_failure', 'debug is on', 'debug', () => attest('debug', 5, { dbgstat: 'enabled' })],
  ['runtime_integrity_failure', 'a compromised runtime', 'compromised', () => attest('compromised', 5, { 'ear.status': 'contraindicated' })], // prettier-ignore
];

describe('the attested environment, at both gates through the real services', () => {
  it.each(CASES)('A24, B12: %s at capture and at the next intent: %s', async (code, _what, agent, change) => {
    await (agent === 'absent' ? attest(agent, 100, { iss: 'passing' }, passing) : attest(agent, 100));
    const { code: granted, artifact } = await ask(agent);
    expect([granted, await capture(artifact)]).toEqual(['authorized', 'granted']);
    const { env } = artifact?.claims ?? {};
    expect(env).toMatchObject({ measurement: GOOD, evidence_hash: sha256(agent).toString('base64url') });
    await change();
    expect(await capture(artifact)).toBe(code);
    expect((await ask(agent)).code).toBe(code);
  });

  it('A24: environment_stale at capture and at the next intent, from the instant of exp on', async () => {
    const iat = Math.floor(Date.now() / 1000) - 10;
    const exp = iat + 12;
    await attest('aged', 10, { iat, exp });
    const { artifact } = await ask('aged');
    expect(artifact?.claims).toMatchObject({ exp, env: { valid_until: exp } }); // no longer than its evidence
    await until('the evidence is over', () => Promise.resolve(Date.now() > exp * 1000 + 50));
    expect([await capture(artifact), (await ask('aged')).code]).toEqual(['environment_stale', 'environment_stale']);
    await attest('aged', 0);
    expect((await ask('aged')).code).toBe('authorized'); // it heals by itself
  });

  it('A24: a runtime that moves to another reference value is not the one the artifact was issued to', async () => {
    await attest('moved', 100);
    const { artifact } = await ask('moved');
    await attest('moved', 5, { measurements: ['sha256:also-good'] });
    expect([await capture(artifact), (await ask('moved')).code]).toEqual([
      'environment_integrity_failure',
      'authorized',
    ]);
  });

  it("A24: bad news outlives its attester's key, until another attester's newer word", async () => {
    const leaving = await enrolled('leaving');
    await attest('orphaned', 100);
    const { artifact } = await ask('orphaned');
    await attest('orphaned', 50, { iss: 'leaving', 'ear.status': 'contraindicated' }, leaving);
    await inControlAct(world.database.pool, (act) => revokeKey(act, leaving.kid));
    const codes = async () => [await capture(artifact), (await ask('orphaned')).code];
    expect(await codes()).toEqual(['runtime_integrity_failure', 'runtime_integrity_failure']);
    await attest('orphaned', 60); // older than the bad news
    expect((await ask('orphaned')).code).toBe('runtime_integrity_failure');
    await attest('orphaned', 5);
    // The runtime is trusted again; that it was not has contained the flow, which waits for people.
    expect((await ask('orphaned')).code).toBe('flow_contained');
  });
});
