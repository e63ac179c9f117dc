import type { DriftEvent } from '@spendgate/core';
import { DAY_MS, HOUR_MS, type UsualFlow } from './usual-flow.js';

const MINUTE_MS = 60_000;
const NIGHT_MS = 2 * HOUR_MS;

/** What an attacker does with the flow: the n-th event after it began, from 0. */
export interface Attack {
  readonly name: string;
  readonly does: string;
  readonly next: (flow: UsualFlow, n: number) => DriftEvent;
  /** Hashes the attacker tries before presenting an intent, to break ties in its favour. */
  readonly grinds?: number;
}

/** Milliseconds from now until an hour of the night after. */
function untilNight(flow: UsualFlow, n: number, perNight: number): number {
  if (n % perNight !== 0) return (3 * HOUR_MS) / perNight;
  const night = Math.floor(flow.nowMs / DAY_MS) * DAY_MS + NIGHT_MS;
  return (night > flow.nowMs ? night : night + DAY_MS) - flow.nowMs;
}

const times = (flow: UsualFlow, factor: number): number => flow.draft().amount * factor;

/** At least 24 ways to misuse a flow; each changes what it says and nothing else. */
export const ATTACKS: readonly Attack[] = [
  {
    name: 'account takeover',
    does: 'ten times the amount, at new counterparties, every two minutes',
    next: (flow) => flow.anyHour(2 * MINUTE_MS, { amount: times(flow, 10), counterparty: flow.newcomer() }),
  },
  {
    name: 'quiet takeover',
    does: 'three times the amount at the usual pace and shops',
    next: (flow) => flow.usual({ amount: times(flow, 3) }),
  },
  {
    name: 'doubled amounts',
    does: 'twice the amount, all else as usual',
    next: (flow) => flow.usual({ amount: times(flow, 2) }),
  },
  { name: 'velocity burst', does: 'usual amounts, one a second', next: (flow) => flow.anyHour(1_000) },
  {
    name: 'velocity times ten',
    does: 'usual amounts at ten times the pace',
    next: (flow) => flow.anyHour(flow.draft().gapMs / 10),
  },
  {
    name: 'velocity times three',
    does: 'usual amounts at three times the pace, in the usual hours',
    next: (flow) => flow.usual({ gapMs: flow.draft().gapMs / 3 }),
  },
  {
    name: 'slow ramp',
    does: 'each amount 2 % above the one before',
    next: (flow, n) => flow.usual({ amount: times(flow, 1.02 ** n) }),
  },
  {
    name: 'very slow ramp',
    does: 'each amount 0.5 % above the one before',
    next: (flow, n) => flow.usual({ amount: times(flow, 1.005 ** n) }),
  },
  { name: 'salami', does: '0.50 every minute', next: (flow) => flow.anyHour(MINUTE_MS, { amount: 0.5 }) },
  {
    name: 'patient salami',
    does: 'a tenth of the amount at the usual pace',
    next: (flow) => flow.usual({ amount: times(flow, 0.1) }),
  },
  {
    name: 'new-counterparty flood',
    does: 'every intent at somebody new',
    next: (flow) => flow.usual({ counterparty: flow.newcomer() }),
  },
  {
    name: 'mule rotation',
    does: 'every third intent at somebody new',
    next: (flow, n) => flow.usual(n % 3 === 0 ? { counterparty: flow.newcomer() } : {}),
  },
  {
    name: 'budget-edge riding',
    does: 'always just below a limit of 200.00',
    next: (flow) => flow.usual({ amount: 199.99 }),
  },
  {
    name: 'approval-edge riding',
    does: 'always just below an approval bound of 100.00',
    next: (flow) => flow.usual({ amount: 99.99 }),
  },
  {
    name: 'night shift',
    does: 'usual amounts from 2 to 5, eight a night',
    next: (flow, n) => flow.anyHour(untilNight(flow, n, 8)),
  },
  {
    name: 'night trickle',
    does: 'two intents each night, the days as usual',
    next: (flow, n) => (n % 24 < 2 ? flow.anyHour(n % 24 === 0 ? untilNight(flow, 0, 1) : HOUR_MS) : flow.usual()),
  },
  {
    name: 'round the clock',
    does: 'usual amounts every 15 minutes, day and night',
    next: (flow) => flow.anyHour(15 * MINUTE_MS),
  },
  {
    name: 'probing by denials',
    does: 'every second intent is denied',
    next: (flow, n) => flow.usual({ isDenied: n % 2 === 0 }),
  },
  {
    name: 'slow probing',
    does: 'every sixth intent is denied',
    next: (flow, n) => flow.usual(n % 6 === 0 ? { isDenied: true } : {}),
  },
  {
    name: 'fast probing',
    does: 'denied intents, one a second',
    next: (flow) => flow.anyHour(1_000, { isDenied: true }),
  },
  {
    name: 'see-saw',
    does: '0.50 and 150.00 in turn',
    next: (flow, n) => flow.usual({ amount: n % 2 === 0 ? 0.5 : 150 }),
  },
  {
    name: 'sleeper',
    does: 'silent for ten days, then five times the amount',
    next: (flow, n) => (n === 0 ? flow.anyHour(10 * DAY_MS) : flow.usual({ amount: times(flow, 5) })),
  },
  {
    name: 'gift-card drain',
    does: '100.00 each, three minutes apart',
    next: (flow) => flow.anyHour(3 * MINUTE_MS, { amount: 100 }),
  },
  {
    name: 'card testing',
    does: '1.00 at somebody new every 30 seconds',
    next: (flow) => flow.anyHour(30_000, { amount: 1, counterparty: flow.newcomer() }),
  },
  {
    name: 'micro bursts',
    does: 'five intents within a minute, then an hour of rest',
    next: (flow, n) => flow.anyHour(n % 5 === 0 ? HOUR_MS : 12_000),
  },
  {
    name: 'compressed day',
    does: 'a day of intents within an hour, each day',
    next: (flow, n) => flow.anyHour(n % 48 === 0 ? 23 * HOUR_MS : 75_000),
  },
  {
    name: 'falling drain',
    does: 'from 400.00 down by 3 % each',
    next: (flow, n) => flow.usual({ amount: 400 * 0.97 ** n }),
  },
  {
    name: 'half pace, triple amount',
    does: 'the same money a day in fewer intents',
    next: (flow) => flow.usual({ amount: times(flow, 3), gapMs: flow.draft().gapMs * 2 }),
  },
  {
    name: 'ground hashes',
    does: 'three times the amount, the mildest of 64 hashes each time',
    grinds: 64,
    next: (flow) => flow.usual({ amount: times(flow, 3) }),
  },
  {
    name: 'one new shop, large',
    does: 'every fifth intent ten times the amount at somebody new',
    next: (flow, n) => flow.usual(n % 5 === 0 ? { amount: times(flow, 10), counterparty: flow.newcomer() } : {}),
  },
];
