import { describe, expect, it } from '@jest/globals';
import { type AdmissionDenial, DENIALS } from '../denials.js';
import {
  attested,
  type Change,
  counting,
  decide,
  inFlow,
  own,
  policySays,
  REQUIRED,
  shopIs,
  watched,
  watching,
} from '../examples/admission-changes.js';
import * as example from '../examples/admission-example.js';
import { level, OWN, T0_MS, TEAM } from '../examples/admission-example.js';
import { EXAMPLE_WATCH } from '../examples/drift-example.js';
import { decimal } from '../money.js';
import { ADMISSION_ELSEWHERE, type Place, PLACES } from './admission-checks.js';
import { STAGES } from './types.js';

type Row = readonly [code: AdmissionDenial, field: string | null, why: string, change: Change];
/** Every row of the table that core checks, under its stage: what is changed of an intent that is authorized. */
const DENIED: Readonly<Record<Place, readonly Row[]>> = {
  intake: [
    ['clock_untrusted', null, 'the log runs ahead by more than 30 s', { facts: { appendedAtMs: T0_MS + 30_021 } }],
    ['clock_untrusted', null, 'a time is not a number', { facts: { judgedAtMs: NaN } }],
    ['audit_unavailable', null, 'no audit, no decision', watching('audit', 'stale')],
    [
      'idempotency_conflict',
      null,
      'the same jti had another body',
      { facts: { recorded: { decisionId: OWN, bodyHash: 'x' } } },
    ],
    [
      'intent_replayed',
      null,
      'it was decided before',
      { facts: { recorded: { decisionId: OWN, bodyHash: example.intent.bodyHash } } },
    ],
    ['intent_expired', null, 'judged at exp itself', { intent: { expMs: T0_MS + 20 } }],
    ['deadline_passed', 'deadline', 'judged at the deadline itself', { intent: { deadlineMs: T0_MS + 20 } }],
    [
      'deadline_passed',
      'parked_until',
      'its wait ended',
      { facts: { parked: { decisionId: OWN, untilMs: T0_MS + 20 } } },
    ],
  ],
  policy: [
    ['trust_unverifiable', 'policy', 'nobody could evaluate', { facts: { policy: 'unknown' } }],
    ['trust_unverifiable', 'watch', 'nobody has looked in time', watching('watch', 'stale')],
    ['trust_unverifiable', 'governance', 'its watch is overdue', watching('governance', 'stale')],
    ['governance_discontinuity', null, 'an epoch went back', watching('governance', 'broken')],
    ['policy_unavailable', null, 'no active set', policySays('unavailable')],
  ],
  identity: [
    ['trust_unverifiable', 'agent', 'the registry could not say', { facts: { agent: 'unknown' } }],
    ['trust_unverifiable', 'signer', 'the key holder is not known', { facts: { signer: 'unknown' } }],
    ['trust_unverifiable', 'mandate', 'the chain could not be read', { state: { levels: 'unknown' } }],
    ['trust_unverifiable', 'identity', 'its watch is overdue', watching('identity', 'unknown')],
    ['trust_unverifiable', 'lineage', 'its watch is overdue', watching('lineage', 'stale')],
    ['trust_unverifiable', 'domain', 'the peer is not known', watching('domain', 'unknown')],
    ['domain_stale', null, 'the peer is late', watching('domain', 'stale')],
    ['domain_divergence', null, 'the peer showed two histories', watching('domain', 'broken')],
    ['agent_unknown', null, 'not registered', { facts: { agent: 'absent' } }],
    ['agent_unknown', null, 'disabled', { facts: { agent: 'disabled' } }],
    ['agent_key_mismatch', null, "another agent's key", { facts: { signer: { kid: 'k', agent: 'shopper-2' } } }],
    ['identity_discontinuity', null, 'key changed without a transition', watching('identity', 'broken')],
    ['mandate_unknown', null, 'no such mandate', { state: { levels: 'absent' } }],
    ['mandate_unknown', null, "another agent's mandate", own({ agent: 'shopper-2' })],
    ['mandate_unknown', null, 'a level that only groups', own({ agent: null })],
    ['mandate_expired', OWN, 'judged at its last instant', own({ validUntilMs: T0_MS + 20 })],
    ['mandate_expired', OWN, 'not yet begun', own({ validFromMs: T0_MS + 21 })],
    [
      'mandate_expired',
      TEAM,
      'an ancestor is over',
      { state: { levels: [level(0), level(1, { validUntilMs: T0_MS }), level(2)] } },
    ],
    [
      'mandate_revoked',
      TEAM,
      'an ancestor is revoked',
      { state: { levels: [level(0), level(1, { revokedAtMs: 1 }), level(2)] } },
    ],
    ['authorization_discontinuity', OWN, 'a parent is missing', { state: { levels: [level(0), level(2)] } }],
    ['authorization_discontinuity', OWN, 'granted under other claims', own({ parentHash: example.hash('x') })],
    ['lineage_fragmented', null, 'a parent was altered', watching('lineage', 'broken')],
  ],
  runtime_integrity: [
    ['trust_unverifiable', 'attestation', 'the record could not be read', { facts: { attestation: 'unknown' } }],
    ['environment_unattested', null, 'none is on record', { ...own(REQUIRED), facts: { attestation: 'absent' } }],
    [
      'environment_stale',
      null,
      'at the end of the result',
      { ...own(REQUIRED), facts: { attestation: attested({ validUntilMs: T0_MS + 20 }) } },
    ],
    [
      'environment_stale',
      null,
      'older than the mandate allows',
      { ...own(REQUIRED), facts: { attestation: attested({ recordedAtMs: T0_MS + 20 - 300_000 }) } },
    ],
    [
      'runtime_integrity_failure',
      'debug',
      'debug is on',
      { ...own(REQUIRED), facts: { attestation: attested({ debug: true }) } },
    ],
    [
      'runtime_integrity_failure',
      'compromised',
      'also where none is required',
      { facts: { attestation: attested({ compromised: true }) } },
    ],
  ],
  environment: [
    [
      'environment_integrity_failure',
      'measurement',
      'another build',
      { ...own(REQUIRED), facts: { attestation: attested({ measurement: 'build-8' }) } },
    ],
  ],
  governance: [
    ['audience_mismatch', 'audience', 'does not settle for the payee', shopIs({ settlementServices: ['other'] })],
    ['audience_mismatch', 'audience', 'has no key to bind to', { facts: { audienceKey: 'absent' } }],
    ['trust_unverifiable', 'flow', 'the row could not be read', { state: { flow: 'unknown' } }],
    ['trust_unverifiable', 'scope', 'halts could not be read', { facts: { scope: 'unknown' } }],
    ['trust_unverifiable', 'counterparty', 'the registry could not say', { facts: { counterparty: 'unknown' } }],
    ['trust_unverifiable', 'audience', 'its key could not be read', { facts: { audienceKey: 'unknown' } }],
    ['trust_unverifiable', 'drift', 'the profile could not be read', watched({ facts: { spending: 'unknown' } })],
    ['trust_unverifiable', 'drift', 'the evidence is lost', { facts: { spending: EXAMPLE_WATCH } }],
    ['trust_unverifiable', 'drift', 'evidence without a profile', watched({ facts: { spending: null } })],
    ['trust_unverifiable', 'drift', 'evidence of another profile', watched({}, 'A'.repeat(43))],
    ['trust_unverifiable', 'approval', 'the record could not be read', { facts: { approval: 'unknown' } }],
    ['flow_revoked', null, 'revoked', inFlow('revoked')],
    ['flow_revoked', null, 'archived', inFlow('archived')],
    ['flow_contained', 'flow', 'contained', inFlow('contained')],
    ['flow_contained', 'scope', 'halted over it', { facts: { scope: 'halted' } }],
    ['flow_not_activated', null, 'phase 1', inFlow('baseline')],
    ['flow_not_activated', null, 'there is no flow', { state: { flow: 'absent' } }],
    [
      'drift_detected',
      'spend',
      'this event shows it',
      watched({ facts: { spending: { ...EXAMPLE_WATCH, thresholds: { warn: 0, halt: 0 } } } }),
    ],
    ['currency_unsupported', 'amount.currency', 'gold has no exponent', { intent: { currency: 'XAU' } }],
    ['currency_precision', 'amount.value', 'USD has two digits', { intent: { amountText: '12.505' } }],
    ['amount_invalid', 'amount.value', 'zero', { intent: { amountText: '0.00' } }],
    ['currency_mismatch', 'amount.currency', "not the mandate's", { intent: { currency: 'EUR' } }],
    ['scope_mismatch', 'counterparty', 'not registered', { facts: { counterparty: 'absent' } }],
    ['scope_mismatch', 'counterparty', 'disabled', shopIs({ state: 'disabled' })],
    ['scope_mismatch', 'counterparty', 'not on the list', own({ counterparties: ['other'] })],
    ['scope_mismatch', 'counterparty', 'facts of another payee', shopIs({ id: 'other' })],
    [
      'scope_mismatch',
      'capture.max_captures',
      'single is one',
      { intent: { capture: { mode: 'single', maxCaptures: 2, settleByMs: null } } },
    ],
    [
      'scope_mismatch',
      'capture.settle_by',
      'is no time',
      { intent: { capture: { mode: 'single', maxCaptures: 1, settleByMs: NaN } } },
    ],
    ['per_transaction_limit', 'amount.value', 'one cent above', own({ perTransactionLimit: decimal('12.49') })],
    ['counterparty_limit', 'amount.value', 'one cent above', counting({ kind: 'counterparty' })],
    ['counterparty_limit', 'amount.value', 'nobody could count', counting({ kind: 'counterparty', used: 'unknown' })],
    ['scope_mismatch', 'counterparty', 'blocked', own({ blockedCounterparties: ['cdnow'] })],
    ['scope_mismatch', 'counterparty', 'of another category', own({ categories: ['5411'] })],
    ['scope_mismatch', 'counterparty', 'of a blocked category', own({ blockedCategories: ['5735'] })],
    ['window_limit', 'amount.value', 'one cent above', counting({})],
    [
      'window_limit',
      'amount.value',
      'one too many',
      counting({ of: 'count', limit: decimal('3'), used: decimal('3') }),
    ],
    ['window_limit', 'amount.value', 'nobody could count', counting({ used: 'unknown' })],
    ['budget_exceeded', 'amount.value', 'one cent short', own({ totalLimit: decimal('12.49') })],
    ['policy_error', null, 'an evaluation with an error', policySays('error')],
    ['policy_denied', 'buy', 'names the policy', policySays('deny')],
    ['approval_refused', null, 'a person said no', { facts: { approval: 'refused' } }],
  ],
  issue: [
    ['trust_unverifiable', 'issuer', 'the domain cannot sign', { facts: { issuer: 'unknown' } }],
    [
      'deadline_passed',
      'artifact_lifetime',
      'queued longer than an artifact lives',
      { facts: { judgedAtMs: T0_MS + 900_000 } },
    ],
    ['deadline_passed', 'deadline', 'ends within its first second', { intent: { deadlineMs: T0_MS + 999 } }],
    [
      'deadline_passed',
      'capture.settle_by',
      'no capture could come',
      { intent: { capture: { mode: 'single', maxCaptures: 1, settleByMs: T0_MS } } },
    ],
    ['mandate_expired', 'mandate', 'ends within its first second', own({ validUntilMs: T0_MS + 999 })],
    [
      'environment_stale',
      'attestation',
      'ends within its first second',
      { ...own(REQUIRED), facts: { attestation: attested({ validUntilMs: T0_MS + 999 }) } },
    ],
  ],
};
const CASES = PLACES.flatMap((place) => DENIED[place].map((row) => [place, ...row] as const));

describe('the checks of admission', () => {
  it.each(CASES)('A12–A17: in %s denies with %s (%s): %s', (place, code, field, _why, change) => {
    const before = { ...example.state, ...change.state };
    const { decision, state } = decide(change);
    expect(decision).toMatchObject({ outcome: 'denied', code, field, terms: null });
    expect(state.levels).toBe(before.levels);
    const failedAt = place === 'intake' ? -1 : STAGES.findIndex((stage) => stage === place);
    const verdicts = STAGES.map((_, at) => (at < failedAt ? 'passed' : at === failedAt ? 'failed' : 'not_run'));
    expect(decision.stages.map(({ verdict }) => verdict)).toEqual(verdicts);
  });

  it('shows every admission row of the table denying, or names who decides it elsewhere', () => {
    const shown = new Set<string>(CASES.map(([, code]) => code));
    const missing = DENIALS.filter((row) => row.admission !== null && !shown.has(row.code)).map(({ code }) => code);
    const elsewhere = Object.keys(ADMISSION_ELSEWHERE);
    expect(missing.filter((code) => !elsewhere.includes(code))).toEqual(['approval_required']); // parks, below
    expect(elsewhere.filter((code) => shown.has(code))).toEqual([]);
  });
});
