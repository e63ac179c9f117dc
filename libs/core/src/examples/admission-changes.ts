import { decideIntent } from '../admission/decide-intent.js';
import type { AdmissionFacts, AdmissionState, Intent } from '../admission/types.js';
import { startDrift } from '../drift/drift-state.js';
import type { FlowState } from '../lifecycle.js';
import type { CountedLimit, Mandate } from '../mandates/types.js';
import { decimal } from '../money.js';
import * as example from './admission-example.js';
import { EXAMPLE_BASELINE_HASH, EXAMPLE_PROFILE, EXAMPLE_WATCH } from './drift-example.js';
import { level } from './admission-example.js';

/** What specs change of the admission example, by name. */
export interface Change {
  readonly intent?: Partial<Intent>;
  readonly facts?: Partial<AdmissionFacts>;
  readonly state?: Partial<AdmissionState>;
}

export function decide({ intent, facts, state }: Change = {}) {
  return decideIntent({ ...example.intent, ...intent }, { ...example.state, ...state }, { ...example.facts, ...facts });
}

/** The agent's own mandate changed, the levels above as they are. */
export function own(change: Partial<Mandate>): Change {
  return { state: { levels: [level(0), level(1), level(2, change)] } };
}
/** A flow whose spending is watched, with evidence against a profile: by default the one it is watched by. */
export function watched({ facts }: Change, profileHash = EXAMPLE_BASELINE_HASH): Change {
  const drift = startDrift(EXAMPLE_PROFILE, profileHash);
  return { state: { flow: { ...example.flow, drift } }, facts: { spending: EXAMPLE_WATCH, ...facts } };
}

export function inFlow(state: FlowState): Change {
  return { state: { flow: { ...example.flow, state } } };
}
export function watching(limb: keyof AdmissionFacts['watches'], verdict: 'broken' | 'stale' | 'unknown'): Change {
  return { facts: { watches: { ...example.facts.watches, [limb]: verdict } } };
}
export function counting(entry: Partial<CountedLimit>): Change {
  const counted: CountedLimit = {
    ...{ kind: 'window', name: 'per_day', of: 'amount', limit: decimal('20'), used: decimal('7.51') },
    ...{ window: { fromMs: 0, bucketMs: 0, untilMs: null }, ...entry },
  };
  return { state: { levels: [{ ...level(0), counted: [counted] }, level(1), level(2)] } };
}
const attestation = example.facts.attestation;
export function attested(
  change: Partial<Exclude<AdmissionFacts['attestation'], string>>,
): AdmissionFacts['attestation'] {
  return typeof attestation === 'string' ? attestation : { ...attestation, ...change };
}
const policy = example.facts.policy;
export function policySays(verdict: 'deny' | 'error' | 'unavailable'): Change {
  return { facts: { policy: policy === 'unknown' ? policy : { ...policy, verdict } } };
}
export const REQUIRED = { environment: { maxAgeSeconds: 300, measurements: ['build-7'] } };
const shop = example.facts.counterparty;
export function shopIs(change: Partial<Exclude<AdmissionFacts['counterparty'], string>>): Change {
  return { facts: { counterparty: typeof shop === 'string' ? shop : { ...shop, ...change } } };
}
