import { type CalendarUnit, InvariantError } from '@spendgate/core';

/** A calendar window, Unix ms: from its first instant to the first one after it. */
export interface CalendarWindow {
  readonly startMs: number;
  readonly endMs: number;
}

const HOUR_MS = 3_600_000;
/** Farther from a local midnight than any zone's offset, nearer than two changes of the clock ever came. */
const AROUND_MS = 36 * HOUR_MS;
/** Names of the IANA database; no offset (`+01:00`), which is no place and knows no summer. */
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+-]{0,31}(\/[A-Za-z0-9_+-]{1,31}){0,2}$/;
/** Zones a process keeps a formatter for: the IANA database names about 600. */
const ZONES_MAX = 1_000;

/** Whether a name is a time zone of the IANA database this release carries (ICU). */
export function isTimeZone(name: string): boolean {
  if (!ZONE_NAME.test(name)) return false;
  return clockOf(name) !== null;
}

/**
 * The calendar window an instant lies in, by the clock of a zone. A day has 23, 24 or 25 hours, as the clock has; where
 * the clock jumps over midnight, the day begins when it has jumped. An hour is always as long as an hour, and begins
 * when the minute hand passes twelve.
 *
 * @param atMs Unix ms @throws {InvariantError} `ERR_TIME_ZONE`: a zone nobody knows; it was checked when it was signed
 */
export function calendarWindow(unit: CalendarUnit, zone: string, atMs: number): CalendarWindow {
  const known = last.get(`${unit}/${zone}`);
  if (known !== undefined && atMs >= known.startMs && atMs < known.endMs) return known;
  const found = unit === 'hour' ? hourWindow(zone, atMs) : dateWindow(unit, zone, atMs);
  if (last.size >= ZONES_MAX) last.clear();
  last.set(`${unit}/${zone}`, found);
  return found;
}

/** Intents come in the order of time, so the window of the last one is nearly always that of the next. */
const last = new Map<string, CalendarWindow>();

/** Where a zone's clock is turned by half an hour, the hour it happens in is cut in two. */
function hourWindow(zone: string, atMs: number): CalendarWindow {
  const offset = offsetAt(zone, atMs);
  const startMs = atMs - modulo(atMs + offset, HOUR_MS);
  const endMs = startMs + HOUR_MS;
  const isOther = (instant: number): boolean => modulo(offsetAt(zone, instant) - offset, HOUR_MS) !== 0;
  return {
    startMs: isOther(startMs) ? changeBetween(zone, startMs, atMs) : startMs,
    endMs: isOther(endMs - 1) ? changeBetween(zone, atMs, endMs - 1) : endMs,
  };
}

function dateWindow(unit: Exclude<CalendarUnit, 'hour'>, zone: string, atMs: number): CalendarWindow {
  const local = new Date(atMs + offsetAt(zone, atMs)); // the clock's face, read as if it were UTC
  const [year, month, day] = [local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate()];
  const monday = day - modulo(local.getUTCDay() - 1, 7);
  const [from, until] = {
    day: [Date.UTC(year, month, day), Date.UTC(year, month, day + 1)],
    week: [Date.UTC(year, month, monday), Date.UTC(year, month, monday + 7)],
    month: [Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1)],
  }[unit] as [number, number]; // as: two each
  return { startMs: firstInstant(zone, from), endMs: firstInstant(zone, until) };
}

/** First instant at which the clock shows a local time, or has jumped over it. @param face the time as if it were UTC */
function firstInstant(zone: string, face: number): number {
  const [before, after] = [offsetAt(zone, face - AROUND_MS), offsetAt(zone, face + AROUND_MS)];
  // The larger offset is the earlier instant; a face the clock shows twice begins the first time.
  const candidates = [face - Math.max(before, after), face - Math.min(before, after)];
  const shown = candidates.find((instant) => instant + offsetAt(zone, instant) === face);
  return shown ?? changeBetween(zone, face - Math.max(before, after), face - Math.min(before, after));
}

/** First instant after `fromMs` and up to `untilMs` at which the clock has another offset than at `fromMs`. */
function changeBetween(zone: string, fromMs: number, untilMs: number): number {
  const offset = offsetAt(zone, fromMs);
  let [low, high] = [fromMs, untilMs];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(zone, middle) === offset) low = middle;
    else high = middle;
  }
  return high;
}

/** What a zone's clock is ahead of UTC, ms. */
function offsetAt(zone: string, atMs: number): number {
  const clock = clockOf(zone);
  if (clock === null) throw new InvariantError('ERR_TIME_ZONE', `no time zone "${zone}"`);
  const face: Record<string, number> = {};
  for (const { type, value } of clock.formatToParts(atMs)) face[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = face;
  return Date.UTC(year, month - 1, day, hour, minute, second) - (atMs - modulo(atMs, 1_000));
}

const clocks = new Map<string, Intl.DateTimeFormat | null>();

function clockOf(zone: string): Intl.DateTimeFormat | null {
  const known = clocks.get(zone);
  if (known !== undefined) return known;
  const made = makeClock(zone);
  if (clocks.size >= ZONES_MAX) clocks.clear();
  clocks.set(zone, made);
  return made;
}

/** `null`: Intl knows no such zone (ECMA-402 §11.1.2: a RangeError). */
function makeClock(timeZone: string): Intl.DateTimeFormat | null {
  const part = 'numeric';
  const parts = { year: part, month: part, day: part, hour: part, minute: part, second: part } as const;
  try {
    return new Intl.DateTimeFormat('en-US', { ...parts, timeZone, calendar: 'gregory', hourCycle: 'h23' });
  } catch {
    return null;
  }
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
