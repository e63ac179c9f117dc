import type { Finding } from '../admission/types.js';
import { isUnverified } from '../admission/admission-case.js';
import { evidenceEndsAtMs } from '../admission/issue-terms.js';
import { DENIALS, type SettlementDenial } from '../denials.js';
import { firstNamed, naming, when } from '../finding.js';
import { findChainBreak, isRevoked, isValidAt } from '../mandates/check-chain.js';
import { classifyRequest } from './classify-request.js';
import {
  type DrawnCase,
  findAmountExceeded,
  isAttestationNeeded,
  isCaptureLimitReached,
  isCounterpartyKept,
  isEnvironmentKept,
  isEpochPast,
  isFlowIn,
  isLineageWhole,
  isPresenter,
  type SettlementCase,
} from './settlement-case.js';
import { type SettlementAction, type SettlementFacts, VERIFICATION_CHECKS, type VerificationCheck } from './types.js';

type Check = (c: SettlementCase) => Finding | null;
type DrawnCheck = (c: DrawnCase) => Finding | null;
type Elsewhere = 'the door' | 'the batch wrapper';
type Row = Readonly<Partial<Record<VerificationCheck, Check>>> | Elsewhere;

/** A check for some actions only, once the artifact's row and hold are there to judge by. */
const of =
  (actions: readonly SettlementAction[], check: DrawnCheck): Check =>
  ({ drawn }) =>
    drawn === null || !actions.includes(drawn.request.action) ? null : check(drawn);

/** Nobody the register knows, or nobody could ask it. */
const isNobody = (standing: SettlementFacts['agent']): boolean => standing === 'absent' || standing === 'unknown';

/** Money leaves: the trust an artifact was issued under is asked for again, all of it (E14). */
const capture = (check: DrawnCheck): Check => of(['capture'], check);
/** What is held is drawn on or let go. A refund only brings money back: captured money is always refundable. */
const captureOrVoid = (check: DrawnCheck): Check => of(['capture', 'void'], check);
const captureOrRefund = (check: DrawnCheck): Check => of(['capture', 'refund'], check);
const every = (check: DrawnCheck): Check => of(['capture', 'void', 'refund'], check);

/**
 * Every settlement denial with its check, under the one of the eight verification checks it belongs to (A27–A34). All
 * eight run and are reported; the first row of DENIALS that applies is the code. A row without a check does not
 * compile. Amount, payee, times and hold come from the stored row: what the token says is never asked.
 */
