import { BASES, SIDES } from './bets.js';
import { HISTOGRAM_TOTAL_MAX, type Histogram } from './histogram.js';
import { isKnownList } from './known-counterparties.js';
import { BINS_MAX, isBin } from './log-bin.js';
import { STRATA, STREAMS, type Stream } from './observe.js';
import { LEARNED_EVENTS_MIN } from './tail-bounds.js';

/** One stream's law: of the whole day, and of each quarter of it that has a law of its own. */
export interface StreamBaseline {
  readonly pooled: Histogram;
  /** By stratum; `null`: the pooled one serves. */
  readonly strata: readonly (Histogram | null)[];
}

/**
 * How a flow spends before drift: the spending profile of its baseline. Plain JSON, so that its canonical form (RFC 8785)
 * is its identity. It never changes: another one is another signed baseline.
 */
export interface SpendingProfile {
  readonly v: 1;
  /** What it was learned from, Unix ms, first and last signed `iat`; `null`: declared, nothing was observed. */
  readonly learned: { readonly from_ms: number; readonly to_ms: number; readonly events: number } | null;
  /** Quarters of the UTC day (0 to 3) in which the flow does next to nothing. */
  readonly quiet: readonly number[];
  readonly streams: Readonly<Record<Stream, StreamBaseline>>;
  /** Counterparties known when it was frozen. */
  readonly known: string;
}

/** Reads a profile back. Anything unexpected makes it `'unknown'`, which denies: there is no profile to fall back on. */
export function parseProfile(value: unknown): SpendingProfile | 'unknown' {
  if (!isRecord(value) || value.v !== 1 || !isRecord(value.streams)) return 'unknown';
  const { learned, quiet, streams, known } = value;
  const isWhole =
    (learned === null || isWindow(learned)) &&
    Array.isArray(quiet) &&
    quiet.every((each) => Number.isInteger(each) && Number(each) >= 0 && Number(each) < STRATA) &&
    hasOnly(value, ['v', 'learned', 'quiet', 'streams', 'known']) &&
    hasOnly(streams, STREAMS) &&
    STREAMS.every((stream) => isStreamBaseline(streams[stream])) &&
    isKnownList(known);
  // every member was checked one by one above
  return isWhole ? (value as unknown as SpendingProfile) : 'unknown';
}

function isStreamBaseline(value: unknown): boolean {
  if (!isRecord(value) || !hasOnly(value, ['pooled', 'strata']) || !Array.isArray(value.strata)) return false;
  const { strata } = value;
  return (
    isHistogram(value.pooled) && strata.length === STRATA && strata.every((each) => each === null || isHistogram(each))
  );
}

function isHistogram(value: unknown): boolean {
  if (!isRecord(value) || !hasOnly(value, ['basis', 'sides', 'bins']) || !Array.isArray(value.bins)) return false;
  const bins: readonly unknown[] = value.bins;
  if (bins.length === 0 || bins.length > BINS_MAX) return false;
  let total = 0;
  let last = -Infinity;
  for (const entry of bins) {
    if (!Array.isArray(entry) || entry.length !== 2) return false;
    const [bin, count]: readonly unknown[] = entry as readonly unknown[];
    if (!isBin(bin) || bin <= last || !Number.isSafeInteger(count) || Number(count) < 1) return false;
    last = bin;
    total += Number(count);
  }
  const { basis, sides } = value;
  const least = basis === 'learned' ? LEARNED_EVENTS_MIN : 1;
  const isNamed = BASES.some((each) => each === basis) && SIDES.some((each) => each === sides);
  return isNamed && total >= least && total < HISTOGRAM_TOTAL_MAX;
}

function isWindow(value: unknown): boolean {
  const names = ['from_ms', 'to_ms', 'events'];
  return isRecord(value) && hasOnly(value, names) && names.every((name) => Number.isSafeInteger(value[name]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasOnly(value: object, names: readonly string[]): boolean {
  return Object.keys(value).length === names.length && names.every((name) => Object.hasOwn(value, name));
}
