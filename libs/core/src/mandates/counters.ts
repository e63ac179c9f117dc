import { Decimal } from 'decimal.js';
import { ZERO } from '../money.js';
import { EACH_COUNTERPARTY } from './types.js';
import type { CountedLimit, CountedTerms, LimitWindow, Mandate, Payee, WindowBounds } from './types.js';

/** Buckets a rolling window is divided into; the one it begins in is counted in full. */
const ROLLING_BUCKETS = 60;
/** Places of a rolling counter: its buckets and the one a window begins in. A bucket's place is taken again after that. */
const ROLLING_PLACES = ROLLING_BUCKETS + 1;

/** What entered a counter in one window, or one bucket of a rolling one. */
export interface Bucket {
  readonly startsMs: number;
  /** Major units. */
  readonly amount: Decimal;
  readonly count: number;
}
/** The sums of one counter, one per place, in any order. */
export type Counter = readonly Bucket[];

/** One counter of one mandate. Limits that add up the same spends share it. */
export interface CounterKey {
  readonly mandate: string;
  /** Window and subject: `day/Europe/Paris`, `rolling/3600 category/5411`, `total counterparty/acme`. */
  readonly counter: string;
}
/** A counter a spend counts in, and how it divides time. */
export interface CounterUse extends CounterKey {
  readonly window: LimitWindow | null;
}
/** Where a spend entered a counter: what is taken out again is taken out here. */
export interface CounterEntry extends CounterKey {
  /** Depth of the mandate: its place in the path. */
  readonly depth: number;
  readonly slot: number;
  readonly startsMs: number;
}

/** By `counterId`: what stands in the counters, and where the spend in hand stands in them. */
export type Counters = ReadonlyMap<string, Counter>;
export type Bounds = ReadonlyMap<string, WindowBounds>;

export function counterId({ mandate, counter }: CounterKey): string {
  return `${mandate} ${counter}`;
}

/** The counters of a mandate that a spend at this payee counts in, each once. */
export function countersOf(mandate: Mandate, payee: Payee): readonly CounterUse[] {
  const uses = new Map<string, CounterUse>();
  for (const terms of mandate.countedLimits) {
    const counter = counterOf(terms, payee);
    if (counter !== null) uses.set(counter, { mandate: mandate.id, counter, window: terms.window });
  }
  return [...uses.values()];
}

/** The counted limits that bear on a spend. A sum nobody could read, or place in time, is `'unknown'`. */
export function countedLimits(mandate: Mandate, payee: Payee, counters: Counters, bounds: Bounds): CountedLimit[] {
  return mandate.countedLimits.flatMap((terms): CountedLimit[] => {
    const counter = counterOf(terms, payee);
    if (counter === null) return [];
    const id = counterId({ mandate: mandate.id, counter });
    const window = bounds.get(id) ?? null;
    const used = usedOf(counters.get(id) ?? [], window);
    const kind = subjectOf(terms, payee) === '' ? 'window' : 'counterparty';
    const measure = (of: 'amount' | 'count', limit: Decimal): CountedLimit => ({
      ...{ kind, of, limit, window, name: of === 'amount' ? nameOf(terms) : `${nameOf(terms)}${COUNT}` },
      used: used === 'unknown' ? used : used[of],
    });
    return [
      ...(terms.amount === null ? [] : [measure('amount', terms.amount)]),
      ...(terms.count === null ? [] : [measure('count', new Decimal(terms.count))]),
    ];
  });
}

/** Whether a limit's name, as it is shown, is that of a number of spends. */
export function isCount(name: string): boolean {
  return name.endsWith(COUNT);
}
const COUNT = '/count';

/** Whether a limit's name, as it is shown, stands for a sum per counterparty. */
export function isPerCounterparty(name: string): boolean {
  return name.startsWith(PER_COUNTERPARTY);
}
const PER_COUNTERPARTY = 'each_counterparty';

/** Where a spend enters the counters of a level. */
export function entriesOf(mandate: Mandate, payee: Payee, bounds: Bounds): CounterEntry[] {
  return countersOf(mandate, payee).flatMap((use) => {
    const at = bounds.get(counterId(use));
    if (at === undefined) return []; // such a spend was denied
    const { counter, window } = use;
    return [{ mandate: mandate.id, depth: mandate.depth, counter, slot: slotOf(window, at), startsMs: at.bucketMs }];
  });
}

