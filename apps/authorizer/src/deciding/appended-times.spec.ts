import { describe, expect, it } from '@jest/globals';
import { AppendedTimes } from './appended-times.js';

describe('append times of a lane', () => {
  it('never go back, whatever the log says', () => {
    const times = new AppendedTimes(1_000, 5_000);
    expect([900, 1_200, 1_100].map((at) => times.next(at))).toEqual([1_000, 1_200, 1_200]);
    expect(times.mark).toBe(1_200);
  });

  it('refuse a record more than 30 s ahead of the database and leave the mark alone', () => {
    const times = new AppendedTimes(1_000, 5_000);
    expect(times.next(35_001)).toBeUndefined();
    expect([times.mark, times.next(Number.NaN)]).toEqual([1_000, undefined]);
    expect(times.next(35_000)).toBe(35_000);
  });
});
