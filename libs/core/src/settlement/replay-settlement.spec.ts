import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hash, mandate, OWN, T0_MS } from '../examples/admission-example.js';
import * as example from '../examples/settlement-example.js';
import { artifact, captured, EXPIRY_MS, holdOf, JUDGED_MS, SETTLE_BY_MS, usd } from '../examples/settlement-example.js';
import { currencyTable } from '../money.js';
import { decideSettlement } from './decide-settlement.js';
import { replaySettlement } from './replay-settlement.js';
import type { SettlementFacts, SettlementReadSet, SettlementRequest } from './types.js';

const { facts } = example;
/** Mostly what holds, now and then something else, so that every check is reached often. */
const nearly = <T>(usual: T, ...odd: T[]) =>
  fc.oneof({ weight: 15, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...odd) });
const verdict = fc.constantFrom('verified' as const, 'broken' as const, 'stale' as const, 'unknown' as const);
const strict = { environment: { maxAgeSeconds: 60, measurements: ['build-7'] } };
const { attestation, flow } = facts;

const anyFacts: fc.Arbitrary<SettlementFacts> = fc.record({
  signature: nearly<SettlementFacts['signature']>('valid', 'invalid', 'unknown'),
  recorded: nearly<SettlementFacts['recorded']>(null, { settlementId: OWN, bodyHash: 'x' }),
  artifact: nearly<SettlementFacts['artifact']>(
    artifact,
    'absent',
    'unknown',
    { ...artifact, status: 'suspended' },
    { ...artifact, measurement: 'build-7' },
    { ...artifact, successorJkts: ['x'] },
    { ...artifact, lineage: { ...artifact.lineage, parentHash: hash('x') } },
  ),
  hold: nearly<SettlementFacts['hold']>(
    holdOf('12.50'),
    holdOf('12.50', { mode: 'multi', maxCaptures: 2, captureCount: 2 }),
    holdOf('12.50', { ended: true }),
    'absent',
    'unknown',
  ),
  capture: nearly<SettlementFacts['capture']>(
    captured,
    'absent',
    'unknown',
    { ...captured, refunding: usd('3') },
    { ...captured, state: 'capturing' },
  ),
  flow:
    typeof flow === 'string'
      ? fc.constant(flow)
      : nearly<SettlementFacts['flow']>(flow, 'unknown', { ...flow, state: 'contained' }, { ...flow, epoch: 2 }),
  scope: nearly<SettlementFacts['scope']>('running', 'halted', 'unknown'),
  service: nearly<SettlementFacts['service']>('active', 'disabled', 'absent', 'unknown'),
  agent: nearly<SettlementFacts['agent']>('active', 'disabled', 'absent', 'unknown'),
  counterparty: nearly<SettlementFacts['counterparty']>('active', 'disabled', 'absent', 'unknown'),
  category: nearly<SettlementFacts['category']>('5735', '5411', null),
  settlesForCounterparty: nearly<boolean | 'unknown'>(true, false, 'unknown'),
  mandates: nearly<SettlementFacts['mandates']>(
    [mandate(0), mandate(1), mandate(2)],
    [mandate(0), mandate(1), mandate(2, strict)],
    [mandate(0), mandate(1), mandate(2, { hash: hash('N'), supersededHashes: [hash('A'), hash('z')] })],
    [mandate(0), mandate(1), mandate(2, { counterparties: ['other'] })],
    [mandate(0), mandate(1, { categories: ['5735'] }), mandate(2, { blockedCategories: ['5411'] })],
    [],
    'absent',
    'unknown',
  ),
  policy: nearly<SettlementFacts['policy']>(facts.policy, { hash: 'x' }, 'unavailable', 'error', 'unknown'),
  attestation:
    typeof attestation === 'string'
      ? fc.constant(attestation)
      : nearly<SettlementFacts['attestation']>(attestation, 'absent', 'unknown', { ...attestation, debug: true }),
  drift: nearly<SettlementFacts['drift']>('none', 'found', 'unknown'),
  watches: fc.oneof(
    { weight: 15, arbitrary: fc.constant(facts.watches) },
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
const anyRequest: fc.Arbitrary<SettlementRequest> = fc
  .tuple(
    fc.constantFrom(example.capture, example.voiding, example.refund),
    nearly<Partial<SettlementRequest>>(
      {},
      { amountText: '1.00' },
      { currency: 'XAU' },
      { currency: 'USDC' },
      { presenter: 'other' },
      { artifactHash: 'x' },
      { final: true },
    ),
  )
  .map(([request, change]) => ({ ...request, ...change }));
const judged = nearly(JUDGED_MS, EXPIRY_MS, SETTLE_BY_MS, T0_MS - 1, T0_MS * 2);

describe('replaySettlement', () => {
  it('D2: a stored read set, read back as JSON, gives the identical decision, hold, delta and read set', () => {
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(anyRequest, anyFacts, judged, (request, given, judgedAtMs) => {
        const decided = decideSettlement(request, given, judgedAtMs);
        const stored = JSON.parse(JSON.stringify(decided.readSet)) as SettlementReadSet; // as the database returns it
        const replayed = replaySettlement(stored, request);
        expect(replayed).toEqual(decided);
        expect(JSON.stringify(replayed.readSet)).toBe(JSON.stringify(decided.readSet));
        outcomes.add(decided.decision.code ?? decided.decision.state);
      }),
      { numRuns: 2_000 },
    );
    expect(outcomes.size).toBeGreaterThan(20); // the property would be empty if all failed alike
  });

  it('counts decisions of other rules as not recomputable, and throws a damaged read set', () => {
    const { readSet } = decideSettlement(example.capture, facts, JUDGED_MS);
    const replay = (change: SettlementReadSet) => () => replaySettlement({ ...readSet, ...change }, example.capture);
    expect(replay({ rules_version: 2 })).toThrow('ERR_RULES_VERSION');
    for (const name of [
      'artifact',
      'hold',
      'capture',
      'mandates',
      'policy',
      'settles_for_counterparty',
      'judged_at_ms',
    ]) {
      expect(replay({ [name]: null })).toThrow('ERR_READ_SET_DAMAGED');
    }
  });
});
