import { decideSettlement } from '../settlement/decide-settlement.js';
import type { ArtifactFacts, Hold, SettlementFacts, SettlementRequest } from '../settlement/types.js';
import type { FlowState } from '../lifecycle.js';
import type { Mandate } from '../mandates/types.js';
import { mandate } from './admission-example.js';
import * as example from './settlement-example.js';
import { artifact, holdOf, JUDGED_MS } from './settlement-example.js';

/** What specs change of the settlement example, by name. */
export interface Change {
  readonly request?: Partial<SettlementRequest>;
  readonly facts?: Partial<SettlementFacts>;
  readonly judgedAtMs?: number;
}

export function decide(base: SettlementRequest, { request, facts, judgedAtMs }: Change = {}) {
  return decideSettlement({ ...base, ...request }, { ...example.facts, ...facts }, judgedAtMs ?? JUDGED_MS);
}
export const capture = (change?: Change) => decide(example.capture, change);
export const codeOf = (result: ReturnType<typeof decide>) => result.decision.code ?? result.decision.outcome;

export function row(change: Partial<ArtifactFacts>): Change {
  return { facts: { artifact: { ...artifact, ...change } } };
}
export function own(change: Partial<Mandate>): Change {
  return { facts: { mandates: [mandate(0), mandate(1), mandate(2, change)] } };
}
export function watching(limb: keyof SettlementFacts['watches'], verdict: 'broken' | 'stale' | 'unknown'): Change {
  return { facts: { watches: { ...example.facts.watches, [limb]: verdict } } };
}
export function inFlow(state: FlowState): Change {
  const { flow } = example.facts;
  return { facts: { flow: typeof flow === 'string' ? flow : { ...flow, state } } };
}
const { attestation } = example.facts;
export function attested(
  change: Partial<Exclude<SettlementFacts['attestation'], string>>,
): SettlementFacts['attestation'] {
  return typeof attestation === 'string' ? attestation : { ...attestation, ...change };
}
const REQUIRED = { environment: { maxAgeSeconds: 300, measurements: ['build-7'] } };
export const strict = own(REQUIRED).facts;
export const multi = (change: Partial<Hold> = {}): Hold =>
  holdOf('12.50', { mode: 'multi', maxCaptures: 3, ...change });
