import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  facts,
  flow,
  HOUR_MS,
  intent,
  level,
  mandate,
  ORGANISATION,
  OWN,
  T0_MS,
} from '../examples/admission-example.js';
import { counterId, countersOf, rollingBounds } from '../mandates/counters.js';
import type { CountedTerms, LevelState, WindowBounds } from '../mandates/types.js';
import { decimal, ZERO } from '../money.js';
import { payeeOf } from './admission-case.js';
import { type BatchItem, type BatchState, type CountedResult, decideBatch } from './decide-batch.js';
import { PolicyBacktest, type RecordedSpend } from './policy-backtest.js';
import type { AdmissionDecision, PolicyFacts } from './types.js';

const MINUTE_MS = 60_000;
const terms = (change: Partial<CountedTerms>): CountedTerms => ({
  ...{ window: null, counterparty: null, category: null, amount: null, count: null },
  ...change,
});
const COUNTED = [
  terms({ window: { seconds: 3_600 }, amount: decimal('60'), count: 12 }),
  terms({ counterparty: '*', window: { seconds: 7_200 }, amount: decimal('40') }),
];
/** Two agents below one team, with less room than they ask for. */
const SIBLING = '00000000-0000-8000-8000-000000000004';
const LEVELS: readonly LevelState[] = [
  level(0, { totalLimit: decimal('220'), countedLimits: COUNTED }),
  level(1),
  level(2, { totalLimit: decimal('120') }),
  { ...level(2), mandate: mandate(2, { id: SIBLING, path: [ORGANISATION, ...level(2).mandate.path.slice(1, 2), SIBLING], agent: 'shopper-2' }) }, // prettier-ignore
];
const START: BatchState = {
  levels: new Map(LEVELS.map((each) => [each.mandate.id, each])),
  flows: new Map([OWN, SIBLING].map((flowId) => [flowId, { ...flow, flowId }])),
  counters: new Map(),
};
const says = (verdict: 'allow' | 'deny'): PolicyFacts => ({
  ...{ policyId: 'default', version: 1, setHash: 's', hash: 'p', deciding: [] },
  verdict,
});

interface Asked {
  readonly cents: number;
  readonly by: 'shopper-1' | 'shopper-2';
  readonly counterparty: 'cdnow' | 'other';
  readonly gapMinutes: number;
  readonly recorded: 'allow' | 'deny';
  readonly other: 'allow' | 'deny';
}
const verdict = fc.constantFrom('allow' as const, 'allow' as const, 'deny' as const);
const history: fc.Arbitrary<Asked[]> = fc.array(
  fc.record({
    cents: fc.integer({ min: 100, max: 3_000 }),
    by: fc.constantFrom('shopper-1' as const, 'shopper-2' as const),
    counterparty: fc.constantFrom('cdnow' as const, 'other' as const),
    gapMinutes: fc.integer({ min: 0, max: 40 }),
    recorded: verdict,
    other: verdict,
  }),
  { maxLength: 40 },
);

/** What really happens to a history when one of its two policies decides it. */
function decide(asked: readonly Asked[], policy: 'recorded' | 'other') {
  const items = asked.map((one, at): BatchItem => {
    const nowMs = T0_MS + asked.slice(0, at + 1).reduce((sum, { gapMinutes }) => sum + gapMinutes * MINUTE_MS, 0);
    const own = one.by === 'shopper-1' ? OWN : SIBLING;
    const spend = {
      ...{ ...intent, intentId: `intent-${at}`, agent: one.by, mandate: own, counterparty: one.counterparty },
      ...{ amountText: (one.cents / 100).toFixed(2), expMs: nowMs + HOUR_MS, deadlineMs: null },
    };
    const known = {
      ...{ ...facts, appendedAtMs: nowMs, judgedAtMs: nowMs + 20, signer: { kid: 'k', agent: one.by } },
      ...{ policy: says(one[policy]), counterparty: { ...(facts.counterparty as object), id: one.counterparty } },
    } as BatchItem['facts']; // as: the example's counterparty is one, and a spread loses that
    const payee = payeeOf(spend, known);
    const bounds = new Map<string, WindowBounds>();
    for (const each of LEVELS) {
      for (const use of countersOf(each.mandate, payee)) {
        const { window } = use;
        if (window !== null && 'seconds' in window) bounds.set(counterId(use), rollingBounds(window.seconds, nowMs));
      }
    }
    return { intent: spend, decisionId: `decision-${at}`, facts: known, bounds };
  });
  return items.map((item, at) => ({ item, result: decideBatch(START, items.slice(0, at + 1)).results[at]! })); // prettier-ignore
}
const outcome = ({ outcome: is, code }: AdmissionDecision): string => `${is} ${code ?? ''}`;
const recordOf = (item: BatchItem, { readSet, decision }: CountedResult): RecordedSpend => ({
  ...{ intent: item.intent, readSet, outcome: decision.outcome, hold: null },
});

describe('backtest of a policy on recorded intents', () => {
  it('gives what that policy would have decided, spend state and windows included', () => {
    fc.assert(
      fc.property(history, (asked) => {
        const backtest = new PolicyBacktest();
        const said = decide(asked, 'recorded').map(({ item, result }, at) =>
          outcome(backtest.judge(recordOf(item, result), () => says(asked[at]?.other ?? 'deny'))),
        );
        expect(said).toEqual(decide(asked, 'other').map(({ result }) => outcome(result.decision)));
      }),
      { numRuns: 60 },
    );
  });

  it('D2: is the record itself where the other policy says the same, or has no say', () => {
    fc.assert(
      fc.property(history, fc.boolean(), (asked, silent) => {
        const backtest = new PolicyBacktest();
        for (const [at, { item, result }] of decide(asked, 'recorded').entries()) {
          const policy = () => (silent ? null : says(asked[at]?.recorded ?? 'deny'));
          expect(backtest.judge(recordOf(item, result), policy)).toEqual(result.decision);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('makes no room of an amount that the record released by itself', () => {
    const first: Asked = { cents: 2_500, by: 'shopper-2', counterparty: 'cdnow', gapMinutes: 0, recorded: 'allow', other: 'deny' }; // prettier-ignore
    const asked = [first, { ...first, gapMinutes: 40, other: 'allow' as const }];
    const [removed, later] = decide(asked, 'recorded').map(({ item, result }) => recordOf(item, result));
    if (removed === undefined || later === undefined) throw new Error('two were recorded');
    // More than any level has: the denial shows what is available of the tightest limit, 40 per counterparty.
    const tooMuch = { ...later, intent: { ...later.intent, amountText: '999.00' } };
    const availableAfter = (hold: RecordedSpend['hold']): string | undefined => {
      const backtest = new PolicyBacktest();
      expect(outcome(backtest.judge({ ...removed, hold }, () => says('deny')))).toBe('denied policy_denied');
      return backtest.judge(tooMuch, () => says('allow')).limit?.available;
    };
    const releasedAtMs = T0_MS + MINUTE_MS;
    expect(availableAfter(null)).toBe('40');
    expect(availableAfter({ releasedAtMs, kept: ZERO })).toBe('15');
    expect(availableAfter({ releasedAtMs, kept: decimal('20') })).toBe('35');
    expect(availableAfter({ releasedAtMs: releasedAtMs + HOUR_MS, kept: ZERO })).toBe('40');
  });
});
