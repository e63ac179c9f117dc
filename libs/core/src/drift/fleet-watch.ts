/**
 * Tier C: one number a minute of the whole domain (decisions, denials of one code, captures …). It tells people that a
 * level broke or that something began which was not there; it halts nothing, because nobody in particular did it.
 */
export interface FleetSeries {
  /** The values of the minutes before, oldest first, at most `FLEET_MINUTES`; whole numbers ≥ 0. */
  readonly minutes: readonly number[];
}

export type FleetAlert = 'none' | 'level' | 'novelty';

export interface FleetFinding {
  readonly alert: FleetAlert;
  /** The middle of the hour before, and how far from it is usual. */
  readonly usual: number;
  readonly spread: number;
  readonly series: FleetSeries;
}

export const FLEET_MINUTES = 60;
/** Fewer minutes say too little for an alert. */
const MINUTES_MIN = 20;
/** Spreads away from the middle: a level, no fluctuation. */
const SPREADS = 8;
/** Events of a kind that was not there for an hour. */
const NOVEL_FROM = 5;

export const NO_FLEET_HISTORY: FleetSeries = { minutes: [] };

/**
 * Judges one more minute against the hour before it, by median and median deviation: an outlier within that hour moves
 * neither. A spread is at least √usual in whole numbers, which is how much counts fluctuate by themselves.
 *
 * @param value of the minute that ended, a whole number ≥ 0
 */
export function watchFleet({ minutes }: FleetSeries, value: number): FleetFinding {
  const usual = median(minutes);
  const spread = Math.max(1, median(minutes.map((each) => Math.abs(each - usual))), wholeRoot(usual));
  const series = { minutes: [...minutes, value].slice(-FLEET_MINUTES) };
  return { alert: alertOf(minutes, value, usual, spread), usual, spread, series };
}

function alertOf(minutes: readonly number[], value: number, usual: number, spread: number): FleetAlert {
  if (minutes.length < MINUTES_MIN) return 'none';
  if (value >= NOVEL_FROM && minutes.every((each) => each === 0)) return 'novelty';
  return Math.abs(value - usual) > SPREADS * spread ? 'level' : 'none';
}

/** The upper of the two in the middle; 0 of none. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >>> 1] ?? 0;
}

/** Largest whole number whose square is not above the value. */
function wholeRoot(value: number): number {
  let root = Math.floor(Math.sqrt(value));
  while (root * root > value) root -= 1;
  return root;
}
