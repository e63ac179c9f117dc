import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ed25519PointProblem } from './ed25519-point.js';

/** Encodings of the points of order 1, 2, 4 and 8, and the second spellings of them that some decoders take. */
const SMALL_ORDER = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
];

describe('an Ed25519 public key', () => {
  it.each(SMALL_ORDER)('A19: is weak when its order is small: %s', (hex) => {
    expect(ed25519PointProblem(Buffer.from(hex, 'hex'))).toBe('weak_key');
  });
  it('is invalid when y is not below the prime (RFC 8032 §5.1.3)', () => {
    const y = Buffer.alloc(32, 0xff);
    y[0] = 0xf0; // p + 3
    y[31] = 0x7f;
    expect(ed25519PointProblem(y)).toBe('point_invalid');
  });
  it('is invalid off the curve', () => {
    expect(ed25519PointProblem(Buffer.from('02'.padEnd(64, '0'), 'hex'))).toBe('point_invalid');
  });
  it.each([31, 33, 0])('is invalid with %i bytes', (length) => {
    expect(ed25519PointProblem(Buffer.alloc(length, 1))).toBe('point_invalid');
  });
  it('is fine as every generator makes it', () => {
    for (let n = 0; n < 20; n++) {
      const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
      expect(ed25519PointProblem(Buffer.from(x ?? '', 'base64url'))).toBeUndefined();
    }
  });
});
