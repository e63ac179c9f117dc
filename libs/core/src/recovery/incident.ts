import type { FlowState } from '../lifecycle.js';
import { type CauseKind, isCauseKind } from './causes.js';

/** Seconds until an incident is overdue, by the worst of its causes: money that moved wrongly cannot wait for a night. */
const DUE_SECONDS: Readonly<Record<CauseKind, number>> = {
  policy: 4 * 3_600,
  identity: 4 * 3_600,
  environment: 8 * 3_600,
  lineage: 4 * 3_600,
  ledger: 3_600,
  settlement: 3_600,
  audit: 3_600,
  domain: 4 * 3_600,
  spend: 24 * 3_600,
  operator: 24 * 3_600,
};

/** When an incident of this cause should be over, Unix ms. */
export function incidentDueAtMs(kind: CauseKind, openedAtMs: number): number {
  return openedAtMs + DUE_SECONDS[kind] * 1_000;
}

/** Incidents of one kind and rule that open within this of each other are one case. */
export const CASE_WINDOW_SECONDS = 600;

export interface IncidentFacts {
  readonly flow: FlowState;
  readonly causes: readonly { readonly kind: string; readonly cleared: boolean }[];
}

export type IncidentProblem = 'not_contained' | 'not_recovering' | 'causes_open' | 'over';

/** Decides whether an incident may take a step now; `null`: it may. */
export function decideIncidentStep(
  step: 'recover' | 'revalidate' | 'revoke_flow' | 'clear_cause' | 'note',
  { flow, causes }: IncidentFacts,
): IncidentProblem | null {
  if (flow !== 'contained' && flow !== 'recovering') return 'over';
  if (step === 'recover') return flow === 'contained' ? null : 'not_contained';
  if (step === 'revalidate') {
    if (flow !== 'recovering') return 'not_recovering';
    // A cause nobody knows is one nobody may clear.
    return causes.every(({ kind, cleared }) => cleared && isCauseKind(kind)) ? null : 'causes_open';
  }
  return null;
}
