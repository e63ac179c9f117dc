import { InvariantError } from '../errors.js';
import type { Sides } from './bets.js';
import type { Histogram } from './histogram.js';
import { NONE_KNOWN, meetCounterparty } from './known-counterparties.js';
import { LOWEST_BIN, logBin } from './log-bin.js';
import { STRATA } from './observe.js';
import { type SpendingProfile, type StreamBaseline, parseProfile } from './profile.js';

/** Shares are parts of 10,000. */
const WHOLE = 10_000;

/** A share of the intents, and the bound they keep to. */
export interface DeclaredShare {
  /** Amount in major units, or seconds; a canonical decimal. */
  readonly bound: string;
  /** Parts of 10,000; the shares of one list add up to that. */
  readonly share: number;
}

/**
 * What a mandate states of its flow's spending before anything was observed. It is an upper envelope: spending less,
 * less often, at fewer new counterparties is no drift, so a flow well within its profile never alarms.
 */
export interface DeclaredSpending {
  /** At most this amount each; ascending. */
  readonly amounts: readonly DeclaredShare[];
  /** At least these seconds after the intent before; ascending. */
  readonly gapsSeconds: readonly DeclaredShare[];
  /** Intents at a counterparty not among the last 32, parts of 10,000. */
  readonly newCounterparties: number;
  /** Intents that are denied, parts of 10,000. */
  readonly denials: number;
  /** Quarters of the UTC day with next to no spending. */
  readonly quiet: readonly number[];
  /** Intents within those quarters, parts of 10,000. */
  readonly quietShare: number;
  /** Counterparties the flow may be expected at: not new when first met. Of a longer list the last 32 count. */
  readonly counterparties: readonly string[];
}

/** @throws {InvariantError} `ERR_PROFILE_INVALID`: shares that do not add up, bounds that do not ascend */
export function declareProfile(spending: DeclaredSpending): SpendingProfile {
  const { amounts, gapsSeconds, newCounterparties, denials, quiet, quietShare, counterparties } = spending;
  const amountBins = shares(amounts).map(({ bound, share }) => [logBin(bound), share] as const);
  const inQuiet = quiet.length === 0 ? 0 : part(quietShare);
  const gapBins = shares(gapsSeconds).map(
    ({ bound, share }) => [Math.max(LOWEST_BIN + 1, logBin(milliseconds(bound))), share * (WHOLE - inQuiet)] as const,
  );
  const quietBin = inQuiet === 0 ? [] : [[LOWEST_BIN, inQuiet * WHOLE] as const];
  return {
    v: 1,
    learned: null,
    quiet: [...quiet],
    streams: {
      amount: law('upper', amountBins),
      gap: law(
        'lower',
        [...quietBin, ...gapBins].map(([bin, mass]) => [bin, Math.ceil(mass / 128)] as const),
      ),
      new_counterparty: bits(newCounterparties),
      denial: bits(denials),
    },
    known: counterparties.reduce((known, id) => meetCounterparty(known, id).known, NONE_KNOWN),
  };
}

/** Whether a declaration is one; `null` declares nothing, and is. */
export function isDeclarable(spending: DeclaredSpending | null): boolean {
  if (spending === null) return true;
  try {
    return parseProfile(declareProfile(spending)) !== 'unknown';
  } catch (error) {
    if (error instanceof InvariantError && error.code === 'ERR_PROFILE_INVALID') return false;
    throw error;
  }
}

function shares(list: readonly DeclaredShare[]): readonly DeclaredShare[] {
  const sum = list.reduce((before, { share }) => before + part(share), 0);
  if (sum !== WHOLE) throw new InvariantError('ERR_PROFILE_INVALID', `shares add up to ${sum}, not ${WHOLE}`);
  if (!list.every(({ bound }) => /^(0|[1-9][0-9]{0,14})(\.[0-9]{1,18})?$/.test(bound)))
    throw new InvariantError('ERR_PROFILE_INVALID', 'a bound is no decimal');
  return list.filter(({ share }) => share > 0);
}

function part(share: number): number {
  if (!Number.isInteger(share) || share < 0 || share > WHOLE)
    throw new InvariantError('ERR_PROFILE_INVALID', `${share} is no part of ${WHOLE}`);
  return share;
}

/** "1.5" seconds are "1500" ms. */
function milliseconds(seconds: string): string {
  const [whole = '0', fraction = ''] = seconds.split('.');
  return `${whole}${fraction.slice(0, 3).padEnd(3, '0')}`;
}

function bits(ones: number): StreamBaseline {
  const counts = [[0, WHOLE - part(ones)] as const, [1, ones] as const];
  return law(
    'upper',
    counts.filter(([, count]) => count > 0),
  );
}

/** A declared law holds all day. @throws {InvariantError} `ERR_PROFILE_INVALID`: bounds do not ascend */
function law(sides: Sides, bins: readonly (readonly [number, number])[]): StreamBaseline {
  const merged: [number, number][] = [];
  for (const [bin, count] of bins) {
    const last = merged.at(-1);
    if (last !== undefined && bin < last[0]) throw new InvariantError('ERR_PROFILE_INVALID', 'bounds do not ascend');
    if (last !== undefined && bin === last[0]) last[1] += count;
    else merged.push([bin, count]);
  }
  const pooled: Histogram = { basis: 'declared', sides, bins: merged };
  return { pooled, strata: new Array<null>(STRATA).fill(null) };
}
