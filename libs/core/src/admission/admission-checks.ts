import { type AdmissionDenial, DENIALS } from '../denials.js';
import { firstNamed, naming, when } from '../finding.js';
import { findChainBreak, isRevoked, isValidAt } from '../mandates/check-chain.js';
import * as walk from '../mandates/levels.js';
import {
  type AdmissionCase,
  bornDead,
  isAudienceFit,
  isCaptureCountFit,
  isClockTrusted,
  isCounterpartyAdmitted,
  isOwnMandate,
  isPhase,
  isReferenceMeasurement,
  isUnverified,
  keptBack,
  asksAnother,
  asksApproval,
  asksInVain,
  stoppedBy,
} from './admission-case.js';
import { evidenceEndsAtMs } from './issue-terms.js';
import { type Finding, STAGES } from './types.js';

type Check = (c: AdmissionCase) => Finding | null;
/** What precedes stage 1: times and repeats, which need no trust in anybody. */
export const PLACES = ['intake', ...STAGES] as const;
export type Place = (typeof PLACES)[number];
/** Who decides a row that is no check of this table. */
type Elsewhere = 'the door' | 'the batch wrapper' | 'mandate creation';
type Row = Readonly<Partial<Record<Place, Check>>> | Elsewhere;

/**
 * Every admission denial with its check, by the stage that runs it. Stage n fails → n + 1 never runs; within a stage
 * the first row of DENIALS that applies is reported. A row without a check does not compile. A fact that is `'unknown'`
 * denies, by its own row or as `trust_unverifiable` naming what is missing.
 */
