import { describe, expect, it } from '@jest/globals';
import { facts, level, T0_MS } from '../examples/admission-example.js';
import { decimal } from '../money.js';
import { FLOW_LIMBS, type FlowEvidence, verifyFlow } from './verify-flow.js';

const { attestation } = facts;
if (typeof attestation === 'string') throw new Error('the example is attested');
const required = { environment: { maxAgeSeconds: 3_600, measurements: ['build-7'] } };
const WHOLE: FlowEvidence = {
  levels: [level(0), level(1), level(2, required)],
  keys: 'verified',
  attestation,
  policy: 'verified',
  lineage: 'whole',
  alteredArtifact: null,
  mismatch: null,
  judgedAtMs: T0_MS,
};

describe('verifying a flow', () => {
  it('finds a whole one verified in every limb', () => {
    const { verdicts, signals } = verifyFlow(WHOLE);
    expect(verdicts).toEqual(Object.fromEntries(FLOW_LIMBS.map((limb) => [limb, 'verified'])));
    expect(signals).toEqual([]);
  });

  it.each<[limb: string, kind: string, rule: string, change: Partial<FlowEvidence>]>([
    ['identity', 'identity', 'exact.identity_discontinuity', { keys: 'broken' }],
    ['environment', 'environment', 'exact.environment_integrity_failure',
      { attestation: { ...attestation, measurement: 'build-8' } }],
    ['environment', 'environment', 'exact.runtime_integrity_failure', { attestation: { ...attestation, debug: true } }],
    ['policy', 'policy', 'exact.governance_discontinuity', { policy: 'broken' }],
    ['lineage', 'lineage', 'exact.lineage_fragmented', { lineage: 'lineage_fragmented' }],
    ['lineage', 'lineage', 'exact.authorization_discontinuity', { lineage: 'authorization_discontinuity' }],
    ['lineage', 'lineage', 'exact.artifact_altered', { alteredArtifact: 'a' }],
    ['settlement', 'ledger', 'exact.ledger',
      { levels: [level(0), level(1), level(2, required, { held: decimal('1') })] }],
    ['settlement', 'settlement', 'exact.rail_mismatch', { mismatch: { settlement: 's', granted: '1', moved: '2' } }],
  ])('finds %s broken, a signal of kind %s by %s, and no other limb', (limb, kind, rule, change) => {
    const { verdicts, signals } = verifyFlow({ ...WHOLE, ...change });
    expect(signals).toEqual([expect.objectContaining({ kind, rule })]);
    const others = FLOW_LIMBS.filter((each) => each !== limb);
    expect([verdicts[limb as 'policy'], ...others.map((each) => verdicts[each])]).toEqual([
      'broken', ...others.map(() => 'verified'),
    ]);
  }); // prettier-ignore

  it.each<[word: string, limb: 'environment' | 'policy' | 'lineage', change: Partial<FlowEvidence>]>([
    ['stale', 'environment', { attestation: 'absent' }],
    ['stale', 'environment', { attestation: { ...attestation, validUntilMs: T0_MS } }],
    ['unknown', 'environment', { attestation: 'unknown' }],
    ['unknown', 'policy', { policy: 'unknown' }],
    ['unknown', 'lineage', { levels: 'unknown' }],
  ])('calls it %s where nobody can say (%s): no signal', (word, limb, change) => {
    const { verdicts, signals } = verifyFlow({ ...WHOLE, ...change });
    expect([verdicts[limb], signals]).toEqual([word, []]);
  });

  it('asks for no evidence where no level does', () => {
    const { verdicts } = verifyFlow({ ...WHOLE, levels: [level(0)], attestation: 'absent' });
    expect(verdicts.environment).toBe('verified');
  });
});
