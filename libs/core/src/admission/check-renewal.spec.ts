import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { flow, hash, intent as single, level, OWN, state, facts, T0_MS } from '../examples/admission-example.js';
import { availableOf } from '../hold.js';
import { ISO_4217 } from '../currencies.js';
import { decimal, ZERO } from '../money.js';
import type { Hold } from '../settlement/types.js';
import {
  type RenewalCase,
  type RenewalRequest,
  type RenewedArtifact,
  checkRenewal,
  narrowHold,
} from './check-renewal.js';
import { decideIntent } from './decide-intent.js';

const intent = { ...single, capture: { mode: 'multi' as const, maxCaptures: 5, settleByMs: T0_MS + 3_600_000 } };
const MINUTES_MS = 60_000;
const hold: Hold = {
  amount: decimal('50'),
  held: decimal('30'),
  capturing: decimal('5'),
  captured: decimal('10'),
  released: decimal('5'),
  refunded: ZERO,
  restored: ZERO,
  mode: 'multi',
  maxCaptures: 5,
  captureCount: 2,
  ended: false,
};
const artifact: RenewedArtifact = {
  artifactId: '00000000-0000-8000-8000-0000000000f1',
  flowId: OWN,
  epoch: 1,
  claimsHash: hash('c'),
  status: 'valid',
  agent: 'shopper-1',
  audience: 'settler',
  currency: 'USD',
  holdId: '00000000-0000-8000-8000-0000000000e1',
  hold,
  expiresAtMs: T0_MS + MINUTES_MS,
  settleByMs: T0_MS + 60 * MINUTES_MS,
  renewals: 0,
};
const request: RenewalRequest = {
  by: { kind: 'agent', party: 'shopper-1' },
  mandate: OWN,
  artifactHash: hash('c'),
  holdId: artifact.holdId,
  amount: null,
  maxCaptures: null,
  settleByMs: null,
  iatMs: T0_MS,
  expMs: T0_MS + 5 * MINUTES_MS,
};
const asked = (change: Partial<RenewalRequest> = {}, of: Partial<RenewedArtifact> = {}): RenewalCase => ({
  request: { ...request, ...change },
  artifact: { ...artifact, ...of },
  judgedAtMs: T0_MS + 20,
  currencies: ISO_4217,
});
const usd = (value: string) => ({ value, currency: 'USD' });

describe('a renewal that keeps everything', () => {
  it('is for what may still be captured, with what was captured before', () => {
    expect(checkRenewal(asked())).toMatchObject({
      ok: true,
      renewal: { amountText: '45.00', maxCaptures: 5, settleByMs: artifact.settleByMs, spent: decimal('15') },
    });
  });
});

describe('the first that applies is reported, by the order of the denials table', () => {
  it.each([
    ['artifact_not_issued', asked({ artifactHash: hash('x'), holdId: OWN })],
    ['audience_mismatch', asked({ by: { kind: 'settlement_service', party: 'shopper-1' } })],
    ['audience_mismatch', asked({ by: { kind: 'agent', party: 'other' }, holdId: OWN })],
    ['scope_mismatch', asked({ holdId: OWN }, { status: 'revoked' })],
    ['scope_escalation', asked({ maxCaptures: 6 }, { status: 'revoked' })],
    ['artifact_revoked', asked({}, { status: 'revoked' })],
    ['capture_limit', asked({ maxCaptures: 2 })],
    ['artifact_consumed', asked({ amount: usd('15.00') })],
    ['amount_invalid', asked({ amount: usd('0.00') })],
    ['scope_escalation', asked({ amount: usd('45.01') })],
    ['settle_by_passed', asked({}, { settleByMs: T0_MS + 20 })],
    ['settle_by_passed', { ...asked(), judgedAtMs: Number.NaN }],
  ] as const)('%s', (code, given) => {
    expect(checkRenewal(given)).toMatchObject({ ok: false, code });
  });

  it('artifact_expired at exp itself as long as nothing was captured, and not once something was', () => {
    const at = { ...asked({}, { hold: { ...hold, captureCount: 0 } }), judgedAtMs: artifact.expiresAtMs };
    expect(checkRenewal(at)).toMatchObject({ code: 'artifact_expired' });
    expect(checkRenewal({ ...asked(), judgedAtMs: artifact.expiresAtMs })).toMatchObject({ ok: true });
  });
});

describe('a renewal decided', () => {
  const cents = fc.integer({ min: 1, max: 6_000 }).map((each) => decimal((each / 100).toFixed(2)));

  it('I9: held before is held after plus what was released, at every level, and authority never widens', () => {
    fc.assert(
      fc.property(cents, cents, cents, fc.option(cents), (held, captured, capturing, amount) => {
        const stands = {
          ...hold,
          held,
          captured,
          capturing,
          amount: held.plus(captured).plus(capturing),
          released: ZERO,
        };
        const narrow = amount === null ? null : usd(amount.toFixed(2));
        const verdict = checkRenewal(asked({ amount: narrow }, { hold: stands }));
        if (!verdict.ok) {
          expect(['scope_escalation', 'artifact_consumed']).toContain(verdict.code);
          return;
        }
        // The levels without this hold, as the fold hands them over: another hold of 7 stands beside it.
        const spent = captured.plus(capturing);
        const levels = [0, 1, 2].map((depth) => level(depth as 0, {}, { held: decimal('7'), captured: spent })); // as: 0 to 2
        const given = { ...facts, renewal: verdict.renewal };
        const { decision, state: after } = decideIntent(intent, { levels, flow }, given);
        expect(decision.outcome).toBe('authorized');
        const next = narrowHold(stands, verdict.renewal, decimal(decision.terms?.amount ?? '0'));
        expect(next.hold.held.plus(next.released).equals(held)).toBe(true);
        expect(next.released.isNegative()).toBe(false);
        for (const { mandate, budget } of typeof after.levels === 'string' ? [] : after.levels) {
          expect(budget.held.equals(next.hold.held.plus(7))).toBe(true);
          expect(
            availableOf(mandate.totalLimit, budget).equals(decimal('993').minus(next.hold.held).minus(spent)),
          ).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('it never waits for a person: the artifact it would replace stands meanwhile', () => {
    const verdict = checkRenewal(asked());
    if (!verdict.ok) throw new Error(verdict.code);
    const levels = [level(0), level(1), level(2, { approvals: { above: decimal('1'), twoAbove: null } })];
    const { decision } = decideIntent(intent, { ...state, levels }, { ...facts, renewal: verdict.renewal });
    expect(decision).toMatchObject({ outcome: 'denied', code: 'approval_required', parkedUntilMs: null });
  });
});
