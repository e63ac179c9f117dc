import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { canonicalize, splitCompact } from '@spendgate/codec';
import { KeySet } from './key-set.js';
import { nodePublicKey, parsePublicKey } from './public-key.js';
import type { KeyOwner } from './public-key.js';
import { PrivateKeySigner, signToken } from './sign.js';
import { verifyToken } from './verify.js';
import { verifyCompactBatch } from './verify-compact.js';

const TYP = 'payment-intent+jwt';
const IAT = 1_700_000_000;
const AT_MS = IAT * 1000;
const claims = {
  iss: 'agent-a',
  aud: 'urn:spendgate:demo',
  iat: IAT,
  exp: IAT + 600,
  jti: 'order-1',
  mandate: '0b5e2a1c-0000-4000-8000-000000000001',
  amount: { value: '12.50', currency: 'USD' },
  counterparty: 'merchant-a',
  audience: 'settler-a',
  capture: { mode: 'single' },
  reference: 'order-1',
};
const ed25519 = PrivateKeySigner.generate('agent');
const p256 = PrivateKeySigner.generate('agent', 'ES256');

function owned(signer: PrivateKeySigner, owner: KeyOwner = {}, jwk: object = signer.jwk) {
  const parsed = parsePublicKey(jwk, { purpose: signer.purpose, party: 'agent-a', ...owner });
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.key;
}
const keys = new KeySet([owned(ed25519), owned(p256)]).find;
const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : canonicalize(value)).toString('base64url');

