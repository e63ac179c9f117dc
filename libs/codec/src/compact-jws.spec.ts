import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { splitAnyCompact, splitCompact } from './compact-jws.js';
import { INTENT_BYTES_MAX } from './limits.js';

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const header = { alg: 'EdDSA', kid: 'key-1', typ: 'payment-intent+jwt' };
const signature = Buffer.alloc(64, 7).toString('base64url');
const token = (head: unknown = header, payload: unknown = { a: 1 }, sign = signature): Buffer =>
  Buffer.from(`${encode(head)}.${encode(payload)}.${sign}`);
const typ = 'payment-intent+jwt';

describe('splitCompact', () => {
  it('takes a token apart and keeps the exact bytes that were signed', () => {
    const result = splitCompact(token(), { typ });
    expect(result).toEqual({
      ok: true,
      jws: {
        header,
        payloadBytes: Buffer.from('{"a":1}'),
        signature: Buffer.alloc(64, 7),
        signingInput: Buffer.from(`${encode(header)}.${encode({ a: 1 })}`),
      },
    });
  });

  it.each(['EdDSA', 'Ed25519', 'ES256'])('A19: takes the algorithm %s', (alg) => {
    expect(splitCompact(token({ ...header, alg })).ok).toBe(true);
  });

  it.each(['none', 'None', 'HS256', 'RS256', 'ES384', 'eddsa', 'EdDSA '])('A19: refuses the algorithm %j', (alg) => {
    const refusal = { ok: false, code: 'algorithm_forbidden', field: 'header.alg' };
    expect(splitCompact(token({ ...header, alg }))).toEqual(refusal);
    expect(splitCompact(token({ ...header, alg }, { a: 1 }, ''))).toEqual(refusal);
  });

  it.each(['jwk', 'jku', 'x5u', 'x5c', 'x5t', 'crit', 'b64', 'zip', 'cty', 'nonce', 'constructor'])(
    'A19: refuses the header member %s, which would bring a key or change what was signed',
    (name) => {
      expect(splitCompact(token({ ...header, [name]: 'x' }))).toEqual({
        ok: false,
        code: 'header_forbidden',
        field: `header.${name}`,
      });
    },
  );

  it.each([
    ['too_large', 'token', Buffer.alloc(INTENT_BYTES_MAX + 1, 0xff)],
    ['encoding_invalid', 'token', Buffer.of(0x61, 0x2e, 0xff)],
    ['encoding_invalid', 'token', Buffer.from('a.b.\0')],
    ['malformed', 'token', Buffer.alloc(0)],
    ['malformed', 'token', Buffer.from('a.b')],
    ['malformed', 'token', Buffer.from(`${token().toString()}.x`)],
    ['malformed', 'token', Buffer.from(`${token().toString()}\n`)],
    ['malformed', 'token', Buffer.from(` ${token().toString()}`)],
    ['malformed', 'token', Buffer.from(`${encode(header)}.${encode({ a: 1 })}=.${signature}`)],
    ['malformed', 'token', Buffer.from(JSON.stringify({ payload: 'e30', protected: encode(header), signature }))],
    ['malformed', 'header', Buffer.from(`A.${encode({})}.${signature}`)],
    ['malformed', 'payload', Buffer.from(`${encode(header)}.QR.${signature}`)],
    ['malformed', 'signature', token(header, {}, 'QUJ')],
    ['malformed', 'header', token('[]')],
    ['malformed', 'header', token('"x"')],
    ['malformed', 'header.alg', token('{"alg":"EdDSA","alg":"none","kid":"k","typ":"t"}')],
    ['encoding_invalid', 'header.kid', token('{"alg":"EdDSA","kid":"\\ud800","typ":"t"}')],
    ['malformed', 'header.alg', token({ kid: 'k', typ })],
    ['malformed', 'header.kid', token({ alg: 'EdDSA', typ })],
    ['malformed', 'header.kid', token({ ...header, kid: 7 })],
    ['malformed', 'header.kid', token({ ...header, kid: '' })],
    ['malformed', 'header.kid', token({ ...header, kid: 'k'.repeat(129) })],
    ['malformed', 'header.typ', token({ alg: 'EdDSA', kid: 'k' })],
    ['type_mismatch', 'header.typ', token({ ...header, typ: 'JWT' })],
    ['type_mismatch', 'header.typ', token({ ...header, typ: 'Payment-Intent+JWT' })],
    ['too_large', 'header', token({ ...header, kid: 'k'.repeat(2_000) })],
  ])('refuses with %s at %s', (code, field, bytes) => {
    expect(splitCompact(bytes, { typ })).toEqual({ ok: false, code, field });
  });

  it('reports the first row of the denials table when several apply', () => {
    const all = { typ: 'other+jwt', alg: 'none', jwk: {}, kid: 'k' };
    expect(splitCompact(token(all), { typ })).toMatchObject({ code: 'type_mismatch' });
    expect(splitCompact(token({ ...all, kid: null }), { typ })).toMatchObject({ code: 'malformed' });
    expect(splitCompact(token({ ...all, typ }), { typ })).toMatchObject({ code: 'header_forbidden' });
    expect(splitCompact(token({ ...header, alg: 'none' }), { typ })).toMatchObject({ code: 'algorithm_forbidden' });
  });

  it('takes one of several types, and any type when none is asked for', () => {
    expect(splitCompact(token(), { typ: ['ops-action+jwt', typ] }).ok).toBe(true);
    expect(splitCompact(token({ ...header, typ: 'anything' })).ok).toBe(true);
  });

  it('never throws and accepts nothing that differs by one byte in form', () => {
    const good = token();
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
        const bytes = Buffer.from(good);
        bytes[at] = byte;
        const result = splitCompact(bytes, { typ });
        if (!result.ok) return;
        const { payloadBytes, signature: sign, signingInput } = result.jws;
        expect(`${signingInput.toString()}.${sign.toString('base64url')}`).toBe(bytes.toString('latin1'));
        expect(signingInput.toString().endsWith(`.${payloadBytes.toString('base64url')}`)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads a view into a larger buffer', () => {
    const bytes = token();
    const view = new Uint8Array(Buffer.concat([Buffer.from('xx'), bytes, Buffer.from('yy')])).subarray(
      2,
      2 + bytes.length,
    );
    expect(splitCompact(view, { typ })).toEqual(splitCompact(bytes, { typ }));
  });
});

describe('splitAnyCompact', () => {
  it('lets kid and typ be absent, and nothing else differ', () => {
    const bare = splitAnyCompact(token({ alg: 'EdDSA' }), INTENT_BYTES_MAX);
    expect(bare).toMatchObject({ ok: true, jws: { header: { alg: 'EdDSA', kid: null, typ: null } } });
    expect(splitAnyCompact(token({ alg: 'RS256' }), INTENT_BYTES_MAX)).toMatchObject({ code: 'algorithm_forbidden' });
    expect(splitAnyCompact(token({ alg: 'EdDSA', b64: false }), 9_999)).toMatchObject({ code: 'header_forbidden' });
    expect(splitAnyCompact(token({ alg: 'EdDSA', kid: 1 }), 9_999)).toMatchObject({ code: 'malformed' });
    expect(splitAnyCompact(token({ alg: 'EdDSA', typ: 1 }), 9_999)).toMatchObject({ code: 'malformed' });
    expect(splitAnyCompact(token({}), 9_999)).toMatchObject({ code: 'malformed', field: 'header.alg' });
  });
});
