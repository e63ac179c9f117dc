import type { FlowState } from '../lifecycle.js';

/** The six phases of continuous trust (C23–C28), in order. */
export const TRUST_PHASES = [
  'issued',
  'trust_established',
  'continuous_verification',
  'continuity_enforced',
  'proof_generated',
  'lineage_and_audit_persisted',
] as const;
export type TrustPhase = (typeof TRUST_PHASES)[number];

/** Under which of the six each of the nine phases falls, by the state entered. */
const BY_STATE: Readonly<Record<FlowState, TrustPhase>> = {
  baseline: 'issued',
  authorized: 'issued',
  activated: 'trust_established',
  executing: 'continuous_verification',
  drifting: 'continuity_enforced',
  contained: 'continuity_enforced',
  recovering: 'continuity_enforced',
  revalidated: 'continuity_enforced',
  revoked: 'continuity_enforced',
  proven: 'lineage_and_audit_persisted',
  archived: 'lineage_and_audit_persisted',
};

/** Under which each further record falls: names of audit leaves, and the signed head over them. */
const BY_RECORD: Readonly<Record<string, TrustPhase>> = {
  mandate_registered: 'issued',
  flow_baseline_set: 'issued',
  decision_authorized: 'issued',
  verification_changed: 'continuous_verification',
  decision_denied: 'continuity_enforced',
  mandate_revoked: 'continuity_enforced',
  incident_opened: 'continuity_enforced',
  incident_changed: 'continuity_enforced',
  incident_closed: 'continuity_enforced',
  ops_action: 'continuity_enforced',
  settlement_capture_authorized: 'continuity_enforced',
  settlement_void_authorized: 'continuity_enforced',
  settlement_refund_authorized: 'continuity_enforced',
  settlement_denied: 'continuity_enforced',
  settlement_unknown: 'continuity_enforced',
  checkpoint_signed: 'proof_generated',
  // What became of a payment is the last link of its lineage.
  settlement_outcome_recorded: 'lineage_and_audit_persisted',
};

/**
 * Which of the six phases a step of a flow belongs to.
 *
 * @param record type of the audit leaf, or `checkpoint_signed`
 * @param entered the state the step led to; `null`: it led to none
 * @returns `null` for a record that is no step of a flow
 */
export function trustPhase(record: string, entered: FlowState | null): TrustPhase | null {
  if (entered !== null) return BY_STATE[entered];
  return Object.hasOwn(BY_RECORD, record) ? (BY_RECORD[record] ?? null) : null;
}
