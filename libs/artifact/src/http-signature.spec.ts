import { describe, expect, it } from '@jest/globals';
import { createSigner, createVerifier, httpbis } from 'http-message-signatures';
import { createPrivateKey } from 'node:crypto';
import { signHttpRequest, verifyHttpSignature } from './http-signature.js';
import type { KeyOwner } from './public-key.js';
import { nodePublicKey, parsePublicKey } from './public-key.js';
import { PrivateKeySigner } from './sign.js';

const signer = PrivateKeySigner.generate('agent');
const es256 = PrivateKeySigner.generate('settlement', 'ES256');
const target = { method: 'GET', targetUri: 'https://spendgate.example/v1/decisions/7?full=1' };
const AT_MS = 1_700_000_000_000;

function keysOf(...signers: PrivateKeySigner[]) {
  return ownedKeys({}, ...signers);
}
function ownedKeys(owner: KeyOwner, ...signers: PrivateKeySigner[]) {
  const keys = signers
    .map(({ jwk }) => parsePublicKey(jwk, owner))
    .flatMap((parsed) => (parsed.ok ? [parsed.key] : []));
  return (kid: string) => keys.find((key) => key.kid === kid);
}

describe('a signed read (RFC 9421)', () => {
  it.each([
    ['Ed25519', signer],
    ['ES256', es256],
  ])('verifies as signed: %s', async (_alg, by) => {
    const headers = await signHttpRequest(target, by, AT_MS);
    expect(await verifyHttpSignature(target, headers, { keys: keysOf(by), atMs: AT_MS })).toMatchObject({
      ok: true,
      key: { kid: by.kid },
    });
  });

  it('verifies in another implementation, and that one here', async () => {
    const url = target.targetUri;
    const ours = await signHttpRequest(target, signer, Date.now());
    const verifier = createVerifier(nodePublicKey(signer.jwk), 'ed25519');
    const keyLookup = () => Promise.resolve({ id: signer.kid, algs: ['ed25519' as const], verify: verifier });
    expect(await httpbis.verifyMessage({ keyLookup }, { method: 'GET', url, headers: { ...ours } })).toBe(true);

    const privateKey = createPrivateKey({ key: { ...signer.toPrivateJwk() }, format: 'jwk' });
    const theirs = await httpbis.signMessage(
      {
        key: createSigner(privateKey, 'ed25519', signer.kid),
        fields: ['@target-uri', '@method'],
        params: ['created', 'keyid'],
      },
      { method: 'GET', url, headers: {} },
    );
    const headers = { 'signature-input': header(theirs, 'Signature-Input'), signature: header(theirs, 'Signature') };
    expect(await verifyHttpSignature(target, headers, { keys: keysOf(signer), atMs: Date.now() })).toMatchObject({
      ok: true,
    });
  });

  it.each([
    ['at its 60th second', 60_000, true],
    ['a millisecond later', 60_001, false],
    ['60 seconds early', -60_000, true],
    ['earlier', -60_001, false],
  ])('is taken or refused by its age: %s', async (_case, ageMs, ok) => {
    const headers = await signHttpRequest(target, signer, AT_MS);
    expect(await verifyHttpSignature(target, headers, { keys: keysOf(signer), atMs: AT_MS + ageMs })).toMatchObject(
      ok ? { ok } : { ok, code: 'signature_invalid', field: 'created' },
    );
  });

  it.each([
    ['the method', { method: 'POST' }],
    ['the query', { targetUri: 'https://spendgate.example/v1/decisions/7?full=2' }],
    ['the host', { targetUri: 'https://other.example/v1/decisions/7?full=1' }],
  ])('is invalid for another request: %s', async (_part, change) => {
    const headers = await signHttpRequest(target, signer, AT_MS);
    const verdict = await verifyHttpSignature({ ...target, ...change }, headers, { keys: keysOf(signer), atMs: AT_MS });
    expect(verdict).toEqual({ ok: false, code: 'signature_invalid', field: 'signature' });
  });

  it.each([
    ['malformed', 'no header', () => ''],
    ['malformed', 'only the method covered', (input: string) => input.replace(' "@target-uri"', '')],
    ['malformed', 'a component covered twice', (input: string) => input.replace('"@target-uri"', '"@method"')],
    [
      'malformed',
      'a header covered that is not ours to see',
      (input: string) => input.replace('"@target-uri"', '"@target-uri" "host"'),
    ],
    ['malformed', 'a component of another message', (input: string) => input.replace('"@method"', '"@method";req')],
    ['malformed', 'no created', (input: string) => input.replace(/;created=\d+/, '')],
    ['malformed', 'created with a fraction', (input: string) => input.replace(/(;created=\d+)/, '$1.5')],
    ['malformed', 'no keyid', (input: string) => input.replace(/;keyid="[^"]*"/, '')],
    ['malformed', 'two signatures', (input: string) => `${input}, sig2=${input.slice(5)}`],
    ['malformed', 'a megabyte', (input: string) => input + ' '.repeat(2 ** 20)],
    ['algorithm_forbidden', 'hmac', (input: string) => input.replace('"ed25519"', '"hmac-sha256"')],
    [
      'algorithm_forbidden',
      'an algorithm the key does not have',
      (input: string) => input.replace('"ed25519"', '"ecdsa-p256-sha256"'),
    ],
    [
      'key_unknown',
      'a kid that is a path',
      (input: string) => input.replace(/keyid="[^"]*"/, 'keyid="../../keys/artifact"'),
    ],
    ['signature_invalid', 'a later created', (input: string) => input.replace(/created=(\d+)/, 'created=1700000001')],
    ['signature_invalid', 'an expiry in the past', (input: string) => `${input};expires=1699999999`],
  ])('is %s with %s', async (code, _because, change) => {
    const headers = await signHttpRequest(target, signer, AT_MS);
    const changed = { ...headers, 'signature-input': change(headers['signature-input']) };
    expect(await verifyHttpSignature(target, changed, { keys: keysOf(signer), atMs: AT_MS })).toMatchObject({
      ok: false,
      code,
    });
  });

  it('is refused without headers, and with a key that is retired or not yet active', async () => {
    const headers = await signHttpRequest(target, signer, AT_MS);
    expect(await verifyHttpSignature(target, {}, { keys: keysOf(signer), atMs: AT_MS })).toMatchObject({
      code: 'malformed',
    });
    for (const owner of [{ retiredAtMs: AT_MS }, { activeFromMs: AT_MS + 1 }]) {
      const keys = ownedKeys(owner, signer);
      expect(await verifyHttpSignature(target, headers, { keys, atMs: AT_MS })).toMatchObject({ code: 'key_retired' });
    }
  });
});

function header(message: { headers: Record<string, string | string[]> }, name: string): string {
  const value = message.headers[name] ?? message.headers[name.toLowerCase()];
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}
