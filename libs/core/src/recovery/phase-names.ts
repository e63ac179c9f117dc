import { LIFECYCLE, type FlowState } from '../lifecycle.js';

/** The nine phases by their names in the standard (E11–E19), in order. */
const PHASE_NAMES = [
  'baseline established',
  'authorization continuity',
  'runtime trust activated',
  'governed execution',
  'drift detected',
  'interrupted and contained',
  'recovery initiated',
  'revalidated or revoked',
  'proof persisted',
] as const;

export function phaseName(state: FlowState): string {
  return PHASE_NAMES[LIFECYCLE[state].phase - 1] ?? '';
}
