import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalize } from './canonical.js';
import { REQUEST_JSON_LIMITS } from './limits.js';
import { parseStrictJson } from './strict-json.js';

const parse = (text: string) => parseStrictJson(Buffer.from(text));

/** Any value the parser may give: safe integers, and no text it forbids. */
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger().map((n) => (Object.is(n, -0) ? 0 : n)),
    tie('text'),
    fc.array(tie('value'), { maxLength: 8 }),
    fc.dictionary(tie('text') as fc.Arbitrary<string>, tie('value'), { maxKeys: 8 }), // letrec loses the type
  ),
  text: fc
    .string({ unit: 'binary', maxLength: 24 })
    .filter((text) => text !== '__proto__' && !/[\0\p{Cs}\p{Noncharacter_Code_Point}]/u.test(text)),
})).value;

describe('parseStrictJson', () => {
  it('gives back every I-JSON value, in canonical and in indented form', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(parse(canonicalize(value))).toEqual({ ok: true, value });
        expect(parse(JSON.stringify(value, null, 2))).toEqual({ ok: true, value });
      }),
    );
  });

  it('never throws and never accepts what JSON.parse refuses, on mutated bytes', () => {
    const mutation = fc.record({ at: fc.nat(), byte: fc.nat(255) });
    fc.assert(
      fc.property(json, fc.array(mutation, { minLength: 1, maxLength: 4 }), (value, mutations) => {
        const bytes = Buffer.from(canonicalize(value));
        for (const { at, byte } of mutations) bytes[at % bytes.length] = byte;
        const result = parseStrictJson(bytes);
        if (result.ok) expect(result.value).toEqual(JSON.parse(bytes.toString('utf8')));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['{"amount":{"value":12.5}}', 'malformed', 'amount.value', 'a fraction'],
    ['{"amount":{"value":1e3}}', 'malformed', 'amount.value', 'an exponent'],
    ['{"a":[1,{"b":-0}]}', 'malformed', 'a[1].b', 'minus zero'],
    ['{"a":9007199254740992}', 'malformed', 'a', 'above 2^53 − 1'],
    ['{"a":01}', 'malformed', 'a', 'a leading zero'],
    ['{"a":1,"b":2,"a":1}', 'malformed', 'a', 'a member name twice'],
    ['{"a":1,"\\u0061":1}', 'malformed', 'a', 'a member name twice, once escaped'],
    ['{"x":{"__proto__":{}}}', 'malformed', 'x.__proto__', 'a member that would set the prototype'],
    ['{"x":{"\\u005f_proto__":{}}}', 'malformed', 'x.__proto__', 'the same, escaped'],
    ['{"a":"\\ud800"}', 'encoding_invalid', 'a', 'a lone surrogate'],
    ['{"a":"\\udc00\\ud800"}', 'encoding_invalid', 'a', 'surrogates in the wrong order'],
    ['{"a":"\\u0000"}', 'encoding_invalid', 'a', 'a NUL'],
    ['{"a":"\\ufdd0"}', 'encoding_invalid', 'a', 'a non-character'],
    ['{"a":"\\ud83f\\udffe"}', 'encoding_invalid', 'a', 'a non-character beyond the first plane'],
    ['{"a":"\uffff"}', 'encoding_invalid', 'payload', 'a raw non-character'],
    ['\ufeff{}', 'encoding_invalid', 'payload', 'a byte order mark'],
    ['{"a":"\n"}', 'malformed', 'a', 'a raw control character'],
    ['{"a b\\"":tru}', 'malformed', '["a b\\u0022"]', 'a name that needs quotes'],
    ['{"é":x}', 'malformed', '["\\u00e9"]', 'a name beyond ASCII'],
    ['', 'malformed', 'payload', 'nothing'],
    ['{} {}', 'malformed', 'payload', 'something after the end'],
  ])('refuses %s with %s at %s: %s', (text, code, field) => {
    expect(parse(text)).toEqual({ ok: false, code, field });
  });

  it('finds bytes that are not UTF-8 before any fault of form', () => {
    const bytes = Buffer.concat([Buffer.from('{"a":1,,'), Buffer.of(0xc0, 0xaf)]);
    expect(parseStrictJson(bytes)).toEqual({ ok: false, code: 'encoding_invalid', field: 'payload' });
  });

  it.each([
    ['bytes', `"${'a'.repeat(20_000)}"`, 'payload'],
    ['depth', `${'['.repeat(33)}${']'.repeat(33)}`, `${'[0]'.repeat(32)}`],
    ['characters of a string', `{"a":"${'b'.repeat(8_193)}"}`, 'a'],
    ['characters of a string with escapes', `{"a":"\\n${'b'.repeat(8_193)}"}`, 'a'],
    ['items of an array', `{"a":[${'0,'.repeat(1_024)}0]}`, 'a[1024]'],
    ['members of an object', `{${Array.from({ length: 257 }, (_, i) => `"a${i}":0`).join()}}`, 'payload'],
  ])('refuses one more than the named maximum of %s', (_, text, field) => {
    expect(parse(text)).toEqual({ ok: false, code: 'too_large', field });
  });

  it('accepts exactly the named maximum of each', () => {
    const { depthMax, stringCharsMax, arrayItemsMax, objectMembersMax } = REQUEST_JSON_LIMITS;
    expect(parse('['.repeat(depthMax) + ']'.repeat(depthMax)).ok).toBe(true);
    expect(parse(`"${'b'.repeat(stringCharsMax)}"`).ok).toBe(true);
    expect(parse(`"${'b'.repeat(stringCharsMax - 1)}\\n"`).ok).toBe(true);
    expect(parse(`[${Array.from({ length: arrayItemsMax }, () => 0).join()}]`).ok).toBe(true);
    expect(parse(`{${Array.from({ length: objectMembersMax }, (_, i) => `"a${i}":0`).join()}}`).ok).toBe(true);
  });

  it('takes member names of Object.prototype as plain members', () => {
    expect(parse('{"constructor":1,"toString":2,"hasOwnProperty":3}')).toEqual({
      ok: true,
      value: JSON.parse('{"constructor":1,"toString":2,"hasOwnProperty":3}') as unknown,
    });
  });

  it('cuts a field path a hostile name would make long', () => {
    const result = parse(
      `{"${'"a":{"'.slice(1, 2).repeat(40)}":{"b":${'{"deep-member-name-of-some-length":'.repeat(20)}x`,
    );
    expect(result.ok ? '' : result.field.length).toBeLessThanOrEqual(256);
  });
});
