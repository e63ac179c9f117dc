import { describe, expect, it } from '@jest/globals';
import oracle from 'canonicalize';
import fc from 'fast-check';
import { canonicalize, isWellFormed } from './canonical.js';

describe('canonicalize', () => {
  it('gives what an independent RFC 8785 implementation gives, for any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        expect(canonicalize(value)).toBe(oracle(value));
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    [333333333.3333333, '333333333.3333333'],
    [1e30, '1e+30'],
    [4.5, '4.5'],
    [2e-3, '0.002'],
    [1e-27, '1e-27'],
    [-0, '0'],
    [5e-324, '5e-324'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [1e21, '1e+21'],
    [295147905179352830000, '295147905179352830000'],
  ])('writes the number %d as %s (RFC 8785 appendix B)', (value, text) => {
    expect(canonicalize(value)).toBe(text);
  });

  it('sorts members by UTF-16 code units, not by code points (§3.2.3)', () => {
    const emojiBeforeLater = { '\ufb33': 1, '\u{1f600}': 2, '\r': 3, '1': 4, ö: 5, '\u0080': 6, '€': 7 };
    expect(Object.keys(JSON.parse(canonicalize(emojiBeforeLater)) as object).filter((key) => key !== '1')).toEqual([
      '\r',
      '\u0080',
      'ö',
      '€',
      '\u{1f600}',
      '\ufb33',
    ]);
  });

  it('is a fixed point: the canonical form of a canonical form is itself', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalize(JSON.parse(canonicalize(value)))).toBe(canonicalize(value));
      }),
    );
  });

  it('gives the same text for a frozen value, the first time and again', () => {
    const freeze = (value: unknown): void => {
      if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
    };
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const before = canonicalize(value);
        freeze(value);
        expect([canonicalize(value), canonicalize(value)]).toEqual([before, before]);
      }),
    );
  });

  it('keeps no text of a value that is frozen at the top only, or computes a member', () => {
    const inner = { a: 1 };
    const outer = Object.freeze({ inner });
    expect(canonicalize(outer)).toBe('{"inner":{"a":1}}');
    inner.a = 2;
    expect(canonicalize(outer)).toBe('{"inner":{"a":2}}');
    let calls = 0;
    const computed = Object.freeze({
      get a() {
        return (calls += 1);
      },
    });
    expect([canonicalize(computed), canonicalize(computed)]).toEqual(['{"a":1}', '{"a":2}']);
  });

  it('leaves undefined members out, as JSON.stringify does', () => {
    expect(canonicalize({ b: undefined, a: 1 })).toBe('{"a":1}');
  });

  it.each([
    ['NaN', NaN],
    ['infinity', Infinity],
    ['a bigint', 1n],
    ['undefined', undefined],
    ['undefined in an array', [undefined]],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a date', new Date(0)],
    ['a map', new Map()],
    ['bytes', Buffer.from('a')],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate in a name', { '\udfff': 1 }],
  ])('throws on %s: what has no one form must not be hashed', (_, value) => {
    expect(() => canonicalize(value)).toThrow(TypeError);
  });

  it('knows a lone surrogate from a pair', () => {
    expect([isWellFormed('\u{1f600}'), isWellFormed('\ud83d'), isWellFormed('\ude00\ud83d')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
