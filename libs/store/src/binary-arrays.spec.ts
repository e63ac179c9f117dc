import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { byteas, texts } from './binary-arrays.js';

/** `array_recv`: one dimension, whether it has nulls, element type, count, lower bound, then length and bytes of each. */
function readTexts(array: Buffer): (string | null)[] {
  const [dimensions, nulls, oid] = [array.readInt32BE(0), array.readInt32BE(4), array.readInt32BE(8)];
  expect(oid).toBe(25);
  if (dimensions === 0) {
    expect(array.length).toBe(12);
    return [];
  }
  expect([dimensions, array.readInt32BE(16)]).toEqual([1, 1]);
  const values: (string | null)[] = [];
  let at = 20;
  for (let count = array.readInt32BE(12); count > 0; count -= 1) {
    const length = array.readInt32BE(at);
    at += 4;
    values.push(length === -1 ? null : array.toString('utf8', at, at + length));
    at += Math.max(length, 0);
  }
  expect([at, nulls === 1]).toEqual([array.length, values.includes(null)]);
  return values;
}

describe('an array of texts', () => {
  it('comes back as it was: empty, null, long, in any script', () => {
    const value = fc.oneof(fc.constant(null), fc.string({ unit: 'grapheme', maxLength: 5_000, size: 'large' }));
    fc.assert(fc.property(fc.array(value), (values) => expect(readTexts(texts(values))).toEqual(values)));
  });

  it('stays as it is while later ones are written', () => {
    const first = texts(['first', 'é']);
    texts(['another', 'x'.repeat(200_000)]);
    expect(readTexts(first)).toEqual(['first', 'é']);
  });

  it('has no dimension when it is empty, of whatever type', () => {
    expect([texts([]).length, byteas([]).length]).toEqual([12, 12]);
  });
});
