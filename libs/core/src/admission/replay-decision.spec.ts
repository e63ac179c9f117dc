import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { facts, flow, hash, intent, level, OWN, state, T0_MS } from '../examples/admission-example.js';
import { startDrift } from '../drift/drift-state.js';
import { watchSpending } from '../drift/watch-spending.js';
import { EXAMPLE_BASELINE_HASH, EXAMPLE_PROFILE, EXAMPLE_WATCH, exampleEvent } from '../examples/drift-example.js';
import type { FlowState } from '../lifecycle.js';
import type { Mandate } from '../mandates/types.js';
import { currencyTable, decimal } from '../money.js';
import { decideIntent } from './decide-intent.js';
import { replayDecision } from './replay-decision.js';
import type { AdmissionFacts, AdmissionReadSet, AdmissionState, Flow, Intent } from './types.js';

/** What twenty intents in a row, half of them denied, have left. */
const evidence = Array.from({ length: 20 }, (_, n) => exampleEvent(n, { isDenied: n % 2 === 0 })).reduce(
  (before, event) => watchSpending(EXAMPLE_WATCH, before, event).state,
  startDrift(EXAMPLE_PROFILE, EXAMPLE_BASELINE_HASH),
);

const attestation = { ...(facts.attestation as Exclude<AdmissionFacts['attestation'], string>) }; // the example has one
const counterparty = { ...(facts.counterparty as Exclude<AdmissionFacts['counterparty'], string>) }; // same
const policy = { ...(facts.policy as Exclude<AdmissionFacts['policy'], string>) }; // same
const verdict = fc.constantFrom('verified' as const, 'broken' as const, 'stale' as const, 'unknown' as const);
const known = fc.constantFrom('absent' as const, 'unknown' as const);
const nearly = <T>(usual: T, ...odd: T[]) =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...odd) });

/** Facts that mostly hold, each now and then something else, so that every stage is reached often. */
/** Two who approve. */
const ADA = { person: 'ada', kid: hash('a') };
const GRACE = { person: 'grace', kid: hash('g') };

const anyFacts: fc.Arbitrary<AdmissionFacts> = fc.record({
  appendedAtMs: nearly(T0_MS, T0_MS - 5, T0_MS + 29_000, T0_MS + 40_000),
  judgedAtMs: nearly(T0_MS + 20, T0_MS + 200_000, T0_MS + 900_000, T0_MS + 4_000_000),
  recorded: nearly<AdmissionFacts['recorded']>(
    null,
    { decisionId: OWN, bodyHash: hash('b') },
    { decisionId: OWN, bodyHash: 'x' },
  ),
  agent: nearly<AdmissionFacts['agent']>('active', 'disabled', 'absent', 'unknown'),
  signer: nearly<AdmissionFacts['signer']>(facts.signer, 'unknown', { kid: 'k', agent: 'other' }),
  counterparty: fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        ...fcConstants(counterparty),
        settlementServices: fc.subarray(['settler', 'other', 'third']),
      }),
    },
    { weight: 1, arbitrary: known },
  ),
  audienceKey: nearly<AdmissionFacts['audienceKey']>(facts.audienceKey, 'absent', 'unknown'),
  attestation: fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({ ...fcConstants(attestation), measurement: fc.constantFrom('build-7', 'build-8') }),
    },
    { weight: 1, arbitrary: known },
  ),
  policy: nearly<AdmissionFacts['policy']>(
    policy,
    'unknown',
    { ...policy, verdict: 'deny' },
    { ...policy, verdict: 'error' },
  ),
  scope: nearly<AdmissionFacts['scope']>('running', 'halted', 'unknown'),
  spending: nearly<AdmissionFacts['spending']>(EXAMPLE_WATCH, null, 'unknown', {
    ...EXAMPLE_WATCH,
    thresholds: { warn: 1, halt: 2 },
  }),
  approval: nearly<AdmissionFacts['approval']>('none', 'approved', 'refused', 'unknown'),
  approvers: nearly<AdmissionFacts['approvers']>([], [ADA], [ADA, GRACE], [ADA, { ...GRACE, kid: ADA.kid }]),
  parked: nearly<AdmissionFacts['parked']>(null, { decisionId: OWN, untilMs: T0_MS + 20 }),
  renewal: nearly<AdmissionFacts['renewal']>(null, {
    artifactId: OWN,
    by: 'shopper-1',
    amountText: '10.00',
    maxCaptures: 1,
    settleByMs: T0_MS + 1_800_000,
    spent: decimal('2.5'),
    iatMs: T0_MS,
    expMs: T0_MS + 300_000,
  }),
  parkedCount: fc.integer({ min: 0, max: 101 }),
  issuer: nearly<AdmissionFacts['issuer']>('ready', 'unknown'),
  watches: fc.oneof(
    { weight: 12, arbitrary: fc.constant(facts.watches) },
    {
      weight: 1,
      arbitrary: fc.record({
        identity: verdict,
        lineage: verdict,
        governance: verdict,
        domain: verdict,
        audit: verdict,
        watch: verdict,
      }),
    },
  ),
  rules: fc.constantFrom(facts.rules, { ...facts.rules, currencies: currencyTable({ USDC: 6 }) }),
});
function fcConstants<T extends object>(of: T) {
  const entries = Object.entries(of).map(([name, value]) => [name, fc.constant(value)]);
  return Object.fromEntries(entries) as { [K in keyof T]: fc.Arbitrary<T[K]> }; // fromEntries forgets the names
}

