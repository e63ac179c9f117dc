import { describe, expect, it } from '@jest/globals';
import { csvLine, splitterOf } from './csv.js';

describe('a line of CSV', () => {
  it('is read back as it was written, whatever is in its cells', () => {
    const cells = ['plain', 'a,b', 'say "no"', '', 'a;b'];
    expect(splitterOf('a,b')(csvLine(cells))).toEqual(cells);
  });

  it.each(['=HYPERLINK("http://x")', '+1', '-1+2', '@SUM(A1)', '\tx', '\rx'])(
    'holds no formula: %j is text to a spreadsheet',
    (name) => {
      expect(csvLine([name, 'end'])).toMatch(/^"?'/);
    },
  );

  it('leaves numbers as they are, and shows lists by blanks and nothing as nothing', () => {
    expect(csvLine([-1.5, ['policy', 'spend'], null, true])).toBe('-1.5,policy spend,,true');
  });
});
