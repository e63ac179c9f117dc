import { describe, expect, it } from '@jest/globals';
import { claimedIds, expandIds } from '../requirements/requirement-ids.js';

describe('requirement ids', () => {
  it('expands a range with an en dash or a hyphen', () => {
    expect(expandIds('A12–A14, D2')).toEqual(['A12', 'A13', 'A14', 'D2']);
    expect(expandIds('B1-B3')).toEqual(['B1', 'B2', 'B3']);
  });

  it('counts ids at the head of a title only', () => {
    expect(claimedIds('A22, A11: the same artifact twice, E12 in passing')).toEqual(['A22', 'A11']);
    expect(claimedIds('names E12 without claiming it')).toEqual([]);
  });
});
