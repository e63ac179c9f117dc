import type { Json } from '../admission/types.js';
import * as read from '../frozen.js';
import { DRIFT_MODES } from './judge-drift.js';
import { NONE_KNOWN } from './known-counterparties.js';
import { STRATA, STREAMS, stratumOf } from './observe.js';
import { type SpendingProfile, parseProfile } from './profile.js';
import type { SpendingWatch } from './watch-spending.js';
import { InvariantError } from '../errors.js';

/** By profile and stratum: every decision of a quarter of the day stores the same. */
const FROZEN = new WeakMap<SpendingProfile, Map<number, Json>>();

/**
 * What one event is ranked against, by value: of each stream the law of the event's quarter of the day. The hash names
 * the whole profile, which the flow's baseline in the log holds.
 *
 * @param appendedAtMs of the event
 */
export function freezeWatch({ profileHash, profile, thresholds, mode }: SpendingWatch, appendedAtMs: number): Json {
  const stratum = stratumOf(appendedAtMs);
  const { halt, warn } = thresholds;
  return { halt, mode, profile: profileHash, ranked_by: applied(profile, stratum), warn };
}

function applied(profile: SpendingProfile, stratum: number): Json {
  const strata = FROZEN.get(profile) ?? new Map<number, Json>();
  FROZEN.set(profile, strata);
  const known = strata.get(stratum);
  if (known !== undefined) return known;
  const laws = STREAMS.map((stream) => {
    const { pooled, strata: own } = profile.streams[stream];
    const { basis, bins, sides } = own[stratum] ?? pooled;
    return { basis, bins: bins.map(([bin, count]) => [bin, count]), sides };
  });
  const frozen: Json = { quiet: [...profile.quiet], streams: laws };
  strata.set(stratum, frozen);
  return frozen;
}

/** @returns a watch that judges events of that quarter of the day as the frozen one did @throws {InvariantError} `ERR_READ_SET_DAMAGED` */
export function thawWatch(value: Json): SpendingWatch {
  const frozen = read.object(value, 'watch');
  const { quiet, streams } = read.object(frozen.ranked_by, 'ranked_by');
  const laws = read.list(streams, 'streams').map((pooled) => ({ pooled, strata: new Array<null>(STRATA).fill(null) }));
  const [amount, gap, newCounterparty, denial] = laws;
  const profile = parseProfile({
    v: 1,
    learned: null,
    quiet,
    streams: { amount, gap, new_counterparty: newCounterparty, denial },
    known: NONE_KNOWN,
  });
  if (profile === 'unknown') throw new InvariantError('ERR_READ_SET_DAMAGED', '"ranked_by" is no profile');
  return {
    profileHash: read.text(frozen.profile, 'profile'),
    profile,
    thresholds: { warn: read.number(frozen.warn, 'warn'), halt: read.number(frozen.halt, 'halt') },
    mode: read.word(frozen.mode, 'mode', DRIFT_MODES),
  };
}
