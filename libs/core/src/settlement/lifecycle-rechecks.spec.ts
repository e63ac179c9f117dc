import { describe, expect, it } from '@jest/globals';
import { decideIntent } from '../admission/decide-intent.js';
import type { AdmissionFacts, AdmissionState } from '../admission/types.js';
import * as admission from '../examples/admission-example.js';
import { captured, facts, holdOf, JUDGED_MS, capture, refund, usd } from '../examples/settlement-example.js';
import { ZERO } from '../money.js';
import { decideCapture, decideRefund } from './decide-settlement.js';
import type { SettlementFacts } from './types.js';

/** What went wrong in the meantime, as each of the three moments is told. */
interface Fault {
  readonly admission: { readonly facts?: Partial<AdmissionFacts>; readonly state?: Partial<AdmissionState> };
  readonly settlement: Partial<SettlementFacts>;
}
const watch = (limb: keyof AdmissionFacts['watches'], verdict: 'broken' | 'stale' | 'unknown'): Fault => {
  const watches = { ...admission.facts.watches, [limb]: verdict };
  return { admission: { facts: { watches } }, settlement: { watches } };
};
const { level, mandate } = admission;
const revokedAtMs = admission.T0_MS - 1;
const { policy } = admission.facts;

const FAULTS: Readonly<Record<string, readonly [Fault, issue: string, capture: string, refund: string]>> = {
  'authorization continuity: a gap in the chain': [
    {
      admission: { state: { levels: [level(0), level(2)] } },
      settlement: { mandates: [mandate(0), mandate(2)] },
    },
    'authorization_discontinuity',
    'authorization_discontinuity',
    'authorized',
  ],
  'authorization continuity: a level above ended for good': [
    {
      admission: { state: { levels: [level(0, { revokedAtMs }), level(1), level(2)] } },
      settlement: { mandates: [mandate(0, { revokedAtMs }), mandate(1), mandate(2)] },
    },
    'mandate_revoked',
    'mandate_revoked',
    'authorized',
  ],
  'federation: the peer domain says something else': [watch('domain', 'broken'), 'domain_divergence', 'domain_divergence', 'authorized'], // prettier-ignore
  'federation: the peer domain is silent': [watch('domain', 'stale'), 'domain_stale', 'domain_stale', 'authorized'],
  'scope validation: the payee was taken off the list': [
    {
      admission: { state: { levels: [level(0, { blockedCounterparties: ['cdnow'] }), level(1), level(2)] } },
      settlement: { mandates: [mandate(0, { blockedCounterparties: ['cdnow'] }), mandate(1), mandate(2)] },
    },
    'scope_mismatch',
    'scope_mismatch',
    'authorized',
  ],
  'consistency: nothing comes under a signed head': [watch('audit', 'stale'), 'audit_unavailable', 'audit_unavailable', 'audit_unavailable'], // prettier-ignore
  'governance: versions went backwards': [watch('governance', 'broken'), 'governance_discontinuity', 'governance_discontinuity', 'authorized'], // prettier-ignore
  'governance: another policy decides': [
    {
      admission: { facts: { policy: { ...(policy as object), verdict: 'deny' } as AdmissionFacts['policy'] } },
      settlement: { policy: { hash: admission.hash('q') } },
    },
    'policy_denied',
    'policy_mismatch',
    'authorized',
  ],
};

const word = ({ outcome, code }: { readonly outcome: string; readonly code: string | null }): string => code ?? outcome;
const after = { hold: holdOf('12.50', { held: ZERO, captured: usd('12.5'), captureCount: 1 }), capture: captured };

describe('what an artifact rests on is asked for again at each moment of its life', () => {
  it('holds at issue, capture and refund when nothing is wrong', () => {
    expect(word(decideIntent(admission.intent, admission.state, admission.facts).decision)).toBe('authorized');
    expect(word(decideCapture(capture, facts, JUDGED_MS).decision)).toBe('authorized');
    expect(word(decideRefund(refund, { ...facts, ...after }, JUDGED_MS).decision)).toBe('authorized');
  });

  // A refund brings money back: only what makes it unaccountable may stop it.
  it.each(Object.entries(FAULTS))('E3: %s; at issue, at capture, at refund', (_name, [fault, issue, taken, back]) => {
    const { state, facts: change } = fault.admission;
    const issued = decideIntent(admission.intent, { ...admission.state, ...state }, { ...admission.facts, ...change });
    expect(word(issued.decision)).toBe(issue);
    expect(word(decideCapture(capture, { ...facts, ...fault.settlement }, JUDGED_MS).decision)).toBe(taken);
    expect(word(decideRefund(refund, { ...facts, ...after, ...fault.settlement }, JUDGED_MS).decision)).toBe(back);
  });
});
