import { describe, expect, it } from '@jest/globals';
import {
  KeySet,
  PrivateKeySigner,
  StatusList,
  exportKeySet,
  parseKeySet,
  parsePublicKey,
  signToken,
} from '@spendgate/artifact';
import type { KeyOwner, StatusName } from '@spendgate/artifact';
import { encodeLeaf, hashJsonText, sha256 } from '@spendgate/codec';
import { CHECK_NAMES } from './artifact-report.js';
import type { ArtifactVerification, InclusionEvidence } from './artifact-report.js';
import { verifyArtifact } from './verify-artifact.js';

const ISSUER = 'urn:spendgate:demo';
const IAT = 1_700_000_000;
const AT_MS = (IAT + 60) * 1000;
const LIST = 'https://spend.example/status/0/0';
const HASH = hashJsonText('anything');
const FLOW = '0b5e2a1c-0000-4000-8000-000000000001';

const claims = {
  iss: ISSUER,
  aud: 'settler-a',
  iat: IAT,
  nbf: IAT,
  exp: IAT + 600,
  jti: '0b5e2a1c-0000-8000-8000-000000000009',
  sub: 'agent-a',
  cnf: { jkt: HASH },
  act: { sub: 'agent-a', act: { sub: 'acme' } },
  authorization_details: [
    {
      type: 'machine_commerce_payment',
      actions: ['capture', 'void', 'refund'],
      amount: { value: '12.50', currency: 'USD' },
      counterparty: { id: 'merchant-a' },
      capture: { mode: 'single', max_captures: 1, settle_by: IAT + 3_600 },
      reference: 'order-1',
    },
  ],
  flow: { id: FLOW, epoch: 1, mandate: FLOW, baseline_hash: HASH },
  policy: { id: 'default', version: 1, set_hash: HASH, hash: HASH, decision_hash: HASH },
  env: { measurement: 'sha256:aa', evidence_hash: HASH, verifier: 'attester-a', valid_until: IAT + 300 },
  lineage: { root: '0b5e2a1c-0000-4000-8000-000000000000', parent: FLOW, parent_hash: HASH, depth: 2 },
  status: { status_list: { idx: 5, uri: LIST } },
};
type Claims = Record<string, unknown>;

const artifactKey = PrivateKeySigner.generate('artifact');
const statusKey = PrivateKeySigner.generate('status');
function keySet(change: KeyOwner = {}, ...more: PrivateKeySigner[]): KeySet {
  const parsed = [artifactKey, statusKey, ...more].map((signer) =>
    parsePublicKey(signer.jwk, { purpose: signer.purpose, party: ISSUER, ...(signer === artifactKey && change) }),
  );
  return new KeySet(parsed.flatMap((each) => (each.ok ? [each.key] : [])));
}

const sign = (change: Claims = {}, signer = artifactKey): Promise<string> =>
  signToken(signer, 'authorization-artifact+jwt', { ...claims, ...change });
function statusList(status: StatusName, change: Claims = {}, signer = statusKey): Promise<string> {
  const list = StatusList.ofSize(16);
  list.set(5, status);
  return signToken(signer, 'statuslist+jwt', {
    iss: ISSUER,
    aud: ISSUER,
    iat: IAT + 30,
    exp: IAT + 90,
    jti: '0b5e2a1c-0000-4000-8000-00000000000a',
    sub: LIST,
    ttl: 60,
    status_list: list.encode(),
    ...change,
  });
}
async function report(change: Partial<ArtifactVerification> = {}, artifactChange: Claims = {}) {
  const artifact = change.artifact ?? (await sign(artifactChange));
  return verifyArtifact({ keys: keySet(), atMs: AT_MS, statusList: await statusList('valid'), ...change, artifact });
}
/** Names of the failed checks, and the code reported. */
async function failures(change: Partial<ArtifactVerification> = {}, artifactChange: Claims = {}) {
  const { code, checks } = await report(change, artifactChange);
  return [code, ...checks.filter(({ ok }) => !ok).map(({ name }) => name)];
}