const amount = fc.integer({ min: 0, max: 2_000 }).map((cents) => decimal((cents / 100).toFixed(2)));
const change = fc.record({
  totalLimit: nearly(decimal('1000'), decimal('12.49')),
  perTransactionLimit: nearly(null, decimal('12.49'), decimal('12.50')),
  counterparties: nearly(null, [], ['cdnow', 'other'], ['other']),
  blockedCounterparties: nearly([], ['cdnow'], ['other']),
  categories: nearly(null, ['5735'], ['5411']),
  blockedCategories: nearly([], ['5735'], ['5411']),
  environment: nearly(null, { maxAgeSeconds: 300, measurements: ['build-7', 'x'] }),
  approvals: nearly(
    null,
    { above: decimal('12.49'), twoAbove: null },
    { above: decimal('1'), twoAbove: decimal('12.49') },
    { above: decimal('20'), twoAbove: decimal('30') },
  ),
  parkSeconds: fc.option(fc.integer({ min: 1, max: 90 })),
  revokedAtMs: nearly(null, T0_MS),
  supersededHashes: fc.subarray([hash('O'), hash('T'), hash('x')]),
  parentHash: nearly('', hash('x')), // '': the example's own link
});
/** Keeps the example's link where none is drawn. */
function linked({ parentHash, ...rest }: Partial<Mandate>): Partial<Mandate> {
  return parentHash === '' || parentHash === undefined ? rest : { ...rest, parentHash };
}
const counted = fc.array(
  fc.record({
    kind: fc.constantFrom('window' as const, 'counterparty' as const),
    name: fc.constant('per_day'),
    of: fc.constantFrom('amount' as const, 'count' as const),
    limit: amount,
    used: fc.oneof(amount, fc.constant('unknown' as const)),
    window: fc.option(fc.record({ fromMs: fc.nat(), bucketMs: fc.nat(), untilMs: fc.option(fc.nat()) })),
  }),
  { maxLength: 2 },
);
const anyState: fc.Arbitrary<AdmissionState> = fc.record({
  levels: fc.oneof(
    {
      weight: 12,
      arbitrary: fc
        .tuple(change, change, change, amount, counted, nearly(true, false))
        .map(([top, team, own, held, counters, balanced]) => [
          {
            ...level(
              0,
              { ...top, parentHash: null },
              balanced ? { held, capturing: held, captured: held, refunded: held } : {},
            ),
            counted: counters,
          },
          level(1, linked(team), { held, capturing: held, captured: held, refunded: held }),
          level(2, linked(own)),
        ]),
    },
    { weight: 1, arbitrary: known },
  ),
  flow: fc.oneof(
    {
      weight: 12,
      arbitrary: fc
        .tuple(
          nearly<FlowState>('executing', 'authorized', 'baseline', 'contained', 'revoked'),
          nearly<Flow['drift']>(evidence, null, 'unknown', { ...evidence, baseline: 'A'.repeat(43) }),
        )
        .map(([name, drift]) => ({
          ...flow,
          drift,
          state: name,
        })),
    },
    { weight: 1, arbitrary: known },
  ),
});
const anyIntent: fc.Arbitrary<Intent> = fc.record({
  ...fcConstants(intent),
  amountText: nearly('12.50', '3.00', '0.00', '12.505', 'x'),
  currency: nearly('USD', 'USDC', 'XAU', 'EUR'),
  deadlineMs: fc.option(fc.integer({ min: T0_MS, max: T0_MS + 900_000 })),
});

