import { describe, expect, it } from '@jest/globals';
import { DENIALS, type SettlementDenial } from '../denials.js';
import { hash, mandate, OWN, TEAM } from '../examples/admission-example.js';
import {
  attested,
  capture,
  type Change,
  inFlow,
  multi,
  own,
  row,
  strict,
  watching,
} from '../examples/settlement-changes.js';
import { artifact, EXPIRY_MS, facts, holdOf, JUDGED_MS, SETTLE_BY_MS } from '../examples/settlement-example.js';
import { NO_DELTA } from '../hold.js';
import { ZERO } from '../money.js';
import { SETTLEMENT_ELSEWHERE } from './settlement-checks.js';
import { type VerificationCheck, VERIFICATION_CHECKS } from './types.js';

type Row = readonly [ids: string, code: SettlementDenial, field: string | null, why: string, change: Change];
/** Every row of the table that core checks, under its verification check: what is changed of a capture that holds. */
const DENIED: Readonly<Record<VerificationCheck, readonly Row[]>> = {
  signature: [
    ['A19, A27', 'signature_invalid', null, 'it does not verify', { facts: { signature: 'invalid' } }],
    ['A19, A27', 'signature_invalid', null, 'nobody could check it', { facts: { signature: 'unknown' } }],
    ['A27', 'audience_mismatch', null, 'another service presents it', { request: { presenter: 'other' } }],
    ['A27', 'audience_mismatch', null, 'another key presents it', { request: { presenterJkt: hash('x') } }],
    [
      'A27',
      'audience_mismatch',
      null,
      'the agent may not capture',
      { request: { presenterKind: 'agent', presenter: 'shopper-1' } },
    ],
    [
      'A27',
      'audience_mismatch',
      null,
      'another service asks for the refund of a capture nobody made',
      { request: { action: 'refund', presenter: 'other' } },
    ],
    ['A27', 'audience_mismatch', null, 'the service was disabled', { facts: { service: 'disabled' } }],
    [
      'A27',
      'audience_mismatch',
      null,
      'it does not settle for the payee',
      { facts: { settlesForCounterparty: false } },
    ],
    ['A27', 'trust_unverifiable', 'service', 'the registry could not say', { facts: { service: 'unknown' } }],
    [
      'A27',
      'trust_unverifiable',
      'service',
      'the register of payees could not say',
      { facts: { settlesForCounterparty: 'unknown' } },
    ],
  ],
  origin: [
    ['A11, A18', 'artifact_missing', null, 'the request names none', { request: { artifactId: null } }],
    ['A11, A18', 'artifact_missing', null, 'the request has no hash of it', { request: { artifactHash: null } }],
    ['A32', 'artifact_not_issued', null, 'no such row', { facts: { artifact: 'absent', hold: 'absent' } }],
    [
      'A32',
      'artifact_not_issued',
      null,
      'its claims differ from the stored ones',
      { request: { artifactHash: hash('x') } },
    ],
    ['A32', 'artifact_not_issued', null, 'the row is of another', row({ artifactId: OWN })],
    ['A32', 'trust_unverifiable', 'artifact', 'the row could not be read', { facts: { artifact: 'unknown' } }],
    ['A32', 'trust_unverifiable', 'hold', 'the hold could not be read', { facts: { hold: 'unknown' } }],
    ['A32', 'trust_unverifiable', 'hold', 'an artifact without a hold', { facts: { hold: 'absent' } }],
    ['A35', 'audit_unavailable', null, 'no audit, no settlement', watching('audit', 'unknown')],
    [
      'A22',
      'idempotency_conflict',
      null,
      'another body under the same id',
      { facts: { recorded: { settlementId: OWN, bodyHash: 'x' } } },
    ],
  ],
  lineage: [
    ['A34', 'trust_unverifiable', 'mandate', 'the chain could not be read', { facts: { mandates: 'unknown' } }],
    ['A34', 'trust_unverifiable', 'identity', 'its watch is overdue', watching('identity', 'stale')],
    ['A34', 'trust_unverifiable', 'lineage', 'its watch is overdue', watching('lineage', 'unknown')],
    ['A34', 'trust_unverifiable', 'domain', 'the peer is not known', watching('domain', 'unknown')],
    ['A34', 'domain_stale', null, 'the peer is late', watching('domain', 'stale')],
    ['A34', 'domain_divergence', null, 'the peer showed two histories', watching('domain', 'broken')],
    ['A34', 'identity_discontinuity', null, 'key changed without a transition', watching('identity', 'broken')],
    ['A34', 'authorization_discontinuity', OWN, 'a parent is gone', { facts: { mandates: [mandate(0), mandate(2)] } }],
    ['A34', 'lineage_fragmented', null, 'the mandate itself is gone', { facts: { mandates: 'absent' } }],
    ['A34', 'lineage_fragmented', null, 'issued under claims nobody recorded', own({ hash: hash('x') })],
    [
      'A34',
      'lineage_fragmented',
      null,
      'issued under another mandate',
      row({ lineage: { ...artifact.lineage, parent: TEAM } }),
    ],
    [
      'A34',
      'lineage_fragmented',
      null,
      'issued under another root',
      row({ lineage: { ...artifact.lineage, root: TEAM } }),
    ],
    ['A34', 'lineage_fragmented', null, 'the watch saw it break', watching('lineage', 'broken')],
  ],
  revocation_state: [
    [
      'A33',
      'mandate_revoked',
      TEAM,
      'an ancestor is revoked',
      { facts: { mandates: [mandate(0), mandate(1, { revokedAtMs: 1 }), mandate(2)] } },
    ],
    ['A33', 'flow_revoked', null, 'the flow is revoked', inFlow('revoked')],
    ['A33', 'flow_revoked', null, 'the flow is closed', inFlow('archived')],
    ['E14', 'flow_contained', 'flow', 'the flow is contained', inFlow('contained')],
    ['E14', 'flow_contained', 'flow', 'the flow is only recovering', inFlow('recovering')],
    ['E14', 'flow_contained', 'scope', 'a scope over it is halted', { facts: { scope: 'halted' } }],
    ['I7, E14', 'flow_contained', 'agent', 'its agent is disabled', { facts: { agent: 'disabled' } }],
    ['I7, E14', 'flow_contained', 'counterparty', 'its payee is disabled', { facts: { counterparty: 'disabled' } }],
    ['I5, A33', 'trust_unverifiable', 'agent', 'nobody knows the agent', { facts: { agent: 'absent' } }],
    ['I5, A33', 'trust_unverifiable', 'agent', 'the agent could not be read', { facts: { agent: 'unknown' } }],
    ['I5, A33', 'trust_unverifiable', 'counterparty', 'nobody knows the payee', { facts: { counterparty: 'absent' } }],
    ['E14', 'drift_detected', null, 'this event shows drift', { facts: { drift: 'found' } }],
    ['A33', 'trust_unverifiable', 'flow', 'the flow could not be read', { facts: { flow: 'unknown' } }],
    ['A33', 'trust_unverifiable', 'flow', 'there is no flow', { facts: { flow: 'absent' } }],
    ['A33', 'trust_unverifiable', 'watch', 'nobody has looked in time', watching('watch', 'stale')],
    ['A33', 'trust_unverifiable', 'watch', 'a live flow on no list', watching('watch', 'unknown')],
    ['A33', 'trust_unverifiable', 'scope', 'halts could not be read', { facts: { scope: 'unknown' } }],
    ['A33', 'trust_unverifiable', 'drift', 'the detector did not answer', { facts: { drift: 'unknown' } }],
    ['A33', 'trust_unverifiable', 'status', 'the status could not be read', row({ status: 'unknown' })],
    ['A23, A33', 'artifact_revoked', null, 'it is revoked', row({ status: 'revoked' })],
    ['A23, A33', 'artifact_revoked', null, 'it is of an epoch before', row({ epoch: 0 })],
    ['A33', 'artifact_suspended', null, 'it is suspended', row({ status: 'suspended' })],
  ],
  scope_integrity: [
    ['A25, A28', 'currency_unsupported', 'amount.currency', 'gold has no exponent', { request: { currency: 'XAU' } }],
    [
      'A25, A28',
      'currency_unsupported',
      'amount.currency',
      'a capture without a currency',
      { request: { currency: null } },
    ],
    ['A25, A28', 'currency_precision', 'amount.value', 'USD has two digits', { request: { amountText: '12.505' } }],
    ['A25, A28', 'amount_invalid', 'amount.value', 'zero', { request: { amountText: '0.00' } }],
    ['A25, A28', 'amount_invalid', 'amount.value', 'a capture without an amount', { request: { amountText: null } }],
    ['A25, A28', 'currency_mismatch', 'amount.currency', "not the artifact's", { request: { currency: 'EUR' } }],
    ['A25, A28', 'scope_mismatch', 'action', 'not among its actions', row({ actions: ['void'] })],
    ['A25, A28', 'scope_mismatch', 'counterparty', 'another payee', { request: { counterparty: 'other' } }],
    ['A25, A28', 'scope_mismatch', 'counterparty', 'a level took the payee off its list', own({ counterparties: [] })],
    ['A25, A28', 'scope_mismatch', 'merchant_reference', 'another reference', { request: { reference: 'other' } }],
    ['A22, A28', 'artifact_consumed', null, 'nothing is left', { facts: { hold: holdOf('12.50', { held: ZERO }) } }],
    ['A22, A28', 'artifact_consumed', null, 'the hold has ended', { facts: { hold: multi({ ended: true }) } }],
    ['A28', 'capture_limit', null, 'the last of three was granted', { facts: { hold: multi({ captureCount: 3 }) } }],
    ['A25, A28', 'amount_exceeds_artifact', 'amount.value', 'one cent above', { request: { amountText: '12.51' } }],
  ],
  temporal_validity: [
    ['A29', 'clock_untrusted', null, 'the time is no number', { judgedAtMs: NaN }],
    ['A29', 'mandate_expired', OWN, 'at the last instant of a level', own({ validUntilMs: JUDGED_MS })],
    ['A29', 'artifact_not_yet_valid', null, 'one millisecond before nbf', row({ nbfMs: JUDGED_MS + 1 })],
    ['A20, A29', 'artifact_expired', null, 'at exp itself (RFC 7519 §4.1.4)', { judgedAtMs: EXPIRY_MS }],
    ['A20, A29', 'artifact_expired', null, 'a second after exp', { judgedAtMs: EXPIRY_MS + 1_000 }],
    [
      'A29',
      'settle_by_passed',
      null,
      'a later capture at settle_by itself',
      { facts: { hold: multi({ captureCount: 1 }) }, judgedAtMs: SETTLE_BY_MS },
    ],
  ],
  environment_binding: [
    ['A24, A30', 'environment_unattested', null, 'none is on record', { facts: { ...strict, attestation: 'absent' } }],
    [
      'A24, A30',
      'environment_unattested',
      null,
      'the artifact was bound to one',
      { facts: { ...row({ measurement: 'build-7' }).facts, attestation: 'absent' } },
    ],
    [
      'A24, A30',
      'environment_stale',
      null,
      'the result is past its time',
      { facts: { ...strict, attestation: attested({ validUntilMs: JUDGED_MS }) } },
    ],
    [
      'A24, A30',
      'environment_integrity_failure',
      'measurement',
      'another build runs',
      { facts: { ...strict, attestation: attested({ measurement: 'build-8' }) } },
    ],
    [
      'A24, A30',
      'environment_integrity_failure',
      'measurement',
      'not the build it was issued to',
      row({ measurement: 'build-6' }),
    ],
    [
      'A24, A30',
      'runtime_integrity_failure',
      'debug',
      'debug is on',
      { facts: { attestation: attested({ debug: true }) } },
    ],
    ['A30', 'trust_unverifiable', 'attestation', 'the record could not be read', { facts: { attestation: 'unknown' } }],
  ],
  policy_hash: [
    ['A21, A31', 'policy_mismatch', null, 'another slice applies now', { facts: { policy: { hash: hash('x') } } }],
    ['A31', 'policy_unavailable', null, 'no active set', { facts: { policy: 'unavailable' } }],
    ['A31', 'policy_error', null, 'its slice could not be taken', { facts: { policy: 'error' } }],
    ['A31', 'trust_unverifiable', 'policy', 'the registry could not say', { facts: { policy: 'unknown' } }],
    ['A31', 'trust_unverifiable', 'governance', 'its watch is overdue', watching('governance', 'stale')],
    ['A31', 'governance_discontinuity', null, 'an epoch went back', watching('governance', 'broken')],
  ],
};
const CASES = VERIFICATION_CHECKS.flatMap((check) =>
  DENIED[check].map(([ids, ...row]) => [ids, check, ...row] as const),
);

describe('the checks of a settlement', () => {
  it.each(CASES)('%s: %s fails with %s (%s): %s', (_ids, check, code, field, _why, change) => {
    const { decision, hold, delta } = capture(change);
    expect(decision).toMatchObject({ outcome: 'denied', code, field, amount: null, state: 'denied' });
    expect(decision.checks.map(({ name }) => name)).toEqual(VERIFICATION_CHECKS);
    expect(decision.checks.find(({ name }) => name === check)).toMatchObject({
      ok: false,
      codes: expect.arrayContaining([code]),
    });
    expect(hold).toBe({ ...facts, ...change.facts }.hold);
    expect(delta).toBe(NO_DELTA);
  });

  it('shows every settlement row of the table denying, or names who decides it elsewhere', () => {
    const shown = new Set<string>(CASES.map(([, , code]) => code));
    const missing = DENIALS.filter((one) => one.settlement !== null && !shown.has(one.code)).map(({ code }) => code);
    expect(missing.sort()).toEqual(Object.keys(SETTLEMENT_ELSEWHERE).sort());
  });
});
