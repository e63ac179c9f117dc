import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { commitmentOf, encodeLeaf, leafHashOf, opensCommitment, parseLeaf, type LeafInput } from './leaf.js';
import { isLeafType, LEAF_TYPES } from './leaf-types.js';
import { LEAF_CAUSES_MAX } from './limits.js';

const salt = Buffer.alloc(32, 5);
const input: LeafInput = {
  domain: 'urn:spendgate:test',
  type: 'decision_authorized',
  timeMs: 1_234,
  payload: { b: [1, 'é'], a: null },
  salt,
  causes: [],
};
const sha256 = (...parts: (Buffer | string)[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

describe('audit leaves', () => {
  it('are the RFC 8785 text of version, domain, type, time, commitment and causes', () => {
    const { leaf, payload, leafHash } = encodeLeaf(input);
    expect(payload).toBe('{"a":null,"b":[1,"é"]}');
    const commitment = sha256(Buffer.of(2), salt, payload).toString('base64url');
    expect(leaf).toBe(
      `{"causes":[],"commitment":"${commitment}","domain":"urn:spendgate:test","time":1234,"type":"decision_authorized","v":1}`,
    );
    expect(leafHash).toEqual(sha256(Buffer.of(0), leaf)); // RFC 9162 §2.1.1
    expect(leafHashOf(leaf)).toEqual(leafHash);
  });

  it('hide their payload: with another salt another commitment, and only salt and payload together open it', () => {
    const { leaf, payload } = encodeLeaf(input);
    const read = parseLeaf(Buffer.from(leaf));
    if (!read.ok) throw new Error(read.code);
    expect(opensCommitment(read.leaf, salt, payload)).toBe(true);
    expect(opensCommitment(read.leaf, Buffer.alloc(32, 6), payload)).toBe(false);
    expect(opensCommitment(read.leaf, salt, '{"a":0,"b":[1,"é"]}')).toBe(false);
  });

  it('equal arguments give equal bytes, and they are read back as they were', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ noUnicodeString: false }),
        fc.nat(),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 5 }),
        (payload, timeMs, anySalt, hashes) => {
          const causes = hashes.map((hash) => Buffer.from(hash).toString('base64url'));
          const one = encodeLeaf({ ...input, payload, timeMs, salt: anySalt, causes });
          expect(encodeLeaf({ ...input, payload, timeMs, salt: anySalt, causes })).toEqual(one);
          expect(parseLeaf(Buffer.from(one.leaf))).toMatchObject({ ok: true, leaf: { v: 1, time: timeMs, causes } });
        },
      ),
    );
  });

  it.each([
    ['another spelling of the same leaf', (leaf: string) => leaf.replace('{', '{ ')],
    ['an unknown member', (leaf: string) => leaf.replace('}', ',"w":1}')],
    ['another version', (leaf: string) => leaf.replace('"v":1', '"v":2')],
    ['no domain', (leaf: string) => leaf.replace(/"domain":"[^"]*",/, '')],
    ['a commitment that is no SHA-256', (leaf: string) => leaf.replace(/"commitment":"[^"]*"/, '"commitment":"AA"')],
    ['a time that is a float', (leaf: string) => leaf.replace('1234', '1234.0')],
  ])('are refused in a log with %s', (_, change) => {
    expect(parseLeaf(Buffer.from(change(encodeLeaf(input).leaf)))).toMatchObject({ ok: false, code: 'malformed' });
  });

  it('refuse a salt of another length, a time that is none, and more causes than the named maximum', () => {
    expect(() => commitmentOf(Buffer.alloc(31), '{}')).toThrow(RangeError);
    expect(() => encodeLeaf({ ...input, timeMs: 1.5 })).toThrow(RangeError);
    const causes = Array.from({ length: LEAF_CAUSES_MAX + 1 }, () => sha256('x').toString('base64url'));
    expect(() => encodeLeaf({ ...input, causes })).toThrow(RangeError);
    expect(encodeLeaf({ ...input, causes: causes.slice(1) }).leaf.length).toBeLessThan(4_096);
  });

  it('have types that name their payload schema and version', () => {
    for (const [type, { payload }] of Object.entries(LEAF_TYPES)) {
      expect([type, payload]).toEqual([expect.stringMatching(/^[a-z_]+$/), expect.stringMatching(/^[a-z-]+\/\d+$/)]);
    }
    expect([isLeafType('decision_denied'), isLeafType('toString')]).toEqual([true, false]);
  });
});
