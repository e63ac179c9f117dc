import fs from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, signToken } from '@spendgate/artifact';
import { sha256 } from '@spendgate/codec';
import { verifyConsistencyCase, verifyInclusionCase, verifyJwsCase } from './verify-cases.js';

interface Vector {
  name: string;
  jws: string;
  key: Record<string, string>;
}
const file = new URL('../../../test/conformance/data/jose-cookbook/jws.json', import.meta.url);
const vectors = JSON.parse(fs.readFileSync(file, 'utf8')) as Vector[]; // as: our own file

describe('the JOSE cookbook', () => {
  const expected: Record<string, string | null> = {
    'RFC 8037 A.4, EdDSA': null,
    'RFC 7797 4.2, HS256 with an unencoded payload': 'malformed', // its payload is no base64url: form comes first
  };
  it.each(vectors)(
    'A19: verifies its Ed25519 signature and forbids its other algorithms: $name',
    async ({ name, jws, key }) => {
      const code = name in expected ? expected[name] : 'algorithm_forbidden';
      expect(await verifyJwsCase({ jws, keys: { keys: [key] } })).toEqual({ valid: code === null, code });
    },
  );
  it('A19: does not verify its Ed25519 signature with one bit changed', async () => {
    const [vector] = vectors;
    const jws = vector?.jws.replace('.RXhh', '.RXhi');
    expect(await verifyJwsCase({ jws, keys: { keys: [vector?.key] } })).toEqual({
      valid: false,
      code: 'signature_invalid',
    });
  });
});

describe('a JWS case', () => {
  const signer = PrivateKeySigner.generate('agent', 'ES256');
  const sign = (): Promise<string> => signToken(signer, 'JWT', { any: 'claims' });

  it('verifies whatever the key set calls the key, also beside keys of other kinds', async () => {
    const keys = [
      { kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: signer.kid },
      { ...signer.jwk, kid: signer.kid, alg: 'ES256' },
    ];
    expect(await verifyJwsCase({ jws: await sign(), keys: { keys } })).toEqual({ valid: true, code: null });
  });
  it('tries each key that fits when two have one kid', async () => {
    const other = PrivateKeySigner.generate('agent', 'ES256');
    const keys = [other, signer].map(({ jwk }) => ({ ...jwk, kid: signer.kid }));
    expect(await verifyJwsCase({ jws: await sign(), keys: { keys } })).toEqual({ valid: true, code: null });
  });
  it.each([
    ['key_unknown', 'no key', () => ({ keys: { keys: [] } })],
    ['key_unknown', 'another kid', () => ({ keys: { keys: [PrivateKeySigner.generate('agent').jwk] } })],
    [
      'algorithm_forbidden',
      'a key of another algorithm',
      () => ({ keys: { keys: [{ ...PrivateKeySigner.generate('agent').jwk, kid: signer.kid }] } }),
    ],
    [
      'signature_invalid',
      'another key under its kid',
      () => ({ keys: { keys: [{ ...PrivateKeySigner.generate('agent', 'ES256').jwk, kid: signer.kid }] } }),
    ],
    ['key_unknown', 'a key meant for encryption', () => ({ keys: { keys: [{ ...signer.jwk, use: 'enc' }] } })],
    ['key_unknown', 'keys that are no set', () => ({ keys: 'none' })],
    ['malformed', 'no jws', () => ({ jws: 17 })],
    ['malformed', 'the JSON serialization', () => ({ jws: '{"payload":"","signature":""}' })],
  ])('is %s with %s', async (code, _because, change) => {
    expect(await verifyJwsCase({ jws: await sign(), keys: { keys: [signer.jwk] }, ...change() })).toEqual({
      valid: false,
      code,
    });
  });
  it('A19: is key_unknown under a small-order key, whose signatures fit many messages', async () => {
    const header = Buffer.from('{"alg":"EdDSA"}').toString('base64url');
    const neutral = Buffer.alloc(32);
    neutral[0] = 1;
    const jws = `${header}.AAAA.${Buffer.concat([neutral, Buffer.alloc(32)]).toString('base64url')}`;
    const key = { kty: 'OKP', crv: 'Ed25519', x: neutral.toString('base64url') };
    expect(await verifyJwsCase({ jws, keys: { keys: [key] } })).toEqual({ valid: false, code: 'key_unknown' });
  });
  it.each([null, undefined, 7, 'text', [], {}])('never throws, and is not valid, for %j', async (input) => {
    expect(await verifyJwsCase(input)).toMatchObject({ valid: false });
    expect(verifyInclusionCase(input)).toMatchObject({ valid: false });
    expect(verifyConsistencyCase(input)).toMatchObject({ valid: false });
  });
});

describe('a proof case', () => {
  // RFC 9162 §2.1: the tree of two leaves.
  const leaves = ['a', 'b'].map((text) => sha256(Buffer.concat([Buffer.of(0), Buffer.from(text)])));
  const [a = Buffer.alloc(0), b = Buffer.alloc(0)] = leaves;
  const root = sha256(Buffer.concat([Buffer.of(1), a, b]));

  it.each(['base64', 'base64url', 'hex'] as const)('takes hashes in %s', (encoding) => {
    const [leaf_hash, other, top] = [a, b, root].map((hash) => hash.toString(encoding));
    const inclusion = { leaf_index: 0, tree_size: 2, leaf_hash, root: top, proof: [other] };
    expect(verifyInclusionCase(inclusion)).toEqual({ valid: true, code: null });
    expect(verifyInclusionCase({ ...inclusion, leaf_index: 1 })).toEqual({ valid: false, code: 'root_mismatch' });
    const consistency = { size1: 1, size2: 2, root1: leaf_hash, root2: top, proof: [other] };
    expect(verifyConsistencyCase(consistency)).toEqual({ valid: true, code: null });
    expect(verifyConsistencyCase({ ...consistency, root1: other })).toMatchObject({ valid: false });
  });
  it('takes a missing list for none where no hash is needed', () => {
    const hash = a.toString('base64');
    const alone = { leaf_index: 0, tree_size: 1, leaf_hash: hash, root: hash, proof: null };
    expect(verifyInclusionCase(alone)).toEqual({ valid: true, code: null });
  });
  it.each([
    ['a hash of 31 bytes', { leaf_hash: Buffer.alloc(31).toString('base64') }],
    ['a size that is no number', { tree_size: '2x' }],
    ['a size with a fraction', { tree_size: 2.5 }],
    ['a negative index', { leaf_index: -1 }],
    ['a proof that is no list', { proof: 'AAAA' }],
  ])('is proof_malformed with %s', (_case, change) => {
    const [leaf_hash, other, top] = [a, b, root].map((hash) => hash.toString('base64'));
    const given = { leaf_index: 0, tree_size: 2, leaf_hash, root: top, proof: [other], ...change };
    expect(verifyInclusionCase(given)).toEqual({ valid: false, code: 'proof_malformed' });
  });
});