/**
 * A counter after a spend entered, or with a negative amount after one was taken out. A place goes to the newer bucket:
 * what was in it counts no more, and nothing is taken out of what is not there.
 */
export function changeCounter(counter: Counter, startsMs: number, amount: Decimal, count: number): Counter {
  const bucket = counter.find((each) => each.startsMs === startsMs);
  if (bucket === undefined) return count > 0 ? [...counter, { startsMs, amount, count }] : counter;
  const changed = { startsMs, amount: bucket.amount.plus(amount), count: bucket.count + count };
  return counter.map((each) => (each === bucket ? changed : each));
}

/** In total: everything ever counted. */
export const TOTAL_BOUNDS: WindowBounds = { fromMs: 0, bucketMs: 0, untilMs: null };

/**
 * Bounds of a rolling window that ends at `atMs`: from the beginning of the bucket in which it begins, so that it counts
 * a sixtieth of its length too much at most, and never too little.
 */
export function rollingBounds(seconds: number, atMs: number): WindowBounds {
  const width = bucketWidth(seconds);
  const bucketMs = Math.floor(atMs / width) * width;
  return { fromMs: Math.floor((atMs - seconds * 1000) / width) * width, bucketMs, untilMs: bucketMs + width };
}

/** Whether two limits add up the same spends, or the child's only part of them. */
export function isSameSum(child: CountedTerms, parent: CountedTerms): boolean {
  const counterparty =
    child.counterparty === parent.counterparty ||
    (child.counterparty !== null && parent.counterparty === EACH_COUNTERPARTY);
  return counterparty && child.category === parent.category && windowName(child.window) === windowName(parent.window);
}

/** The name of a window in counters: equal windows, equal names. */
export function windowName(window: LimitWindow | null): string {
  if (window === null) return 'total';
  return 'seconds' in window ? `rolling/${window.seconds}` : `${window.unit}/${window.zone}`;
}

/** Milliseconds of a bucket; sixty of them are no shorter than the window. */
function bucketWidth(seconds: number): number {
  return Math.ceil((seconds * 1000) / ROLLING_BUCKETS);
}

function slotOf(window: LimitWindow | null, { bucketMs }: WindowBounds): number {
  if (window === null || !('seconds' in window)) return 0;
  return (bucketMs / bucketWidth(window.seconds)) % ROLLING_PLACES;
}

/** `null`: the limit does not count spends at this payee. */
function counterOf(terms: CountedTerms, payee: Payee): string | null {
  const subject = subjectOf(terms, payee);
  return subject === null ? null : `${windowName(terms.window)}${subject}`;
}

function subjectOf({ counterparty, category }: CountedTerms, payee: Payee): string | null {
  if (counterparty !== null) {
    const counts = counterparty === EACH_COUNTERPARTY || counterparty === payee.id;
    return counts ? ` counterparty/${payee.id}` : null;
  }
  if (category === null) return '';
  return category === payee.category ? ` category/${category}` : null;
}

function nameOf({ window, counterparty, category }: CountedTerms): string {
  const per = window === null ? [] : [`per_${'seconds' in window ? `${window.seconds}s` : window.unit}`];
  const subject = counterparty === EACH_COUNTERPARTY ? PER_COUNTERPARTY : `counterparty:${counterparty ?? ''}`;
  const whom = counterparty !== null ? [subject] : category === null ? [] : [`category:${category}`];
  return [...whom, ...per].join('/');
}

/** A bucket later than the spend's own means that the spend came to the wrong place in time: nobody knows what counts. */
function usedOf(counter: Counter, window: WindowBounds | null): Record<'amount' | 'count', Decimal> | 'unknown' {
  if (window === null) return 'unknown';
  let [amount, count] = [ZERO, 0];
  for (const bucket of counter) {
    if (bucket.startsMs > window.bucketMs) return 'unknown';
    if (bucket.startsMs < window.fromMs) continue;
    amount = amount.plus(bucket.amount);
    count += bucket.count;
  }
  return { amount, count: new Decimal(count) };
}
