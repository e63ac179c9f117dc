import { describe, expect, it } from '@jest/globals';
import { readToken } from './read-token.js';

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const header = { alg: 'EdDSA', kid: 'key-1', typ: 'payment-intent+jwt' };
const claims = {
  ...{ iss: 'shopper', aud: 'urn:spendgate:test', iat: 1_000, exp: 1_060, jti: 'a-1' },
  mandate: '00000000-0000-8000-8000-000000000001',
  amount: { value: '1.00', currency: 'USD' },
  ...{ counterparty: 'shop', audience: 'service', capture: { mode: 'single' }, reference: 'r' },
};
const token = (head: unknown, payload: unknown): Buffer =>
  Buffer.from(`${encode(head)}.${encode(payload)}.${'A'.repeat(86)}`);
const read = (head: unknown, payload: unknown) => readToken(token(head, payload), ['payment-intent+jwt']);

describe('readToken', () => {
  it('gives type, parts and claims of a token in good form', () => {
    expect(read(header, claims)).toMatchObject({ ok: true, typ: 'payment-intent+jwt', claims, jws: { header } });
  });

  it('tells by the header which of several types it is', () => {
    const result = readToken(token(header, claims), ['artifact-renewal+jwt', 'payment-intent+jwt']);
    expect(result.ok && result.typ).toBe('payment-intent+jwt');
  });

  it.each([
    ['encoding_invalid', 'jti', { ...header, jwk: {} }, JSON.stringify(claims).replace('"a-1"', '"\\u0000"')],
    ['malformed', 'payload', { ...header, typ: 'other+jwt' }, '{'],
    ['malformed', 'amount', { ...header, alg: 'none', jwk: {} }, { ...claims, amount: 5, surplus: 1 }],
    ['type_mismatch', 'header.typ', { ...header, typ: 'other+jwt', jwk: {} }, { surplus: 1 }],
    ['type_mismatch', 'header.typ', { ...header, typ: 'decision+jwt' }, claims],
    ['header_forbidden', 'header.jwk', { ...header, jwk: {}, alg: 'none' }, { ...claims, surplus: 1 }],
    ['algorithm_forbidden', 'header.alg', { ...header, alg: 'none' }, { ...claims, surplus: 1 }],
    ['unknown_field', 'surplus', header, { ...claims, surplus: 1 }],
  ])('reports %s at %s, the first row of the table, wherever in the token it is', (code, field, head, payload) => {
    expect(read(head, payload)).toEqual({ ok: false, code, field });
  });

  it('refuses what is no compact JWS, or too large for its door', () => {
    expect(readToken(Buffer.from('{}'), ['payment-intent+jwt'])).toMatchObject({ code: 'malformed', field: 'token' });
    expect(readToken(token(header, claims), ['payment-intent+jwt'], 100)).toMatchObject({ code: 'too_large' });
  });

  it('A18: answers a settlement request without an artifact with artifact_missing, whatever else is wrong', () => {
    const bytes = token({ ...header, typ: 'settlement-request+jwt', alg: 'none' }, { surplus: 1 });
    expect(readToken(bytes, ['settlement-request+jwt'])).toMatchObject({ ok: false, code: 'artifact_missing' });
  });
});
