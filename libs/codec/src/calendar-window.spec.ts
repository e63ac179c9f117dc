import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { calendarWindow, isTimeZone } from './calendar-window.js';

const HOUR_MS = 3_600_000;
type Unit = Parameters<typeof calendarWindow>[0];

function windowAt(unit: Unit, zone: string, at: string): [string, string, number] {
  const { startMs, endMs } = calendarWindow(unit, zone, Date.parse(at));
  const iso = (ms: number): string => new Date(ms).toISOString().replace(/:00\.000Z$/, 'Z');
  return [iso(startMs), iso(endMs), (endMs - startMs) / HOUR_MS];
}

describe('a calendar window', () => {
  it.each<readonly [string, Unit, string, string, [string, string, number]]>([
    ['a day', 'day', 'UTC', '2026-03-29T23:59:59.999Z', ['2026-03-29T00:00Z', '2026-03-30T00:00Z', 24]],
    ['the next day', 'day', 'UTC', '2026-03-30T00:00:00Z', ['2026-03-30T00:00Z', '2026-03-31T00:00Z', 24]],
    ['a day of 23 hours', 'day', 'Europe/Amsterdam', '2026-03-29T12:00:00Z', ['2026-03-28T23:00Z', '2026-03-29T22:00Z', 23]],
    ['a day of 25 hours', 'day', 'Europe/Amsterdam', '2026-10-25T00:30:00Z', ['2026-10-24T22:00Z', '2026-10-25T23:00Z', 25]],
    ['a day whose midnight is jumped over', 'day', 'Africa/Cairo', '2026-04-24T12:00:00Z', ['2026-04-23T22:00Z', '2026-04-24T21:00Z', 23]],
    ['a day before a jumped midnight', 'day', 'Africa/Cairo', '2026-04-23T12:00:00Z', ['2026-04-22T22:00Z', '2026-04-23T22:00Z', 24]],
    ['a day whose midnight would come twice', 'day', 'America/Havana', '2026-11-01T04:30:00Z', ['2026-11-01T04:00Z', '2026-11-02T05:00Z', 25]],
    ['a day before a date that never was', 'day', 'Pacific/Apia', '2011-12-30T05:00:00Z', ['2011-12-29T10:00Z', '2011-12-30T10:00Z', 24]],
    ['a week from Monday', 'week', 'America/New_York', '2026-03-08T12:00:00Z', ['2026-03-02T05:00Z', '2026-03-09T04:00Z', 167]],
    ['a month', 'month', 'Asia/Tokyo', '2026-02-28T15:00:00Z', ['2026-02-28T15:00Z', '2026-03-31T15:00Z', 744]],
    ['the month before', 'month', 'Asia/Tokyo', '2026-02-28T14:59:59.999Z', ['2026-01-31T15:00Z', '2026-02-28T15:00Z', 672]],
    ['a year’s end', 'month', 'UTC', '2026-12-31T23:00:00Z', ['2026-12-01T00:00Z', '2027-01-01T00:00Z', 744]],
    ['an hour of a clock at a half', 'hour', 'Asia/Kolkata', '2026-01-01T10:15:00Z', ['2026-01-01T09:30Z', '2026-01-01T10:30Z', 1]],
    ['the first of two equal hours', 'hour', 'Europe/Amsterdam', '2026-10-25T00:30:00Z', ['2026-10-25T00:00Z', '2026-10-25T01:00Z', 1]],
    ['the second of two equal hours', 'hour', 'Europe/Amsterdam', '2026-10-25T01:30:00Z', ['2026-10-25T01:00Z', '2026-10-25T02:00Z', 1]],
    ['an hour cut by half an hour', 'hour', 'Australia/Lord_Howe', '2026-04-04T15:10:00Z', ['2026-04-04T15:00Z', '2026-04-04T15:30Z', 0.5]],
  ])('is %s', (_what, unit, zone, at, expected) => {
    expect(windowAt(unit, zone, at)).toEqual(expected);
  }); // prettier-ignore

  it('holds every instant in exactly one window, without a gap, through every change of the clock', () => {
    const zones = ['UTC', 'Europe/Amsterdam', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo', 'America/Havana', 'Asia/Kathmandu', 'Antarctica/Troll', 'Africa/Casablanca'] as const; // prettier-ignore
    const unit = fc.constantFrom<Unit>('hour', 'day', 'week', 'month');
    const at = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2032, 0, 1) });
    fc.assert(
      fc.property(unit, fc.constantFrom(...zones), at, (per, zone, atMs) => {
        const { startMs, endMs } = calendarWindow(per, zone, atMs);
        expect(startMs <= atMs && atMs < endMs).toBe(true);
        expect(calendarWindow(per, zone, startMs - 1).endMs).toBe(startMs);
        expect(calendarWindow(per, zone, endMs).startMs).toBe(endMs);
      }),
      { numRuns: 2_000 },
    );
  });

  it('has no zone but those of the IANA database, and no offset', () => {
    expect(['UTC', 'Europe/Amsterdam', 'America/Argentina/Ushuaia', 'Etc/GMT+5'].filter(isTimeZone)).toHaveLength(4);
    expect(['', '+01:00', 'Mars/Olympus', 'Europe/', '../etc', 'UTC ', 'x'.repeat(99)].filter(isTimeZone)).toEqual([]);
    expect(() => calendarWindow('day', 'Mars/Olympus', 0)).toThrow('ERR_TIME_ZONE');
  });
});
