import { type LimitWindow, type WindowBounds, TOTAL_BOUNDS, rollingBounds } from '@spendgate/core';
import { calendarWindow, isTimeZone } from './calendar-window.js';

/**
 * Where an instant stands in the window of a limit.
 *
 * @param window `null`: in total @param atMs Unix ms
 * @returns `null`: a zone this release does not know; without bounds the limit denies
 */
export function windowBounds(window: LimitWindow | null, atMs: number): WindowBounds | null {
  if (window === null) return TOTAL_BOUNDS;
  if ('seconds' in window) return rollingBounds(window.seconds, atMs);
  if (!isTimeZone(window.zone)) return null;
  const { startMs, endMs } = calendarWindow(window.unit, window.zone, atMs);
  return { fromMs: startMs, bucketMs: startMs, untilMs: endMs };
}
