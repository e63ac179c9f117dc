import { BETS_PER_STREAM, WEALTH_MAX } from './bets.js';
import { NONE_KNOWN, isKnownList } from './known-counterparties.js';
import { STREAMS, type Stream } from './observe.js';
import type { SpendingProfile } from './profile.js';

/** An event that won a bet, and the stream it won on: what a person reads as the reason. */
export interface Carrier {
  readonly intentId: string;
  readonly stream: Stream;
  /** Rank in the baseline, parts of 10,000. */
  readonly rank: number;
}

/** What a detector remembers of one flow: fixed in size, at most `DRIFT_STATE_BYTES_MAX` as canonical JSON. */
export interface DriftState {
  /** base64url SHA-256 of the profile it was ranked against: it says nothing about another one. */
  readonly baseline: string;
  readonly events: number;
  readonly lastIatMs: number | null;
  readonly known: string;
  /** M of each bet, in 1/256: eight a stream, in the order of `STREAMS`. */
  readonly wealth: readonly number[];
  /** The latest, oldest first. */
  readonly carriers: readonly Carrier[];
}

export const DRIFT_STATE_BYTES_MAX = 1_024;
export const CARRIERS_MAX = 5;
export const WEALTH_LENGTH = STREAMS.length * BETS_PER_STREAM;
/** 46 bits in base64url. */
const WEALTH_CHARS = 8;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const HASH = /^[A-Za-z0-9_-]{43}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The state in which a signed baseline starts. There is no other way to an empty one. */
export function startDrift(profile: SpendingProfile, baselineHash: string): DriftState {
  const wealth = new Array<number>(WEALTH_LENGTH).fill(0);
  const lastIatMs = profile.learned?.to_ms ?? null;
  return { baseline: baselineHash, events: 0, lastIatMs, known: profile.known || NONE_KNOWN, wealth, carriers: [] };
}

/** The state as plain JSON, its members in RFC 8785 order. */
export type FrozenDrift = Readonly<Record<string, string | number | null | readonly (readonly (string | number)[])[]>>;

export function freezeDrift(state: DriftState): FrozenDrift {
  return {
    baseline: state.baseline,
    carriers: state.carriers.map(({ intentId, stream, rank }) => [intentId, STREAMS.indexOf(stream), rank]),
    events: state.events,
    known: state.known,
    last_iat_ms: state.lastIatMs,
    v: 1,
    wealth: state.wealth.map(wealthText).join(''),
  };
}

/**
 * Reads a stored state back. Lost, damaged, or of another baseline: `'unknown'`, which makes the flow unverifiable and
 * denies. It is never begun anew silently.
 */
export function thawDrift(value: unknown, baselineHash: string): DriftState | 'unknown' {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'unknown';
  const { baseline, carriers, events, known, last_iat_ms: lastIatMs, v, wealth } = value as Record<string, unknown>;
  const isWhole =
    Object.keys(value).length === 7 &&
    v === 1 &&
    typeof baseline === 'string' &&
    baseline === baselineHash &&
    HASH.test(baseline) &&
    isCount(events) &&
    (lastIatMs === null || isCount(lastIatMs)) &&
    isKnownList(known);
  if (!isWhole) return 'unknown';
  const amounts = readWealth(wealth);
  const read = readCarriers(carriers);
  if (amounts === null || read === null) return 'unknown';
  return { baseline, events, lastIatMs, known, wealth: amounts, carriers: read };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function wealthText(wealth: number): string {
  let text = '';
  for (let rest = wealth, digit = 0; digit < WEALTH_CHARS; digit += 1) {
    const upper = Math.floor(rest / 64);
    text = ALPHABET.charAt(rest - upper * 64) + text;
    rest = upper;
  }
  return text;
}

function readWealth(text: unknown): number[] | null {
  if (typeof text !== 'string' || text.length !== WEALTH_LENGTH * WEALTH_CHARS) return null;
  const wealth: number[] = [];
  for (let start = 0; start < text.length; start += WEALTH_CHARS) {
    let amount = 0;
    for (let at = start; at < start + WEALTH_CHARS; at += 1) {
      const digit = ALPHABET.indexOf(text.charAt(at));
      if (digit < 0) return null;
      amount = amount * 64 + digit;
    }
    if (amount > WEALTH_MAX) return null;
    wealth.push(amount);
  }
  return wealth;
}

function readCarriers(value: unknown): Carrier[] | null {
  if (!Array.isArray(value) || value.length > CARRIERS_MAX) return null;
  const carriers: Carrier[] = [];
  for (const entry of value as readonly unknown[]) {
    if (!Array.isArray(entry) || entry.length !== 3) return null;
    const [intentId, index, rank]: readonly unknown[] = entry as readonly unknown[];
    const stream = STREAMS.find((_, at) => at === index);
    const isRank = isCount(rank) && rank <= 10_000;
    if (typeof intentId !== 'string' || !UUID.test(intentId) || stream === undefined || !isRank) return null;
    carriers.push({ intentId, stream, rank });
  }
  return carriers;
}
