import { deflateSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { STATUS_ENTRIES_MAX, StatusList } from './status-list.js';
import type { StatusName } from './status-list.js';

describe('a status list', () => {
  it('packs the two-bit example of the Token Status List, first entry in the lowest bits', () => {
    const values = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]; // the draft's §4.1 example, bytes c9 44 f9
    const packed = deflateSync(Buffer.from([0xc9, 0x44, 0xf9])).toString('base64url');
    const list = StatusList.decode({ bits: 2, lst: packed });
    const names = ['valid', 'revoked', 'suspended', undefined];
    expect(values.map((_, index) => list?.get(index))).toEqual(values.map((value) => names[value]));
  });
  it('A23: reads back what was set, for any entries in any order', () => {
    const status = fc.constantFrom<StatusName>('valid', 'revoked', 'suspended');
    const entries = fc.array(fc.tuple(fc.nat({ max: 499 }), status), { maxLength: 40 });
    fc.assert(
      fc.property(entries, (changes) => {
        const list = StatusList.ofSize(500);
        for (const [index, name] of changes) list.set(index, name);
        const read = StatusList.decode(list.encode());
        const expected = new Map(changes);
        for (let index = 0; index < 500; index++) expect(read?.get(index)).toBe(expected.get(index) ?? 'valid');
      }),
      { numRuns: 20 },
    );
  });
  it('says nothing about an entry outside it', () => {
    const list = StatusList.ofSize(8);
    for (const index of [8, -1, 0.5, Number.NaN]) expect(list.get(index)).toBeUndefined();
    expect(() => list.set(8, 'revoked')).toThrow(RangeError);
  });
  it.each([
    ['one bit wide', { bits: 1, lst: deflateSync(Buffer.alloc(4)).toString('base64url') }],
    ['not compressed', { bits: 2, lst: 'AAAA' }],
    ['padded', { bits: 2, lst: `${deflateSync(Buffer.alloc(4)).toString('base64url')}==` }],
    ['a bomb', { bits: 2, lst: deflateSync(Buffer.alloc(STATUS_ENTRIES_MAX / 4 + 1)).toString('base64url') }],
    ['no object', 'AAAA'],
  ])('is refused when it is %s', (_case, claim) => {
    expect(StatusList.decode(claim)).toBeUndefined();
  });
});
