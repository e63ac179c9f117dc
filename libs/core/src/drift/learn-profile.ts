import { InvariantError } from '../errors.js';
import type { Sides } from './bets.js';
import { HISTOGRAM_TOTAL_MAX, type Histogram } from './histogram.js';
import { NONE_KNOWN } from './known-counterparties.js';
import { type DriftEvent, type Observation, STRATA, STREAMS, type Stream, observe, stratumOf } from './observe.js';
import type { SpendingProfile, StreamBaseline } from './profile.js';
import { LEARNED_EVENTS_MIN } from './tail-bounds.js';

/** A quarter of the day with less than a thirty-second of the events is quiet. */
const QUIET_SHARE = 32;
/** A window shorter than a week says nothing about hours it may not have reached: no quarter is quiet. */
const QUIET_WINDOW_MS = 604_800_000;
/** Less of a bit than usual is no drift. */
const LEARNED_SIDES: Readonly<Record<Stream, Sides>> = {
  amount: 'both',
  gap: 'both',
  new_counterparty: 'upper',
  denial: 'upper',
};

/**
 * Freezes what a flow did over a stated window. A stream, or a quarter of the day, with fewer than
 * `LEARNED_EVENTS_MIN` observations says too little: the declared profile serves there, or the whole day's law.
 *
 * @param events of the window, in order
 * @param declared what the mandate states
 * @throws {InvariantError} `ERR_BASELINE_TOO_LARGE` at 2^20 events and more
 */
export function learnProfile(events: readonly DriftEvent[], declared: SpendingProfile): SpendingProfile {
  const first = events[0];
  const last = events.at(-1);
  if (events.length >= HISTOGRAM_TOTAL_MAX - 1)
    throw new InvariantError('ERR_BASELINE_TOO_LARGE', `${events.length} events`);
  if (first === undefined || last === undefined || events.length < LEARNED_EVENTS_MIN) return declared;
  const quiet = last.iatMs - first.iatMs < QUIET_WINDOW_MS ? [] : quietStrata(events);
  const observations: Observation[] = [];
  let before: Pick<Observation, 'lastIatMs' | 'known'> = { lastIatMs: null, known: NONE_KNOWN };
  for (const event of events) {
    const observation = observe(event, before, quiet);
    observations.push(observation);
    before = observation;
  }
  const learn = (stream: Stream, index: number): StreamBaseline => {
    const bins = observations.flatMap(({ stratum, bins: all }) => {
      const bin = all[index];
      return typeof bin === 'number' ? [{ stratum, bin }] : [];
    });
    const pooled = count(bins, LEARNED_SIDES[stream]);
    if (pooled === null) return declared.streams[stream];
    const strata = Array.from({ length: STRATA }, (_, stratum) =>
      stream === 'gap' && quiet.includes(stratum)
        ? null // every intent of a quiet quarter is in the lowest bin of the whole day's law
        : count(
            bins.filter((each) => each.stratum === stratum),
            LEARNED_SIDES[stream],
          ),
    );
    return { pooled, strata };
  };
  const [amount, gap, newCounterparty, denial] = STREAMS.map(learn);
  if (amount === undefined || gap === undefined || newCounterparty === undefined || denial === undefined)
    return declared;
  return {
    v: 1,
    learned: { from_ms: first.iatMs, to_ms: last.iatMs, events: events.length },
    quiet,
    streams: { amount, gap, new_counterparty: newCounterparty, denial },
    known: before.known,
  };
}

function quietStrata(events: readonly DriftEvent[]): number[] {
  const counts = new Array<number>(STRATA).fill(0);
  for (const { appendedAtMs } of events) counts[stratumOf(appendedAtMs)] = (counts[stratumOf(appendedAtMs)] ?? 0) + 1;
  return counts.flatMap((each, stratum) => (each * QUIET_SHARE < events.length ? [stratum] : []));
}

function count(bins: readonly { readonly bin: number }[], sides: Sides): Histogram | null {
  if (bins.length < LEARNED_EVENTS_MIN) return null;
  const counts = new Map<number, number>();
  for (const { bin } of bins) counts.set(bin, (counts.get(bin) ?? 0) + 1);
  return { basis: 'learned', sides, bins: [...counts].sort(([a], [b]) => a - b) };
}