describe('offline verification', () => {
  it('A27-A34: reports eight named checks, all passed for a good artifact', async () => {
    const { valid, code, checks } = await report();
    expect({ valid, code }).toEqual({ valid: true, code: null });
    expect(checks.map(({ name, ok }) => [name, ok])).toEqual(CHECK_NAMES.map((name) => [name, true]));
    expect(checks.every(({ detail }) => detail.length > 0)).toBe(true);
  });
  it('B13: needs nothing but the artifact, the published key set and a status list', async () => {
    const published: unknown = JSON.parse(JSON.stringify(exportKeySet(keySet().all())));
    const keys = parseKeySet(published);
    if (!keys.ok) throw new Error(keys.detail);
    expect(await report({ keys: keys.keys })).toMatchObject({ valid: true, code: null });
  });

  it('A27, A19: fails the signature when a bit is changed, the key is another, or none is known', async () => {
    const [header, , signature] = (await sign()).split('.');
    const other = Buffer.from(JSON.stringify({ ...claims, aud: 'settler-b' })).toString('base64url');
    expect(await failures({ artifact: `${header}.${other}.${signature}` })).toEqual([
      'signature_invalid',
      'signature',
      'origin',
    ]);
    expect(await failures({ keys: new KeySet([]) })).toEqual([
      'key_unknown',
      'signature',
      'origin',
      'revocation_state',
    ]);
  });
  it('A27: fails the signature of a key for another purpose, and of one retired at the time of issue', async () => {
    expect(await failures({ keys: keySet({ purpose: 'status' }) })).toMatchObject([
      'key_unknown',
      'signature',
      'origin',
    ]);
    const retired = { keys: keySet({ retiredAtMs: IAT * 1000 }) };
    expect(await failures(retired)).toEqual(['key_retired', 'signature', 'origin']);
    expect(await failures({ keys: keySet({ retiredAtMs: IAT * 1000 + 1 }) })).toEqual([null]);
  });

  const without = (name: string): Claims => ({ [name]: undefined });
  it.each([
    'iss',
    'aud',
    'iat',
    'nbf',
    'exp',
    'jti',
    'sub',
    'cnf',
    'act',
    'authorization_details',
    'flow',
    'policy',
    'env',
    'lineage',
    'status',
  ])('A1-A10, A28: is malformed without the claim %s', async (name) => {
    const { valid, code, checks } = await report({}, without(name));
    expect({ valid, code }).toEqual({ valid: false, code: 'malformed' });
    expect(checks.find((check) => check.name === 'scope_integrity')?.detail).toContain(name);
  });
  const detail = (change: Claims): Claims => ({
    authorization_details: [{ ...claims.authorization_details[0], ...change }],
  });
  it.each([
    ['unknown_field', 'a claim nobody knows in it', detail({ discount: '1.00' })],
    ['malformed', 'an amount as a number', detail({ amount: { value: 12.5, currency: 'USD' } })],
    ['amount_invalid', 'an amount in another spelling', detail({ amount: { value: '012.50', currency: 'USD' } })],
    [
      'currency_precision',
      'an amount finer than its currency',
      detail({ amount: { value: '12.505', currency: 'USD' } }),
    ],
    ['currency_unsupported', 'a currency nobody knows', detail({ amount: { value: '12.50', currency: 'ZZZ' } })],
  ])('A28: fails scope integrity with %s for %s', async (code, _because, change) => {
    const [reported, ...failed] = await failures({}, change);
    expect(reported).toBe(code);
    expect(failed).toContain('scope_integrity');
  });

  it.each([
    ['artifact_not_yet_valid', 'a millisecond before nbf', IAT * 1000 - 1],
    [null, 'at nbf', IAT * 1000],
    [null, 'a millisecond before exp', (IAT + 600) * 1000 - 1],
    ['artifact_expired', 'at the expiry instant itself (RFC 7519 §4.1.4)', (IAT + 600) * 1000],
    ['artifact_expired', 'at a time that is no number', Number.NaN],
  ])('A20, A29: is %s %s', async (code, _when, atMs) => {
    const env = { measurement: null, evidence_hash: null, verifier: null, valid_until: null };
    expect(await failures({ atMs, statusList: undefined }, { env })).toEqual(
      code === null ? [null] : [code, 'temporal_validity'],
    );
  });

  it('A30: fails the environment when its attestation has ended, and says when none is required', async () => {
    const env = { ...claims.env, valid_until: IAT + 60 };
    expect(await failures({}, { env })).toEqual(['environment_stale', 'environment_binding']);
    expect(await failures({}, { env: { ...env, valid_until: IAT + 61 } })).toEqual([null]);
    const none = { measurement: null, evidence_hash: null, verifier: null, valid_until: null };
    expect(await failures({}, { env: none })).toEqual([null]);
    const [half] = await failures({}, { env: { ...none, verifier: 'attester-a' } });
    expect(half).toBe('malformed');
  });

  it('A21, A31: fails the policy hash when another slice is in force, whatever the set says', async () => {
    const other = hashJsonText('other');
    expect(await failures({ policy: { hash: HASH } })).toEqual([null]);
    expect(await failures({ policy: { hash: HASH, setHash: other } })).toEqual([null]);
    expect(await failures({ policy: { hash: other } })).toEqual(['policy_mismatch', 'policy_hash']);
    expect(await failures({ policy: { setHash: other } })).toEqual(['policy_mismatch', 'policy_hash']);
  });

  it("A32: fails the origin when the key is another domain's", async () => {
    expect(await failures({ keys: keySet({ party: 'urn:spendgate:other' }) })).toEqual(['issuer_unknown', 'origin']);
    expect(await failures({ statusList: undefined }, { iss: 'urn:spendgate:other' })).toEqual([
      'issuer_unknown',
      'origin',
    ]);
  });

  it.each([
    ['artifact_revoked', 'revoked'],
    ['artifact_suspended', 'suspended'],
  ] as const)('A23, A33: is %s when the list says so', async (code, status) => {
    expect(await failures({ statusList: await statusList(status) })).toEqual([code, 'revocation_state']);
  });
  it.each([
    ['past its exp', { exp: IAT + 60 }],
    ['a copy at the end of its ttl, though not of its exp (Token Status List §5.1)', { iat: IAT + 30, ttl: 30 }],
    ['a copy older than a minute, whatever ttl it claims', { iat: IAT, ttl: 3_600, exp: IAT + 3_600 }],
    ['of another address', { sub: 'https://spend.example/status/0/1' }],
    ['of another domain', { iss: 'urn:spendgate:other' }],
    ['too short', { status_list: StatusList.ofSize(4).encode() }],
    ['not a list', { status_list: { bits: 2, lst: 'AAAA' } }],
  ])('A33: is trust_unverifiable when the status list is %s', async (_case, change) => {
    expect(await failures({ statusList: await statusList('valid', change) })).toEqual([
      'trust_unverifiable',
      'revocation_state',
    ]);
  });
  it('A33: trusts a copy of the list until the last millisecond of its ttl', async () => {
    const list = await statusList('valid', { iat: IAT, ttl: 60, exp: IAT + 3_600 });
    expect(await failures({ statusList: list, atMs: AT_MS - 1 })).toEqual([null]);
    expect(await failures({ statusList: list, atMs: AT_MS })).toEqual(['trust_unverifiable', 'revocation_state']);
  });
  it('A33: is trust_unverifiable when the status list is signed by the artifact key, or is not one', async () => {
    const forged = await statusList('valid', {}, artifactKey);
    expect(await failures({ statusList: forged })).toEqual(['trust_unverifiable', 'revocation_state']);
    expect(await failures({ statusList: await sign() })).toEqual(['trust_unverifiable', 'revocation_state']);
  });
  it('A33: says when nobody asked, and denies then where everything is required', async () => {
    const { valid, checks } = await report({ statusList: undefined });
    expect(valid).toBe(true);
    expect(checks.find(({ name }) => name === 'revocation_state')?.detail).toBe('not asked: no status list was given');
    const required = { statusList: undefined, requireAll: true };
    expect(await failures(required)).toEqual(['trust_unverifiable', 'origin', 'revocation_state']);
  });

  it.each([
    ['the parent is not the flow’s mandate', { lineage: { ...claims.lineage, parent: claims.lineage.root, depth: 0 } }],
    ['depth 0 is not the root', { lineage: { ...claims.lineage, depth: 0 } }],
    ['the root has a depth', { lineage: { ...claims.lineage, root: FLOW } }],
    ['the flow is not its mandate', { flow: { ...claims.flow, id: claims.lineage.root } }],
  ])('A34: fails the lineage when %s', async (_because, change) => {
    expect(await failures({}, change)).toEqual(['lineage_fragmented', 'lineage']);
  });

  it.each(['', 'x', '..', 'a.b.c', '{}', '\u0000', 'é', `${'A'.repeat(300_000)}.AA.AA`])(
    'A19: says no and never throws for garbage: %#',
    async (artifact) => {
      const { valid, code, checks } = await report({ artifact });
      expect([valid, checks.length, checks.some(({ ok }) => ok)]).toEqual([false, 8, false]);
      expect(code).not.toBeNull();
    },
  );
});

