import { LOWEST_BIN, logBin } from './log-bin.js';
import { meetCounterparty } from './known-counterparties.js';

/** What is watched of a flow, in the order of the state's wealth. */
export const STREAMS = ['amount', 'gap', 'new_counterparty', 'denial'] as const;
export type Stream = (typeof STREAMS)[number];

/** A flow's own verified intent with its outcome. What others present against it is no event of it. */
export interface DriftEvent {
  readonly intentId: string;
  /** Major units, decimal digits without sign or exponent; `null`: none in the flow's currency was asked for. */
  readonly amount: string | null;
  readonly counterparty: string;
  /** The signed `iat`, Unix ms: a backlog does not look like a burst. */
  readonly iatMs: number;
  /** Log append time, Unix ms: the hour of the day is not the sender's to choose. */
  readonly appendedAtMs: number;
  /** `null`: denied for a reason that lies with others, which says nothing. */
  readonly isDenied: boolean | null;
  /** base64url of at least 20 characters: breaks ties between equal ranks, the same on every machine. */
  readonly hash: string;
}

/** Where an event lies on each stream; `null`: not observed this time. */
export interface Observation {
  /** Quarter of the UTC day, 0 to 3. */
  readonly stratum: number;
  readonly bins: readonly (number | null)[];
  readonly lastIatMs: number | null;
  readonly known: string;
}

/** An `iat` further from the append than this says nothing about the pace. */
export const PUNCTUAL_MS = 300_000;
const QUARTER_DAY_MS = 21_600_000;
export const STRATA = 4;

/**
 * Places an event on the four streams. An `iat` that goes back, or is not within 5 minutes of the append, gives no gap. In hours in which the baseline has next to
 * none, any intent comes too soon: the lowest bin.
 */
export function observe(
  event: DriftEvent,
  before: { readonly lastIatMs: number | null; readonly known: string },
  quiet: readonly number[],
): Observation {
  const stratum = stratumOf(event.appendedAtMs);
  const isPunctual = Math.abs(event.appendedAtMs - event.iatMs) <= PUNCTUAL_MS;
  const { isNew, known } = meetCounterparty(before.known, event.counterparty);
  const last = before.lastIatMs;
  const bins = [
    event.amount === null ? null : logBin(event.amount),
    gapBin(isPunctual ? event.iatMs : null, last, quiet.includes(stratum)),
    bit(isNew),
    event.isDenied === null ? null : bit(event.isDenied),
  ];
  return { stratum, bins, lastIatMs: isPunctual ? Math.max(last ?? event.iatMs, event.iatMs) : last, known };
}

export function stratumOf(atMs: number): number {
  return Math.floor(atMs / QUARTER_DAY_MS) % STRATA;
}

function gapBin(iatMs: number | null, last: number | null, isQuiet: boolean): number | null {
  if (isQuiet) return LOWEST_BIN;
  if (iatMs === null || last === null || iatMs < last) return null;
  return Math.max(LOWEST_BIN + 1, logBin(String(iatMs - last)));
}

function bit(is: boolean): number {
  return is ? 1 : 0;
}

/** 30 bits for each stream, from the event's hash. */
export function seedOf(hash: string, stream: number): number {
  let seed = 0;
  for (let at = stream * 5; at < stream * 5 + 5; at += 1) seed = seed * 64 + (SEXTET[hash.charCodeAt(at) & 127] ?? 0);
  return seed;
}

const SEXTET: readonly number[] = sextets();

function sextets(): number[] {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const table = new Array<number>(128).fill(0);
  for (let value = 0; value < 64; value += 1) table[letters.charCodeAt(value)] = value;
  return table;
}
