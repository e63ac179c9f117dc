import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatEntries, parseEntries } from './entries.js';

describe('entries of a tile (C2SP tlog-tiles)', () => {
  it('are read back as they were written, and only under their own count', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (leaves) => {
        const bytes = formatEntries(leaves) ?? Buffer.alloc(0);
        expect(parseEntries(bytes, leaves.length)?.map((leaf) => [...leaf])).toEqual(leaves.map((leaf) => [...leaf]));
        expect(parseEntries(bytes, leaves.length + 1)).toBeUndefined();
        expect(parseEntries(Buffer.concat([bytes, Buffer.of(0)]), leaves.length)).toBeUndefined();
        if (bytes.length > 0) expect(parseEntries(bytes.subarray(1), leaves.length)).toBeUndefined();
      }),
    );
  });

  it('have a length of two bytes: a longer leaf has no such form', () => {
    expect(formatEntries([Buffer.alloc(65_535)])?.length).toBe(65_537);
    expect(formatEntries([Buffer.alloc(65_536)])).toBeUndefined();
  });
});
