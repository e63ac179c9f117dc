import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseTilePath, tilePath, tilesOfLevel } from './tile-path.js';

describe('tile paths (C2SP tlog-tiles)', () => {
  it.each([
    [{ level: 0, index: 0, width: 256 }, '0/000'],
    [{ level: 1, index: 67, width: 256 }, '1/067'],
    [{ level: 0, index: 1_234_067, width: 256 }, '0/x001/x234/067'],
    [{ level: 0, index: 1_234, width: 5 }, '0/x001/234.p/5'],
    [{ level: 'entries' as const, index: 1_234, width: 8 }, 'entries/x001/234.p/8'],
  ])('writes %j as %s and reads it back', (address, path) => {
    expect(tilePath(address)).toBe(path);
    expect(parseTilePath(path)).toEqual(address);
  });

  it.each([
    '',
    '0',
    '0/',
    '0/00',
    '0/0000',
    '00/000',
    '-1/000',
    '64/000',
    '0/x000/001',
    '0/001/234',
    '0/000.p/0',
    '0/000.p/256',
    '0/000.p/07',
    '0/000.p/1/',
    '../0/000',
    '0/x001/x234',
    'entries/00a',
    '0/000\n',
    '0/x999/x999/x999/x999/x999/x999/999',
  ])('refuses %j: one tile has one address', (path) => {
    expect(parseTilePath(path)).toBeUndefined();
  });

  it('gives each tile its own path', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 63 }),
        fc.nat({ max: 10 ** 12 }),
        fc.integer({ min: 1, max: 256 }),
        (level, index, width) => {
          expect(parseTilePath(tilePath({ level, index, width }))).toEqual({ level, index, width });
        },
      ),
    );
  });

  it('counts the tiles of a tree: 70,000 leaves are 273 full tiles and 112 hashes, then 1 and 17, then 1 hash', () => {
    expect([0, 1, 2, 3].map((level) => tilesOfLevel(level, 70_000))).toEqual([
      { full: 273, partialWidth: 112 },
      { full: 1, partialWidth: 17 },
      { full: 0, partialWidth: 1 },
      { full: 0, partialWidth: 0 },
    ]);
  });
});
