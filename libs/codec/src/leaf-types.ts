/**
 * Every kind of audit leaf and the schema its payload follows (`name/version`). A type is never renamed and never
 * reused; a payload that changes gets a new version beside the old one.
 */
export const LEAF_TYPES = {
  decision_authorized: { payload: 'decision/1', about: 'an artifact was issued and a hold placed' },
  decision_denied: { payload: 'decision/1', about: 'a verified intent was refused by a rule' },
  decision_parked: { payload: 'decision/1', about: 'an intent waits for a person or a release' },
  artifact_renewed: { payload: 'renewal/1', about: 'a new artifact on the same hold; the old one is revoked' },
  renewal_denied: { payload: 'renewal-denial/1', about: 'a refused renewal showed the drift that contains its flow' },
  artifact_revoked: { payload: 'artifact-status/1', about: 'an artifact can never be used again' },
  artifact_suspended: {
    payload: 'artifact-status/1',
    about: 'an artifact cannot be used while its scope is quarantined',
  },
  artifact_reinstated: { payload: 'artifact-status/1', about: 'a suspended artifact may be used again' },
  settlement_capture_authorized: { payload: 'settlement/1', about: 'a capture was granted; the money is in movement' },
  settlement_void_authorized: { payload: 'settlement/1', about: 'what was left of a hold was given back' },
  settlement_refund_authorized: { payload: 'settlement/1', about: 'a refund was granted' },
  settlement_denied: { payload: 'settlement/1', about: 'a verified settlement request was refused by a rule' },
  settlement_outcome_recorded: {
    payload: 'outcome/1',
    about: 'the rail or the settlement service said what became of it',
  },
  settlement_unknown: { payload: 'outcome/1', about: 'no outcome came in time; the money stays in movement' },
  holds_released: { payload: 'release/1', about: 'holds ended at their time without use' },
  refusals_summarised: {
    payload: 'refusals/1',
    about: 'records refused before a decision: count and digest per reason',
  },
  flow_transition: { payload: 'transition/1', about: 'a flow went from one state to another' },
  flow_baseline_set: { payload: 'baseline/1', about: 'a flow got a signed baseline, and with it a new epoch' },
  control_act: { payload: 'control/1', about: 'an act wider than one flow: revocation, halt, release, registration' },
  mandate_registered: { payload: 'mandate/1', about: 'a mandate, or a new version of one, was accepted' },
  mandate_revoked: { payload: 'mandate/1', about: 'a mandate ended for good' },
  key_changed: { payload: 'key/1', about: 'a key was added, went over to its successor, was retired or removed' },
  policy_activated: { payload: 'policy/1', about: 'another policy set decides from here on' },
  attestation_recorded: { payload: 'attestation/1', about: "an attester's result on an agent's runtime" },
  verification_changed: { payload: 'verification/1', about: 'a limb of continuous verification changed its verdict' },
  verification_swept: { payload: 'sweep/1', about: 'digest of one sweep over the flows' },
  fleet_alerted: { payload: 'fleet/1', about: 'people were told that the domain as a whole does something unusual' },
  incident_opened: { payload: 'incident/1', about: 'a flow was contained, with its causes' },
  incident_changed: {
    payload: 'incident/1',
    about: 'a cause was added or cleared, or the incident was escalated or is overdue',
  },
  incident_closed: { payload: 'incident/1', about: 'the flow was revalidated or revoked' },
  case_opened: { payload: 'case/1', about: 'a settlement service gave back more than its share of a day' },
  case_closed: { payload: 'case/1', about: 'a person has looked at a case of settled money' },
  ops_action: { payload: 'ops-action/1', about: 'a person acted' },
  peer_checkpoint: { payload: 'peer-checkpoint/1', about: "a peer domain's signed head was taken" },
  log_started: {
    payload: 'log/1',
    about: 'two people accepted the log as it stands, for one log process, while its witnesses were silent',
  },
} as const;

export type LeafType = keyof typeof LEAF_TYPES;

export function isLeafType(text: string): text is LeafType {
  return Object.hasOwn(LEAF_TYPES, text);
}