/** A token with any header and payload, signed in earnest. */
async function forge(header: object | string, payload: object | string = claims, signer = ed25519): Promise<string> {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${(await signer.sign(Buffer.from(input))).toString('base64url')}`;
}
const header = { alg: 'EdDSA', kid: ed25519.kid, typ: TYP };

/** Both doors at once: jose's, and the batch's (form by the codec's gate, then our verification). */
async function codes(jws: string, lookup = keys, atMs = AT_MS): Promise<string[]> {
  const byJose = await verifyToken(jws, { typ: TYP, keys: lookup, atMs });
  const split = splitCompact(Buffer.from(jws), { typ: TYP });
  const [batch] = split.ok ? await verifyCompactBatch([split.jws], { typ: TYP, keys: lookup, atMs }) : [split];
  return [byJose, batch].map((verdict) => (verdict?.ok === false ? verdict.code : 'ok'));
}
const both = (code: string): string[] => [code, code];

describe('a signed intent', () => {
  it.each([
    ['EdDSA', ed25519],
    ['ES256', p256],
  ])('verifies as signed: %s', async (_alg, signer) => {
    expect(await codes(await signToken(signer, TYP, claims))).toEqual(both('ok'));
  });
  it('verifies under the name Ed25519 too (RFC 9864)', async () => {
    expect(await codes(await forge({ ...header, alg: 'Ed25519' }))).toEqual(both('ok'));
  });
  it('has exactly the header members alg, kid and typ, and the same bytes each time', async () => {
    const [one, two] = [await signToken(ed25519, TYP, claims), await signToken(ed25519, TYP, { ...claims })];
    expect(one).toBe(two);
    expect(Buffer.from(one.split('.')[0] ?? '', 'base64url').toString()).toBe(
      `{"alg":"EdDSA","kid":"${ed25519.kid}","typ":"${TYP}"}`,
    );
  });
});

describe('attacks on the algorithm', () => {
  it('A19: refuses alg none, in any spelling', async () => {
    for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
      expect(await codes(`${encode({ ...header, alg })}.${encode(claims)}.`)).toEqual(both('algorithm_forbidden'));
    }
  });
  it('A19: refuses HS256 made with the public key as the secret', async () => {
    const input = `${encode({ ...header, alg: 'HS256' })}.${encode(claims)}`;
    const publicKey = nodePublicKey(ed25519.jwk);
    for (const secret of [
      publicKey.export({ format: 'pem', type: 'spki' }),
      publicKey.export({ format: 'der', type: 'spki' }),
      Buffer.from(ed25519.jwk.x, 'base64url'),
    ]) {
      const mac = createHmac('sha256', secret).update(input).digest('base64url');
      expect(await codes(`${input}.${mac}`)).toEqual(both('algorithm_forbidden'));
    }
  });
  it.each(['RS256', 'PS256', 'ES384', 'ES512', 'Ed448', 'HS512', 'eddsa', 'EdDSA '])('A19: refuses %s', async (alg) => {
    expect(await codes(await forge({ ...header, alg }))).toEqual(both('algorithm_forbidden'));
  });
  it('A19: refuses an algorithm that is not the named key’s own', async () => {
    expect(await codes(await forge({ ...header, alg: 'ES256' }))).toEqual(both('algorithm_forbidden'));
    expect(await codes(await forge({ ...header, kid: p256.kid }))).toEqual(both('algorithm_forbidden'));
    const registered = new KeySet([owned(ed25519, {}, { ...ed25519.jwk, alg: 'Ed25519' })]).find;
    expect(await codes(await forge(header), registered)).toEqual(both('algorithm_forbidden'));
  });
});

describe('attacks on the header', () => {
  const realFetch = globalThis.fetch;
  const fetched = jest.fn<typeof fetch>();
  beforeEach(() => {
    globalThis.fetch = fetched;
  });
  afterEach(() => {
    globalThis.fetch = realFetch;
  });
  it.each([
    ['jwk', PrivateKeySigner.generate('agent').jwk],
    ['jku', 'https://attacker.example/jwks.json'],
    ['x5u', 'https://attacker.example/cert.pem'],
    ['x5c', ['MIIB']],
    ['x5t', 'AAAA'],
    ['crit', ['b64']],
    ['b64', false],
    ['zip', 'DEF'],
    ['cty', 'JWT'],
    ['nonce', 'n'],
  ])('A19: refuses the member %s, and fetches nothing', async (name, value) => {
    expect(await codes(await forge({ ...header, [name]: value }))).toEqual(both('header_forbidden'));
    expect(fetched).not.toHaveBeenCalled();
  });
  it.each(['../../../../etc/passwd', "' OR '1'='1", '__proto__', 'constructor', 'file:///dev/null'])(
    'A19: finds no key by the kid %j',
    async (kid) => {
      expect(await codes(await forge({ ...header, kid }))).toEqual(both('key_unknown'));
    },
  );
  it('A19: refuses a kid of a megabyte before looking at it', async () => {
    expect(await codes(await forge({ ...header, kid: 'k'.repeat(2 ** 20) }))).toEqual(both('too_large'));
  });
  it.each([
    ['a duplicate member', `{"alg":"EdDSA","alg":"none","kid":"k","typ":"${TYP}"}`],
    ['no kid', { alg: 'EdDSA', typ: TYP }],
    ['no typ', { alg: 'EdDSA', kid: ed25519.kid }],
    ['a kid that is a number', { ...header, kid: 1 }],
    ['a list in place of an object', '["EdDSA"]'],
    ['text in place of JSON', 'EdDSA'],
  ])('A19: refuses a header with %s', async (_case, value) => {
    expect(await codes(await forge(value))).toEqual(both('malformed'));
  });
  it.each(['JWT', 'settlement-request+jwt', 'application/payment-intent+jwt', 'Payment-Intent+jwt'])(
    'A19: refuses the typ %s (RFC 8725 §3.11)',
    async (typ) => {
      expect(await codes(await forge({ ...header, typ }))).toEqual(both('type_mismatch'));
    },
  );
});

describe('attacks on the key', () => {
  it('A19: refuses a key of another purpose, of nobody, and one outside its time', async () => {
    const jws = await forge(header);
    const stolen = new KeySet([owned(ed25519, { purpose: 'settlement' })]).find;
    expect(await codes(jws, stolen)).toEqual(both('key_unknown'));
    expect(await codes(jws, () => undefined)).toEqual(both('key_unknown'));
    const retired = new KeySet([owned(ed25519, { retiredAtMs: AT_MS })]).find;
    expect(await codes(jws, retired)).toEqual(both('key_retired'));
    expect(await codes(jws, retired, AT_MS - 1)).toEqual(both('ok'));
    const early = new KeySet([owned(ed25519, { activeFromMs: AT_MS })]).find;
    expect(await codes(jws, early, AT_MS - 1)).toEqual(both('key_retired'));
    expect(await codes(jws, early, Number.NaN)).toEqual(both('key_retired'));
  });
  it('A19: refuses the signature of another key under this kid', async () => {
    const jws = await forge(header, claims, PrivateKeySigner.generate('agent'));
    expect(await codes(jws)).toEqual(both('signature_invalid'));
  });
});

describe('attacks on the signature', () => {
  const L = 2n ** 252n + 27742317777372353535851937790883648493n;

  it('A19: refuses S + L, another spelling of the same signature (RFC 8032 §5.1.7)', async () => {
    const jws = await forge(header);
    const [h, p, s] = jws.split('.');
    const signature = Buffer.from(s ?? '', 'base64url');
    const scalar = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + L;
    const respelled = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').reverse();
    const changed = Buffer.concat([signature.subarray(0, 32), respelled]).toString('base64url');
    expect(await codes(`${h}.${p}.${changed}`)).toEqual(both('signature_invalid'));
  });
  it.each([0, 63, 65, 128])('A19: refuses a signature of %i bytes', async (length) => {
    const [h, p, s] = (await forge(header)).split('.');
    const signature = Buffer.concat([Buffer.from(s ?? '', 'base64url'), Buffer.alloc(64)]).subarray(0, length);
    expect(await codes(`${h}.${p}.${signature.toString('base64url')}`)).toEqual(both('signature_invalid'));
  });
  it('A19: refuses an ES256 signature in DER, and one of zeros (CVE-2022-21449)', async () => {
    const [h, p] = (await forge({ ...header, alg: 'ES256', kid: p256.kid }, claims, p256)).split('.');
    for (const signature of [Buffer.alloc(64), Buffer.from('3006020101020101', 'hex')]) {
      expect(await codes(`${h}.${p}.${signature.toString('base64url')}`)).toEqual(both('signature_invalid'));
    }
  });
  it.each([
    ['padding', (jws: string) => `${jws}==`],
    ['a trailing line feed', (jws: string) => `${jws}\n`],
    ['a leading space', (jws: string) => ` ${jws}`],
    ['a space inside', (jws: string) => jws.replace('.', '. ')],
    ['standard base64', (jws: string) => `${jws.slice(0, -2)}+/`],
    ['a second spelling of the last character', respell],
    ['a fourth part', (jws: string) => `${jws}.AAAA`],
    ['two parts', (jws: string) => jws.slice(0, jws.lastIndexOf('.'))],
    ['the JSON serialization', (jws: string) => JSON.stringify({ payload: jws })],
  ])('A19: refuses %s', async (_case, change) => {
    expect(await codes(change(await forge(header)))).toEqual(both('malformed'));
  });
  it('A19: refuses a payload changed in one bit', async () => {
    const [h, , s] = (await forge(header)).split('.');
    expect(await codes(`${h}.${encode({ ...claims, counterparty: 'merchant-b' })}.${s}`)).toEqual(
      both('signature_invalid'),
    );
  });
});

describe('times and parties by jose', () => {
  const verdict = async (atMs: number, change: object = {}) => {
    const jws = await signToken(ed25519, TYP, claims);
    const given = await verifyToken(jws, { typ: TYP, keys, atMs, ...change });
    return given.ok ? 'ok' : given.code;
  };
  it('A20: takes a token to its last millisecond and denies it at the expiry instant (RFC 7519 §4.1.4)', async () => {
    const expMs = claims.exp * 1000;
    expect(await verdict(expMs - 1)).toBe('ok');
    expect(await verdict(expMs)).toBe('expired');
    expect(await verdict(expMs + 1)).toBe('expired');
    expect(await verdict(Number.NaN, { keyAtMs: AT_MS })).toBe('expired');
  });
  it('A19: denies another issuer and another audience', async () => {
    expect(await verdict(AT_MS, { issuer: 'agent-b' })).toBe('issuer_unknown');
    expect(await verdict(AT_MS, { audience: 'urn:spendgate:other' })).toBe('audience_mismatch');
    expect(await verdict(AT_MS, { issuer: 'agent-a', audience: 'urn:spendgate:demo' })).toBe('ok');
  });
  it.each([
    ['missing', { exp: undefined }],
    ['a text', { exp: String(claims.exp) }],
    ['a fraction', { exp: claims.exp + 0.5 }],
    ['before iat', { exp: IAT - 1 }],
    ['null', { exp: null }],
  ])('A20: refuses an exp that is %s', async (_case, change) => {
    const jws = await forge(header, JSON.stringify({ ...claims, ...change }));
    expect(await verifyToken(jws, { typ: TYP, keys, atMs: AT_MS })).toMatchObject({ ok: false, code: 'malformed' });
  });
  it.each([
    ['malformed', 'a duplicate member', '{"iss":"a","iss":"b"}'],
    ['malformed', '__proto__', JSON.stringify(claims).replace('{', '{"__proto__":{},')],
    ['encoding_invalid', 'a lone surrogate', JSON.stringify(claims).replace('order-1', '\\ud800')],
    ['unknown_field', 'a claim nobody knows', JSON.stringify({ ...claims, admin: true })],
    ['malformed', 'an amount as a number', JSON.stringify({ ...claims, amount: { value: 12.5, currency: 'USD' } })],
  ])('refuses with %s a payload with %s', async (code, _case, payload) => {
    expect(await verifyToken(await forge(header, payload), { typ: TYP, keys, atMs: AT_MS })).toMatchObject({
      ok: false,
      code,
    });
  });
});

/** 64 bytes leave four unused bits in the last character of base64url: fifteen more texts decode to the same bytes. */
function respell(jws: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return jws.slice(0, -1) + (alphabet[alphabet.indexOf(jws.slice(-1)) + 1] ?? '');
}