describe('replayDecision', () => {
  it('D2: a stored read set, read back as JSON, gives the identical decision, events and read set', () => {
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(anyIntent, anyState, anyFacts, (one, before, given) => {
        const decided = decideIntent(one, before, given);
        const stored: AdmissionReadSet = JSON.parse(JSON.stringify(decided.readSet)) as AdmissionReadSet;
        const replayed = replayDecision(stored, one);
        expect(replayed.decision).toEqual(decided.decision);
        expect(replayed.transitions).toEqual(decided.transitions);
        expect(JSON.stringify(replayed.readSet)).toBe(JSON.stringify(decided.readSet));
        outcomes.add(decided.decision.code ?? decided.decision.outcome);
      }),
      { numRuns: 4_000 },
    );
    expect(outcomes.size).toBeGreaterThan(25); // the property would be empty if all failed alike
  });

  it('D2: what was decided on is in the read set by value: it needs no list, no table and no database', () => {
    const levels = [level(0), level(1), level(2, { counterparties: ['a', 'cdnow', 'b'] })];
    const { readSet } = decideIntent(intent, { ...state, levels }, facts);
    expect(readSet).toMatchObject({ currency_digits: 2, judged_at_ms: T0_MS + 20, flow: { sequence: '7' } });
    expect(JSON.stringify(readSet)).not.toContain('"counterparties"');
  });

  it('counts decisions of other rules as not recomputable', () => {
    const { readSet } = decideIntent(intent, state, facts);
    expect(() => replayDecision({ ...readSet, rules_version: 2 }, intent)).toThrow('ERR_RULES_VERSION');
  });

  it('throws a damaged read set by the member that is wrong, whichever it is', () => {
    const { readSet } = decideIntent(intent, state, facts);
    for (const name of Object.keys(readSet).filter(
      (member) => !['v', 'recorded', 'parked', 'renewal', 'currency_digits', 'path'].includes(member),
    )) {
      expect([name, tryReplay({ ...readSet, [name]: [[]] })]).toEqual([name, 'ERR_READ_SET_DAMAGED']);
      const without = Object.fromEntries(Object.entries(readSet).filter(([member]) => member !== name));
      expect([name, tryReplay(without)]).toEqual([name, 'ERR_READ_SET_DAMAGED']);
    }
    expect(tryReplay({ ...readSet, path: 'x' })).toBe('ERR_READ_SET_DAMAGED');
    expect(tryReplay({ ...readSet, flow: { id: OWN, state: 'gone' } })).toBe('ERR_READ_SET_DAMAGED');
    expect(tryReplay({ ...readSet, agent: 'gone' })).toBe('ERR_READ_SET_DAMAGED');
  });
});

function tryReplay(readSet: AdmissionReadSet): string {
  try {
    return replayDecision(readSet, intent).decision.outcome;
  } catch (error) {
    return String(error).split(':')[1]?.trim() ?? '';
  }
}
