import { describe, expect, it } from '@jest/globals';
import { hashJson, hashJsonText, sha256, sha256Text } from './hash.js';

describe('hashes', () => {
  it('give the digest of FIPS 180-4 for "abc", as bytes and as base64url', () => {
    const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(sha256('abc').toString('hex')).toBe(digest);
    expect(sha256(Buffer.from('abc')).toString('hex')).toBe(digest);
    expect(sha256Text('abc')).toBe(Buffer.from(digest, 'hex').toString('base64url'));
  });

  it('of JSON are over its RFC 8785 form', () => {
    expect(hashJson({ b: 1, a: 'é' })).toEqual(sha256(Buffer.from('{"a":"é","b":1}')));
    expect(hashJsonText({ a: 'é', b: 1 })).toBe(sha256Text('{"a":"é","b":1}'));
  });
});
