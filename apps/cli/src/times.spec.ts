import { describe, expect, it } from '@jest/globals';
import { parseTime } from './times.js';

describe('parseTime', () => {
  it.each([
    ['2026-01-31T12:00:00Z', Date.UTC(2026, 0, 31, 12)],
    ['2026-01-31T12:00:00+02:00', Date.UTC(2026, 0, 31, 10)],
    ['2026-01-31', Date.UTC(2026, 0, 31)],
    ['1767225600', 1_767_225_600_000],
    ['0', 0],
  ])('reads %s', (text, expected) => {
    expect(parseTime(text)).toBe(expected);
  });

  it.each(['2026-01-31T12:00:00', 'yesterday', '', '1e9', '-1', '2026-13-01'])(
    'refuses %p: another machine would read another instant, or none',
    (text) => {
      expect(() => parseTime(text)).toThrow('is no time');
    },
  );
});
