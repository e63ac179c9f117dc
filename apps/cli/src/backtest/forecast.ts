import { quantile, spreadOf } from './sample.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The Unix epoch was a Thursday; slots only need to repeat. */
const SEASONS = [
  { slots: 24, periodMs: DAY_MS, spanMs: 2 * DAY_MS },
  { slots: 168, periodMs: 7 * DAY_MS, spanMs: 14 * DAY_MS },
] as const;
/** A season must explain a fifth of the spread, or it is not one. */
const EXPLAINS = 0.8;
const CARRY_MAX = 0.99;

export interface Point {
  readonly atMs: number | null;
  readonly amount: number;
}

/** What a series usually does at an hour, and how much of a deviation carries over to the next row. Learned once, frozen. */
export interface Forecast {
  readonly periodMs: number;
  /** Usual value by slot of the period; one slot: no season. */
  readonly usual: readonly number[];
  readonly carry: number;
}

/** @param points the leading window, in order; at least one */
export function learnForecast(points: readonly Point[]): Forecast {
  const forecast = SEASONS.reduce<Forecast>((best, season) => learnSeason(points, season) ?? best, flatOver(points));
  const deviations = points.map((point) => deviation(forecast, point));
  return { ...forecast, carry: carryOf(deviations, spreadOf(deviations, 0)) };
}

function flatOver(points: readonly Point[]): Forecast {
  return {
    periodMs: DAY_MS,
    usual: [
      quantile(
        points.map(({ amount }) => amount),
        0.5,
      ),
    ],
    carry: 0,
  };
}

/** A season counts when the first half of the window foretells the second: else chance looks like one. */
function learnSeason(points: readonly Point[], { slots, periodMs, spanMs }: (typeof SEASONS)[number]): Forecast | null {
  const [first, last] = [points[0]?.atMs ?? null, points.at(-1)?.atMs ?? null];
  if (first === null || last === null || last - first < spanMs) return null;
  const middle = points.length >>> 1;
  const earlier = usualBySlot(points.slice(0, middle), slots, periodMs);
  const usual = usualBySlot(points, slots, periodMs);
  if (earlier === null || usual === null) return null;
  const later = points.slice(middle);
  const left = spreadAround(later, { periodMs, usual: earlier, carry: 0 });
  return left <= EXPLAINS * spreadAround(later, flatOver(points)) ? { periodMs, usual, carry: 0 } : null;
}

/** How far a point is from what is usual at its time: between the middles of two slots, from both. */
export function deviation({ usual, periodMs }: Forecast, { atMs, amount }: Point): number {
  const slots = usual.length;
  if (atMs === null || slots === 1) return amount - (usual[0] ?? 0);
  const place = placeOf(atMs, slots, periodMs) - 0.5 + slots;
  const before = Math.floor(place);
  const from = usual[before % slots] ?? 0;
  const to = usual[(before + 1) % slots] ?? 0;
  return amount - (from + (place - before) * (to - from));
}

/** 0 to `slots`. */
function placeOf(atMs: number, slots: number, periodMs: number): number {
  return ((((atMs % periodMs) + periodMs) % periodMs) / periodMs) * slots;
}

/** Medians; `null` when a slot was seen less than three times. */
function usualBySlot(points: readonly Point[], slots: number, periodMs: number): number[] | null {
  const bySlot = Array.from({ length: slots }, (): number[] => []);
  for (const { atMs, amount } of points) bySlot[Math.floor(placeOf(atMs ?? 0, slots, periodMs))]?.push(amount);
  return bySlot.some((values) => values.length < 3) ? null : bySlot.map((values) => quantile(values, 0.5));
}

function spreadAround(points: readonly Point[], forecast: Forecast): number {
  return spreadOf(
    points.map((point) => deviation(forecast, point)),
    0,
  );
}

/** Lag-1 autocorrelation; outliers are clipped, so that one of them does not decide it. */
function carryOf(deviations: readonly number[], spread: number): number {
  const clipped = deviations.map((each) => Math.max(-4 * spread, Math.min(4 * spread, each)));
  const mean = clipped.reduce((sum, each) => sum + each, 0) / clipped.length;
  let together = 0;
  let alone = 0;
  clipped.forEach((each, index) => {
    alone += (each - mean) ** 2;
    if (index > 0) together += (each - mean) * ((clipped[index - 1] ?? mean) - mean);
  });
  return alone === 0 ? 0 : Math.max(0, Math.min(CARRY_MAX, together / alone));
}
