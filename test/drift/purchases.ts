import { readFileSync } from 'node:fs';
import {
  DriftDetector,
  type DriftEvent,
  type DriftState,
  type DriftThresholds,
  type SpendingProfile,
  declareProfile,
  judgeDrift,
  learnProfile,
  startDrift,
} from '@spendgate/core';
import { Draws, eventOf } from './draws.js';
import { BASELINE_HASH } from './run-attacks.js';

/** One purchase of the CDNOW data (Fader and Hardie). */
export interface Purchase {
  readonly customer: string;
  readonly atMs: number;
  readonly amount: string;
}

/** The sample of this repository: JSON Lines of intents. */
export function readSample(file: string): Purchase[] {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => {
    // our own file, see examples/cdnow/convert.js
    const intent = JSON.parse(line) as { reference: string; purchased_at: string; amount: { value: string } };
    return { customer: intent.reference, atMs: Date.parse(intent.purchased_at), amount: intent.amount.value };
  });
}

/** The whole file: customer, date, units, dollars between blanks, under one header line. */
export function readWhole(file: string): Purchase[] {
  const lines = readFileSync(file, 'utf8').trim().split('\n').slice(1);
  return lines.map((line) => {
    const [customer = '', date = '', , amount = '0'] = line.trim().split(/\s+/);
    return { customer, atMs: Date.parse(`${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6, 8)}`), amount };
  });
}

/** What the demo's mandates declare of a shopper: limits of 500.00, purchases on the same day, one shop. */
export const SHOPPER_PROFILE: SpendingProfile = declareProfile({
  amounts: [
    { bound: '50.00', share: 7_000 },
    { bound: '100.00', share: 2_000 },
    { bound: '500.00', share: 1_000 },
  ],
  gapsSeconds: [{ bound: '0', share: 10_000 }],
  newCounterparties: 100,
  denials: 1_000,
  quiet: [],
  quietShare: 0,
  counterparties: ['cdnow'],
});

export interface PurchasesResult {
  readonly purchases: number;
  /** Flows of one customer each, judged by the declared profile. */
  readonly customers: { readonly flows: number; readonly warned: number; readonly halted: number };
  /** Flows of many customers with like purchases, their baseline learned from the first half. */
  readonly learned: { readonly flows: number; readonly warned: number; readonly halted: number };
  /** The same flows with another's purchases from there on. */
  readonly replaced: { readonly flows: number; readonly found: number; readonly medianEvents: number | null };
}

export function runPurchases(
  purchases: readonly Purchase[],
  groups: number,
  thresholds: DriftThresholds,
): PurchasesResult {
  const draws = new Draws(11);
  const customers = [...groupBy(purchases, ({ customer }) => customer).values()];
  const flows = alike(customers, groups).map((flow) => flow.map((purchase) => toEvent(draws, purchase)));
  const halves = flows.map((events) => ({
    profile: learnProfile(events.slice(0, events.length >> 1), SHOPPER_PROFILE),
    rest: events.slice(events.length >> 1),
  }));
  const own = halves.map(({ profile, rest }) => watch(profile, rest, thresholds));
  const other = halves.map(({ profile }, at) => {
    const stranger = halves[(at + (groups >> 1)) % groups]?.rest ?? [];
    return watch(profile, stranger, thresholds);
  });
  const alone = customers.map((list) =>
    watch(
      SHOPPER_PROFILE,
      byDate(list).map((each) => toEvent(draws, each)),
      thresholds,
    ),
  );
  const delays = other.flatMap(({ haltedAt }) => (haltedAt === null ? [] : [haltedAt])).sort((a, b) => a - b);
  return {
    purchases: purchases.length,
    customers: counted(alone),
    learned: counted(own),
    replaced: { flows: other.length, found: delays.length, medianEvents: delays[delays.length >> 1] ?? null },
  };
}

interface Watched {
  readonly isWarned: boolean;
  /** Events until HALT; `null`: none. */
  readonly haltedAt: number | null;
}

function watch(profile: SpendingProfile, events: readonly DriftEvent[], thresholds: DriftThresholds): Watched {
  const detector = new DriftDetector(profile);
  let state: DriftState = { ...startDrift(profile, BASELINE_HASH), lastIatMs: null };
  let isWarned = false;
  for (const [index, event] of events.entries()) {
    state = detector.advance(state, event);
    const { verdict } = judgeDrift(state, thresholds, 'enforce');
    if (verdict === 'halt') return { isWarned: true, haltedAt: index + 1 };
    isWarned ||= verdict === 'warn';
  }
  return { isWarned, haltedAt: null };
}

function counted(flows: readonly Watched[]): { flows: number; warned: number; halted: number } {
  return {
    flows: flows.length,
    warned: flows.filter(({ isWarned }) => isWarned).length,
    halted: flows.filter(({ haltedAt }) => haltedAt !== null).length,
  };
}

/** Customers in order of what they spend at a time, cut into groups of as many purchases; each group one flow by date. */
function alike(customers: readonly (readonly Purchase[])[], groups: number): Purchase[][] {
  const mean = (list: readonly Purchase[]): number =>
    list.reduce((sum, { amount }) => sum + Number(amount), 0) / list.length;
  const ordered = customers.toSorted((a, b) => mean(a) - mean(b)).flat();
  const size = Math.ceil(ordered.length / groups);
  return Array.from({ length: groups }, (_, at) => byDate(ordered.slice(at * size, (at + 1) * size)));
}

function byDate(list: readonly Purchase[]): Purchase[] {
  return list.toSorted((a, b) => a.atMs - b.atMs);
}

function groupBy<T>(list: readonly T[], key: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of list) groups.set(key(each), [...(groups.get(key(each)) ?? []), each]);
  return groups;
}

function toEvent(draws: Draws, { atMs, amount }: Purchase): DriftEvent {
  return eventOf(draws, { amount, counterparty: 'cdnow', iatMs: atMs, isDenied: false });
}