const CHECKS: Readonly<Record<AdmissionDenial, Row>> = {
  // form, load and signature: the bytes never became an intent
  rate_limited: 'the door',
  too_large: 'the door',
  encoding_invalid: 'the door',
  malformed: 'the door',
  type_mismatch: 'the door',
  header_forbidden: 'the door',
  algorithm_forbidden: 'the door',
  unknown_field: 'the door',
  key_unknown: 'the door',
  key_retired: 'the door',
  signature_invalid: 'the door',
  issuer_unknown: 'the door',
  domain_mismatch: 'the door',
  internal_denied: 'the batch wrapper',
  scope_escalation: 'mandate creation',

  // before any stage
  clock_untrusted: { intake: ({ facts }) => when(!isClockTrusted(facts)) },
  audit_unavailable: { intake: ({ facts }) => when(facts.watches.audit !== 'verified') },
  idempotency_conflict: {
    intake: ({ intent, facts }) => when(facts.recorded !== null && facts.recorded.bodyHash !== intent.bodyHash),
  },
  intent_replayed: { intake: ({ facts }) => when(facts.recorded !== null) },
  // An intent that waits was taken in time; its wait, which never outlasts `exp`, is what ends it.
  intent_expired: {
    intake: ({ intent, facts }) => when(facts.parked === null && !(facts.judgedAtMs < intent.expMs)),
  },
  deadline_passed: {
    intake: ({ intent, facts }) =>
      firstNamed(
        ['parked_until', facts.parked !== null && !(facts.judgedAtMs < facts.parked.untilMs)],
        ['deadline', !(facts.judgedAtMs < (intent.deadlineMs ?? Infinity))],
      ),
    issue: (c) => bornDead(c, 'deadline_passed'),
  },

  // a fact nobody could establish
  trust_unverifiable: {
    policy: ({ facts }) =>
      firstNamed(
        ['watch', isUnverified(facts.watches.watch)],
        ['policy', facts.policy === 'unknown'],
        ['governance', isUnverified(facts.watches.governance)],
      ),
    identity: ({ facts, mandate }) =>
      firstNamed(
        ['agent', facts.agent === 'unknown'],
        ['signer', facts.signer === 'unknown'],
        ['mandate', mandate === 'unknown'],
        ['identity', isUnverified(facts.watches.identity)],
        ['lineage', isUnverified(facts.watches.lineage)],
        ['domain', facts.watches.domain === 'unknown'],
      ),
    runtime_integrity: ({ facts }) => naming('attestation', facts.attestation === 'unknown'),
    governance: ({ facts, flow, drift }) =>
      firstNamed(
        ['flow', flow === 'unknown'],
        ['scope', facts.scope === 'unknown'],
        ['counterparty', facts.counterparty === 'unknown'],
        ['audience', facts.audienceKey === 'unknown'],
        ['drift', drift === 'unknown'],
        ['approval', facts.approval === 'unknown'],
      ),
    issue: ({ facts }) => naming('issuer', facts.issuer !== 'ready'),
  },

  // stage 1, policy loaded and valid
  governance_discontinuity: { policy: ({ facts }) => when(facts.watches.governance === 'broken') },
  policy_unavailable: {
    policy: ({ facts }) => when(facts.policy !== 'unknown' && facts.policy.verdict === 'unavailable'),
  },

  // stage 2, identity: agent key, mandate chain to the root principal, peer domain
  domain_stale: { identity: ({ facts }) => when(facts.watches.domain === 'stale') },
  domain_divergence: { identity: ({ facts }) => when(facts.watches.domain === 'broken') },
  agent_unknown: { identity: ({ facts }) => when(facts.agent !== 'active') },
  agent_key_mismatch: {
    identity: ({ intent, facts }) => when(facts.signer === 'unknown' || facts.signer.agent !== intent.agent),
  },
  identity_discontinuity: { identity: ({ facts }) => when(facts.watches.identity === 'broken') },
  mandate_unknown: { identity: (c) => when(c.mandate !== 'present' || !isOwnMandate(c)) },
  mandate_expired: {
    identity: ({ levels, facts }) =>
      naming(levels.find(({ mandate }) => !isValidAt(mandate, facts.judgedAtMs))?.mandate.id ?? null),
    issue: (c) => bornDead(c, 'mandate_expired'),
  },
  mandate_revoked: {
    identity: ({ levels }) => naming(levels.find(({ mandate }) => isRevoked(mandate))?.mandate.id ?? null),
  },
  authorization_discontinuity: { identity: ({ levels }) => naming(findChainBreak(levels)) },
  lineage_fragmented: { identity: ({ facts }) => when(facts.watches.lineage === 'broken') },

  // stage 3, runtime integrity: what is on record about the agent's runtime
  environment_unattested: {
    runtime_integrity: ({ requirements, facts }) => when(facts.attestation === 'absent' && requirements.length > 0),
  },
  environment_stale: {
    runtime_integrity: ({ requirements, facts }) =>
      when(!(facts.judgedAtMs < evidenceEndsAtMs(requirements, facts.attestation))),
    issue: (c) => bornDead(c, 'environment_stale'),
  },
  runtime_integrity_failure: {
    // Also where no level requires attestation: an attester's word against a runtime is not ignored.
    runtime_integrity: ({ facts: { attestation } }) =>
      typeof attestation === 'string'
        ? null
        : firstNamed(['compromised', attestation.compromised], ['debug', attestation.debug]),
  },

  // stage 4, environment: the measurement is a reference value at every level that has some
  environment_integrity_failure: { environment: (c) => naming('measurement', !isReferenceMeasurement(c)) },

  // stage 5, governance: lifecycle phase, scope, limits at every level, policy verdict, people
  audience_mismatch: { governance: (c) => naming('audience', !isAudienceFit(c)) },
  flow_revoked: {
    governance: ({ flow }) => when(isPhase(flow, (state) => state === 'revoked' || state === 'archived')),
  },
  flow_contained: {
    governance: ({ flow, facts }) =>
      firstNamed(['scope', facts.scope === 'halted'], ['flow', isPhase(flow, (_, phase) => phase > 4)]),
  },
  // An `authorized` flow got here through stages 3 and 4, so this very decision activates it.
  flow_not_activated: {
    governance: ({ flow }) => when(flow === 'absent' || isPhase(flow, (state) => state === 'baseline')),
  },
  drift_detected: {
    governance: ({ levels, drift }) =>
      firstNamed(['ledger', !walk.isTreeBalanced(levels)], ['spend', drift === 'found']),
  },
  currency_unsupported: { governance: ({ money }) => naming('amount.currency', money === 'currency_unsupported') },
  currency_precision: { governance: ({ money }) => naming('amount.value', money === 'currency_precision') },
  amount_invalid: { governance: ({ money }) => naming('amount.value', money === 'amount_invalid') },
  currency_mismatch: {
    governance: ({ intent, levels }) =>
      naming(
        'amount.currency',
        levels.some(({ mandate }) => mandate.currency !== intent.currency),
      ),
  },
  scope_mismatch: {
    governance: (c) =>
      firstNamed(
        ['counterparty', !isCounterpartyAdmitted(c)],
        ['capture.max_captures', !isCaptureCountFit(c.intent)],
        ['capture.settle_by', Number.isNaN(c.intent.capture.settleByMs)],
      ),
  },
  per_transaction_limit: { governance: (c) => stoppedBy(c, walk.findPerTransactionExceeded) },
  counterparty_limit: { governance: (c) => stoppedBy(c, walk.findCounterpartyExceeded) },
  // Also the count of those that wait for a person on this flow: no row of its own, because to the agent it is one more
  // limit that moves on with time. `approval_required` is not reported for it: nobody will be asked.
  window_limit: {
    governance: (c) => stoppedBy(c, walk.findWindowExceeded) ?? naming('approval', asksInVain(c)),
  },
  budget_exceeded: { governance: (c) => stoppedBy(c, walk.findBudgetExceeded, keptBack(c)) },
  policy_error: { governance: ({ facts: { policy } }) => when(policy !== 'unknown' && policy.verdict === 'error') },
  policy_denied: {
    governance: ({ facts: { policy } }) =>
      policy === 'unknown' ? null : naming(policy.deciding[0] ?? policy.policyId, policy.verdict !== 'allow'),
  },
  approval_required: { governance: (c) => naming('approvals.two_above', asksAnother(c)) ?? when(asksApproval(c)) },
  approval_refused: { governance: ({ facts }) => when(facts.approval === 'refused') },
};

/** The checks of one place, by precedence. */
export type PlaceChecks = readonly { readonly code: AdmissionDenial; readonly check: Check }[];

function checksAt(place: Place): PlaceChecks {
  return DENIALS.flatMap((row) => {
    if (row.admission === null) return [];
    const checks = CHECKS[row.code];
    const check = typeof checks === 'string' ? undefined : checks[place];
    return check === undefined ? [] : [{ code: row.code, check }];
  });
}

/** Intake and the six stages in the order they run. */
export const ADMISSION_ORDER: readonly { readonly place: Place; readonly checks: PlaceChecks }[] = PLACES.map(
  (place) => ({
    place,
    checks: checksAt(place),
  }),
);

/** Codes that no check here reports, and who reports them. */
export const ADMISSION_ELSEWHERE: Readonly<Partial<Record<AdmissionDenial, Elsewhere>>> = Object.fromEntries(
  Object.entries(CHECKS).filter((entry): entry is [AdmissionDenial, Elsewhere] => typeof entry[1] === 'string'),
);
