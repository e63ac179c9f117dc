import type { AdmissionDecision, AttestationFacts, Absent } from '../admission/types.js';
import type { DenialCode } from '../denials.js';
import { LIFECYCLE, type FlowEvent, type FlowState } from '../lifecycle.js';
import { environmentRequirements } from '../mandates/levels.js';
import type { EnvironmentRequirement } from '../mandates/types.js';
import type { SettlementFacts } from '../settlement/types.js';
import type { CauseKind } from '../recovery/causes.js';
import type { DriftSignal } from './drift-signal.js';

/**
 * Denials that are a fact about the flow itself, established by others than who asks: an attester's word, a watch, the
 * books. Every other denial is about the request, and counts against whoever presented it: containment is no weapon.
 */
const DRIFT_DENIALS: Readonly<Partial<Record<DenialCode, CauseKind>>> = {
  governance_discontinuity: 'policy',
  identity_discontinuity: 'identity',
  runtime_integrity_failure: 'environment',
  environment_integrity_failure: 'environment',
  lineage_fragmented: 'lineage',
  domain_divergence: 'domain',
};

/** What `drift_detected` names as its field; `spend` has a signal of its own, see watch-spending.ts. */
const DRIFT_FIELDS: Readonly<Record<string, CauseKind>> = { ledger: 'ledger' };

interface Denied extends Pick<AdmissionDecision, 'outcome' | 'field'> {
  readonly code: DenialCode | null;
}

/** What the decision leaned on for environment drift. */
export interface EnvironmentFacts {
  readonly attestation: AttestationFacts | Absent;
  /** Of every level that asks for an attested environment. */
  readonly requirements: readonly EnvironmentRequirement[];
}

/**
 * The drift a decision shows of its flow, Tier A: `null` for nearly every one. Another reference value than the one an
 * artifact was issued under is no drift, only another artifact.
 */
export function driftOf({ outcome, code, field }: Denied, environment: EnvironmentFacts): DriftSignal | null {
  if (outcome === 'authorized' || code === null) return null;
  const kind = code === 'drift_detected' ? (DRIFT_FIELDS[field ?? ''] ?? null) : (DRIFT_DENIALS[code] ?? null);
  if (kind === null) return null;
  if (kind !== 'environment')
    return { kind, rule: code === 'drift_detected' ? `exact.${field}` : `exact.${code}`, evidence: { code, field } };
  const { attestation, requirements } = environment;
  if (typeof attestation === 'string') return null;
  const { measurement, verifier, evidenceHash } = attestation;
  const isReference = requirements.every(({ measurements }) => measurements.includes(measurement));
  if (code === 'environment_integrity_failure' && isReference) return null;
  return { kind, rule: `exact.${code}`, evidence: { code, field, measurement, verifier, evidence_hash: evidenceHash } };
}

/** The same at the gate, from what a settlement was decided on. */
export function driftOfSettlement(decision: Denied, { attestation, mandates }: SettlementFacts): DriftSignal | null {
  const levels = typeof mandates === 'string' ? [] : mandates.map((mandate) => ({ mandate }));
  return driftOf(decision, { attestation, requirements: environmentRequirements(levels) });
}

const CONTAINING: readonly FlowEvent[] = ['drift_found', 'flow_contained'];

/**
 * The steps by which a drift contains a flow. None where it is contained already, or beyond: the incident gets another
 * cause, and the flow stays where it is.
 */
export function containmentSteps(state: FlowState): readonly FlowEvent[] {
  if (state === 'drifting') return ['flow_contained'];
  return LIFECYCLE[state].phase <= 4 ? CONTAINING : [];
}
