import { BETS_PER_STREAM, WEALTH_ONE, settleBet } from './bets.js';
import { CARRIERS_MAX, type Carrier, type DriftState, WEALTH_LENGTH } from './drift-state.js';
import { type Rank, RankedHistogram, inTail } from './histogram.js';
import { type DriftEvent, STREAMS, type Stream, observe, seedOf } from './observe.js';
import type { SpendingProfile } from './profile.js';

/** An event that multiplies a bet by less than this carries nothing. In 1/65536. */
const CARRIED_FROM = 2 * 65_536;
/** Evidence below this is no run of anything: what carried it is forgotten. */
const RUN_FROM = 16;

interface RankedStream {
  readonly pooled: RankedHistogram;
  readonly strata: readonly (RankedHistogram | null)[];
}

/** The frozen baseline of a flow made ready to rank events; one per baseline, shared by all its events. */
export class DriftDetector {
  private readonly streams: readonly RankedStream[];

  constructor(private readonly profile: SpendingProfile) {
    this.streams = STREAMS.map((stream) => {
      const { pooled, strata } = profile.streams[stream];
      return {
        pooled: new RankedHistogram(pooled),
        strata: strata.map((each) => (each === null ? null : new RankedHistogram(each))),
      };
    });
  }

  /**
   * Folds one event into a flow's state. Pure: equal arguments give an equal state on every machine, nothing given is
   * changed.
   *
   * Under the baseline's law M − events is a supermartingale for every bet, so for their mean too: evidence reaches 1/α
   * after 1/α events at the earliest, on average.
   */
  advance(state: DriftState, event: DriftEvent): DriftState {
    const seen = observe(event, state, this.profile.quiet);
    const wealth = state.wealth.slice();
    let carriers = state.carriers;
    this.streams.forEach(({ pooled, strata }, stream) => {
      const bin = seen.bins[stream];
      if (typeof bin !== 'number') return; // not observed: no bet is made, M stays
      const histogram = strata[seen.stratum] ?? pooled;
      const rank = histogram.rank(bin, seedOf(event.hash, stream));
      const best = settleStream(wealth, stream * BETS_PER_STREAM, histogram, rank);
      if (best >= CARRIED_FROM) carriers = [...carriers, carrier(event, stream, rank)].slice(-CARRIERS_MAX);
    });
    return {
      baseline: state.baseline,
      events: state.events + 1,
      lastIatMs: seen.lastIatMs,
      known: seen.known,
      wealth,
      carriers: carriers.length > 0 && evidenceOf(wealth) < RUN_FROM ? carriers.slice(-1) : carriers,
    };
  }
}

/** Settles the bets of one stream in place. @returns the best outcome, in 1/65536 */
function settleStream(wealth: number[], offset: number, { bets }: RankedHistogram, rank: Rank): number {
  let best = 0;
  for (let index = 0; index < BETS_PER_STREAM; index += 1) {
    const bet = bets[index];
    if (bet === undefined) continue;
    const outcome = inTail(rank, bet) ? bet.win : bet.lose;
    wealth[offset + index] = settleBet(wealth[offset + index] ?? 0, outcome);
    if (outcome > best) best = outcome;
  }
  return best;
}

function carrier({ intentId }: DriftEvent, stream: number, { place, whole }: Rank): Carrier {
  const rank = Math.min(10_000, Math.floor((place / whole) * 10_000));
  return { intentId, stream: STREAMS[stream] ?? 'amount', rank };
}

/** Mean of M over all bets of all streams: exact, because it is an integer below 2^53 over 2^13. */
function evidenceOf(wealth: readonly number[]): number {
  let sum = 0;
  for (const each of wealth) sum += each;
  return sum / (WEALTH_LENGTH * WEALTH_ONE);
}

/** What speaks for drift, and each stream's part of it: the parts add up to the whole. */
export interface DriftEvidence {
  readonly total: number;
  readonly streams: Readonly<Record<Stream, number>>;
}

export function driftEvidence({ wealth }: DriftState): DriftEvidence {
  const part = (stream: number): number =>
    evidenceOf(wealth.slice(stream * BETS_PER_STREAM, (stream + 1) * BETS_PER_STREAM));
  return {
    total: evidenceOf(wealth),
    streams: { amount: part(0), gap: part(1), new_counterparty: part(2), denial: part(3) },
  };
}
