import { describe, expect, it } from '@jest/globals';
import { isSpec, readSourceFiles } from './source-files.js';

/** Lines a file may have at the most; tables and generated files are the exception and are named here. */
const LINES_MAX = 400;
const TABLES = new Set(['libs/core/src/currencies.ts', 'libs/core/src/denials.ts']);

describe('file sizes', () => {
  const lines = (text: string): number => text.split('\n').length - 1;
  const shipped = readSourceFiles().filter((file) => !isSpec(file));

  it(`keeps every file at ${LINES_MAX} lines or fewer`, () => {
    const long = shipped.filter((file) => lines(file.text) > LINES_MAX && !TABLES.has(file.path));
    expect(long.map((file) => `${file.path}: ${lines(file.text)}`)).toEqual([]);
  });

  it('keeps half of the files at 150 lines or fewer', () => {
    const sizes = shipped.map((file) => lines(file.text)).sort((a, b) => a - b);
    expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThanOrEqual(150);
  });
});