const CHECKS: Readonly<Record<SettlementDenial, Row>> = {
  // form, load and keys: the bytes never became a request
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
  issuer_unknown: 'the door',
  domain_mismatch: 'the door',
  internal_denied: 'the batch wrapper',

  // signature: who asks, with which key
  signature_invalid: { signature: ({ facts }) => when(facts.signature !== 'valid') },
  audience_mismatch: { signature: every((c) => when(!isPresenter(c))) },

  // a fact nobody could establish
  trust_unverifiable: {
    signature: ({ facts }) =>
      firstNamed(['service', facts.service === 'unknown'], ['service', facts.settlesForCounterparty === 'unknown']),
    origin: ({ facts }) =>
      firstNamed(
        ['artifact', facts.artifact === 'unknown'],
        ['hold', facts.hold === 'unknown' || (facts.hold === 'absent' && facts.artifact !== 'absent')],
      ),
    scope_integrity: of(['refund'], ({ facts }) => naming('capture_id', facts.capture === 'unknown')),
    environment_binding: capture(({ facts }) => naming('attestation', facts.attestation === 'unknown')),
    policy_hash: capture(({ facts }) =>
      firstNamed(['policy', facts.policy === 'unknown'], ['governance', isUnverified(facts.watches.governance)]),
    ),
    revocation_state: captureOrVoid(({ artifact, facts, request }) =>
      firstNamed(
        ['status', artifact.status === 'unknown'],
        ['watch', request.action === 'capture' && isUnverified(facts.watches.watch)],
        ['flow', request.action === 'capture' && typeof facts.flow === 'string'],
        ['scope', request.action === 'capture' && facts.scope === 'unknown'],
        ['drift', request.action === 'capture' && facts.drift === 'unknown'],
        ['agent', request.action === 'capture' && isNobody(facts.agent)],
        ['counterparty', request.action === 'capture' && isNobody(facts.counterparty)],
      ),
    ),
    lineage: capture(({ facts }) =>
      firstNamed(
        ['mandate', facts.mandates === 'unknown'],
        ['identity', isUnverified(facts.watches.identity)],
        ['lineage', isUnverified(facts.watches.lineage)],
        ['domain', facts.watches.domain === 'unknown'],
      ),
    ),
  },

  // origin: the domain issued exactly these claims, and writes down what it decides
  artifact_missing: { origin: ({ request }) => when(request.artifactId === null || request.artifactHash === null) },
  artifact_not_issued: {
    origin: ({ request, facts: { artifact } }) =>
      when(
        typeof artifact === 'string'
          ? artifact === 'absent'
          : artifact.artifactId !== request.artifactId || artifact.claimsHash !== request.artifactHash,
      ),
  },
  audit_unavailable: { origin: ({ facts }) => when(facts.watches.audit !== 'verified') },
  idempotency_conflict: {
    origin: ({ request, facts }) => when(classifyRequest(facts.recorded, request.bodyHash) === 'conflict'),
  },

  // lineage: the chain to the root principal, as it stands now
  domain_stale: { lineage: capture(({ facts }) => when(facts.watches.domain === 'stale')) },
  domain_divergence: { lineage: capture(({ facts }) => when(facts.watches.domain === 'broken')) },
  identity_discontinuity: { lineage: capture(({ facts }) => when(facts.watches.identity === 'broken')) },
  // Without the mandate itself there is no chain that could have a gap: what is missing is what the artifact came of.
  authorization_discontinuity: {
    lineage: capture(({ facts, levels }) => naming(facts.mandates === 'absent' ? null : findChainBreak(levels))),
  },
  lineage_fragmented: {
    lineage: capture((c) => when(c.facts.watches.lineage === 'broken' || !isLineageWhole(c))),
  },

  // revocation state: nothing over the artifact was ended or halted
  mandate_revoked: {
    revocation_state: capture(({ levels }) =>
      naming(levels.find(({ mandate }) => isRevoked(mandate))?.mandate.id ?? null),
    ),
  },
  flow_revoked: {
    revocation_state: capture((c) => when(isFlowIn(c, (state) => state === 'revoked' || state === 'archived'))),
  },
  flow_contained: {
    revocation_state: capture((c) =>
      // A disabled agent or payee is a scope over the flow: halted until it is active again.
      firstNamed(
        ['scope', c.facts.scope === 'halted'],
        ['flow', isFlowIn(c, (_, phase) => phase > 4)],
        ['agent', c.facts.agent === 'disabled'],
        ['counterparty', c.facts.counterparty === 'disabled'],
      ),
    ),
  },
  drift_detected: { revocation_state: capture(({ facts }) => when(facts.drift === 'found')) },
  artifact_revoked: {
    revocation_state: captureOrVoid((c) =>
      when(c.artifact.status === 'revoked' || (c.request.action === 'capture' && isEpochPast(c))),
    ),
  },
  artifact_suspended: { revocation_state: capture(({ artifact }) => when(artifact.status === 'suspended')) },

  // scope integrity: the action, payee, currency and amount stay within the artifact and its hold
  currency_unsupported: {
    scope_integrity: captureOrRefund(({ money }) => naming('amount.currency', money === 'currency_unsupported')),
  },
  currency_precision: {
    scope_integrity: captureOrRefund(({ money }) => naming('amount.value', money === 'currency_precision')),
  },
  amount_invalid: {
    scope_integrity: captureOrRefund(({ money }) => naming('amount.value', money === 'amount_invalid')),
  },
  currency_mismatch: {
    scope_integrity: captureOrRefund(({ request, artifact }) =>
      naming('amount.currency', request.currency !== artifact.currency),
    ),
  },
  scope_mismatch: {
    scope_integrity: every((c) =>
      firstNamed(
        ['action', !c.artifact.actions.includes(c.request.action)],
        ['counterparty', !isCounterpartyKept(c)],
        ['merchant_reference', c.request.reference !== c.artifact.reference],
        ['capture_id', c.request.action === 'refund' && c.facts.capture === 'absent'],
      ),
    ),
  },
  artifact_consumed: { scope_integrity: captureOrVoid(({ hold }) => when(hold.ended || !hold.held.gt(0))) },
  capture_limit: { scope_integrity: capture((c) => when(isCaptureLimitReached(c))) },
  amount_exceeds_artifact: {
    scope_integrity: captureOrRefund((c) => {
      const limit = findAmountExceeded(c);
      return limit === null ? null : { field: 'amount.value', limit };
    }),
  },

  // temporal validity: judged by the database's clock after the locks, skew 0, the instant of expiry is too late
  clock_untrusted: { temporal_validity: ({ judgedAtMs }) => when(!Number.isSafeInteger(judgedAtMs)) },
  mandate_expired: {
    temporal_validity: capture(({ levels, judgedAtMs }) =>
      naming(levels.find(({ mandate }) => !isValidAt(mandate, judgedAtMs))?.mandate.id ?? null),
    ),
  },
  artifact_not_yet_valid: {
    temporal_validity: capture(({ artifact, judgedAtMs }) => when(!(judgedAtMs >= artifact.nbfMs))),
  },
  artifact_expired: {
    temporal_validity: capture(({ artifact, hold, judgedAtMs }) =>
      when(hold.captureCount === 0 && !(judgedAtMs < artifact.expiresAtMs)),
    ),
  },
  settle_by_passed: {
    temporal_validity: capture(({ artifact, judgedAtMs }) => when(!(judgedAtMs < artifact.settleByMs))),
  },

  // environment binding: the runtime is still the attested one
  environment_unattested: {
    environment_binding: capture((c) => when(c.facts.attestation === 'absent' && isAttestationNeeded(c))),
  },
  environment_stale: {
    environment_binding: capture(({ requirements, facts, judgedAtMs }) =>
      when(!(judgedAtMs < evidenceEndsAtMs(requirements, facts.attestation))),
    ),
  },
  environment_integrity_failure: {
    environment_binding: capture((c) => naming('measurement', !isEnvironmentKept(c))),
  },
  runtime_integrity_failure: {
    environment_binding: capture(({ facts: { attestation } }) =>
      typeof attestation === 'string'
        ? null
        : firstNamed(['compromised', attestation.compromised], ['debug', attestation.debug]),
    ),
  },

  // policy hash: the slice that applies now is the one the artifact was issued under
  governance_discontinuity: { policy_hash: capture(({ facts }) => when(facts.watches.governance === 'broken')) },
  policy_unavailable: { policy_hash: capture(({ facts }) => when(facts.policy === 'unavailable')) },
  policy_error: { policy_hash: capture(({ facts }) => when(facts.policy === 'error')) },
  policy_mismatch: {
    policy_hash: capture(({ artifact, facts: { policy } }) =>
      when(typeof policy !== 'string' && policy.hash !== artifact.policyHash),
    ),
  },
};

/** The checks of one name, by precedence. */
export type NamedChecks = readonly { readonly code: SettlementDenial; readonly check: Check }[];

function checksOf(name: VerificationCheck): NamedChecks {
  return DENIALS.flatMap((row) => {
    if (row.settlement === null) return [];
    const checks = CHECKS[row.code];
    const check = typeof checks === 'string' ? undefined : checks[name];
    return check === undefined ? [] : [{ code: row.code, check }];
  });
}

/** The eight checks in the order they are reported. */
export const VERIFICATION_ORDER: readonly { readonly name: VerificationCheck; readonly rows: NamedChecks }[] =
  VERIFICATION_CHECKS.map((name) => ({ name, rows: checksOf(name) }));

/** Codes that no check here reports, and who reports them. */
export const SETTLEMENT_ELSEWHERE: Readonly<Partial<Record<SettlementDenial, Elsewhere>>> = Object.fromEntries(
  Object.entries(CHECKS).filter((entry): entry is [SettlementDenial, Elsewhere] => typeof entry[1] === 'string'),
);