describe('an inclusion proof as origin', () => {
  const payload = { artifact: { id: claims.jti, hash: hashJsonText(claims) } };
  function evidence(domain = ISSUER, content: unknown = payload): InclusionEvidence {
    const salt = Buffer.alloc(32, 7);
    const leaf = encodeLeaf({ domain, type: 'decision_authorized', timeMs: AT_MS, payload: content, salt, causes: [] });
    const sibling = sha256('another leaf');
    const root = sha256(Buffer.concat([Buffer.of(1), leaf.leafHash, sibling]));
    return {
      leaf: leaf.leaf,
      payload: leaf.payload,
      salt: salt.toString('base64url'),
      leafIndex: 0,
      treeSize: 2,
      root: root.toString('base64url'),
      proof: [sibling.toString('base64url')],
    };
  }
  it('A32: is proven by a leaf that names these very claims', async () => {
    expect(await failures({ inclusion: evidence(), requireAll: true })).toEqual([null]);
  });
  it.each([
    ['the proof leads elsewhere', { ...evidence(), leafIndex: 1 }],
    ['the payload is not the committed one', { ...evidence(), payload: JSON.stringify({ artifact: {} }) }],
    ['the salt is not the committed one', { ...evidence(), salt: Buffer.alloc(32, 8).toString('base64url') }],
    ['the salt is no salt', { ...evidence(), salt: 'AA' }],
    ['the leaf is about other claims', evidence(ISSUER, { artifact: { id: claims.jti, hash: HASH } })],
    ['the leaf is about another artifact', evidence(ISSUER, { artifact: { id: FLOW, hash: hashJsonText(claims) } })],
  ])('A32: is artifact_not_issued when %s', async (_because, inclusion) => {
    expect(await failures({ inclusion })).toEqual(['artifact_not_issued', 'origin']);
  });
  it('A32: is issuer_unknown when the leaf is of another domain', async () => {
    expect(await failures({ inclusion: evidence('urn:spendgate:other') })).toEqual(['issuer_unknown', 'origin']);
  });
});
