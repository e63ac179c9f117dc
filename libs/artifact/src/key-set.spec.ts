import { describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint } from 'jose';
import { exportKeySet, parseKeySet } from './key-set.js';
import { parsePublicKey, thumbprint } from './public-key.js';
import { PrivateKeySigner } from './sign.js';

const ed25519 = PrivateKeySigner.generate('agent');
const p256 = PrivateKeySigner.generate('settlement', 'ES256');

describe('a public key', () => {
  it.each([
    ['Ed25519', ed25519.jwk],
    ['P-256', p256.jwk],
  ])('has as its id the RFC 7638 thumbprint jose computes: %s', async (_crv, jwk) => {
    expect(thumbprint(jwk)).toBe(await calculateJwkThumbprint({ ...jwk }));
  });
  it('has the thumbprint of RFC 8037 A.3', () => {
    const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
    expect(thumbprint({ kty: 'OKP', crv: 'Ed25519', x })).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  });
  it('answers to both names of Ed25519, or to the one its alg says', () => {
    expect(parsePublicKey(ed25519.jwk)).toMatchObject({ key: { algorithms: ['EdDSA', 'Ed25519'] } });
    expect(parsePublicKey({ ...ed25519.jwk, alg: 'Ed25519' })).toMatchObject({ key: { algorithms: ['Ed25519'] } });
  });

  const other = PrivateKeySigner.generate('agent').jwk;
  it.each([
    ['jwk_malformed', 'is a text', '{}'],
    ['jwk_malformed', 'has no kty', { crv: 'Ed25519' }],
    ['jwk_malformed', 'pads its base64url', { ...ed25519.jwk, x: `${ed25519.jwk.x}=` }],
    ['jwk_malformed', 'has a second spelling of its last character', { ...ed25519.jwk, x: respell(ed25519.jwk.x) }],
    ['jwk_malformed', 'lacks y', { ...p256.jwk, y: undefined }],
    ['private_member', 'carries d', ed25519.toPrivateJwk()],
    ['private_member', 'is symmetric', { kty: 'oct', k: 'AAAA' }],
    ['key_unsupported', 'is RSA', { kty: 'RSA', n: 'AQAB', e: 'AQAB' }],
    ['key_unsupported', 'is X25519', { ...ed25519.jwk, crv: 'X25519' }],
    ['alg_mismatch', 'is Ed25519 and says ES256', { ...ed25519.jwk, alg: 'ES256' }],
    ['alg_mismatch', 'is P-256 and says EdDSA', { ...p256.jwk, alg: 'EdDSA' }],
    ['alg_mismatch', 'is for encryption', { ...ed25519.jwk, use: 'enc' }],
    ['alg_mismatch', 'is not for verifying', { ...ed25519.jwk, key_ops: ['encrypt'] }],
    ['kid_mismatch', 'has another id than its thumbprint', { ...ed25519.jwk, kid: '../../etc/passwd' }],
    ['kid_mismatch', 'has the id of another key', { ...ed25519.jwk, kid: thumbprint(other) }],
    ['weak_key', 'is the neutral point', { ...ed25519.jwk, x: 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }],
    ['point_invalid', 'is not on the curve', { ...p256.jwk, y: p256.jwk.x }],
  ])('A19: is refused with %s when it %s', (problem, _because, jwk) => {
    expect(parsePublicKey(jwk)).toMatchObject({ ok: false, problem });
  });
});

describe('a key set', () => {
  it('B13: comes back from its published form as it went, with owner, purpose and times', () => {
    const key = parsePublicKey(ed25519.jwk, {
      purpose: 'artifact',
      party: 'urn:spendgate:demo',
      activeFromMs: 1_700_000_000_000,
      retiredAtMs: 1_800_000_000_000,
    });
    if (!key.ok) throw new Error(key.detail);
    const published = exportKeySet([key.key]);
    const back = parseKeySet(JSON.parse(JSON.stringify(published)));
    expect(back).toMatchObject({ ok: true });
    expect(back.ok && back.keys.all()).toEqual([{ ...key.key, algorithms: ['EdDSA'] }]);
    expect(JSON.stringify(published)).not.toContain('"d"');
  });
  it('skips keys of kinds we do not use (RFC 7517 §5)', () => {
    const set = parseKeySet({ keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }, ed25519.jwk] });
    expect(set.ok && set.keys.all().map(({ kid }) => kid)).toEqual([ed25519.kid]);
  });
  it.each([
    ['key_duplicate', 'lists a key twice', { keys: [ed25519.jwk, { ...ed25519.jwk, alg: 'EdDSA' }] }],
    ['private_member', 'gives away a private key', { keys: [p256.jwk, ed25519.toPrivateJwk()] }],
    ['jwk_malformed', 'is an array', [ed25519.jwk]],
    ['jwk_malformed', 'names a purpose nobody has', { keys: [{ ...ed25519.jwk, purpose: 'everything' }] }],
    ['jwk_malformed', 'has a time as text', { keys: [{ ...ed25519.jwk, exp: '1' }] }],
  ])('is refused whole with %s when it %s', (problem, _because, set) => {
    expect(parseKeySet(set)).toMatchObject({ ok: false, problem });
  });
  it('finds nothing by the name of a property every object has', () => {
    const set = parseKeySet({ keys: [ed25519.jwk] });
    for (const kid of ['__proto__', 'constructor', 'toString']) {
      expect(set.ok && set.keys.find(kid)).toBeUndefined();
    }
  });
});

/** 43 characters carry 258 bits for 256: the last character has four spellings, one of them canonical. */
function respell(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return text.slice(0, -1) + (alphabet[alphabet.indexOf(text.slice(-1)) + 1] ?? '');
}
