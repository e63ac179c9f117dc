import { FLOW_LIMBS, LIFECYCLE, isFlowState, phaseName } from '@spendgate/core';
import { type FlowTrust, type LimbTrust, type TrustLimb, limbOf } from '@spendgate/store';
import type { SubjectState } from './subjects.js';

/** What the leaves up to a time say of a flow's trust; when each limb was looked at then is in no leaf of its own. */
type PastTrust = Pick<FlowTrust, 'flow' | 'trust' | 'phase' | 'phase_name' | 'state' | 'epoch' | 'limbs'>;

/** @param said as the leaves leave the flow */
export function pastTrust(flow: string, said: SubjectState): PastTrust {
  const state = typeof said['state'] === 'string' ? said['state'] : 'unknown';
  const known = isFlowState(state) ? state : null;
  const phase = known === null ? 0 : LIFECYCLE[known].phase;
  return {
    flow,
    trust: phase >= 1 && phase <= 4 ? 'trusted' : 'halted',
    phase,
    phase_name: known === null ? 'unknown' : phaseName(known),
    state,
    epoch: Number(said['epoch'] ?? 0),
    limbs: limbsOf(said['limbs']),
  };
}

function limbsOf(said: unknown): PastTrust['limbs'] {
  const told = typeof said === 'object' && said !== null ? Object.entries(said) : [];
  const broken = new Set(told.flatMap(([kind, verdict]) => (verdict === 'broken' ? [limbOf(kind)] : [])));
  const names: readonly TrustLimb[] = [...FLOW_LIMBS, 'domain', 'audit'];
  const limbs = names.map((limb): [TrustLimb, LimbTrust] => {
    const verdict = broken.has(limb) ? 'broken' : 'verified';
    return [limb, { verdict, verified_at_ms: null, due_at_ms: null }];
  });
  return Object.fromEntries(limbs) as PastTrust['limbs']; // as: one for each name
}
