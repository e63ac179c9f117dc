import type { FoldState } from './fold-state.js';
import type { FoldContext, Folded } from './fold-context.js';
import { foldOutcome } from './fold-outcome.js';
import { foldRequest } from './fold-request.js';
import { type GateAnswer, type GateItem, refuse } from './gate-item.js';

/** Decides the items in order; each sees what those before it did. Nothing leaves this function but values. */
export function foldBatch(items: readonly GateItem[], state: FoldState, context: FoldContext) {
  const folded: Folded = { leaves: [], events: [], transfers: [] };
  const answers = items.map((item) => foldItem(item, state, context, folded));
  return { answers, folded };
}

function foldItem(item: GateItem, state: FoldState, context: FoldContext, folded: Folded): GateAnswer {
  if (item.kind === 'report') return foldOutcome(item, state, context, folded);
  const stale = refuseStaleKey(item.by, context);
  if (stale !== null) return stale;
  return item.kind === 'outcome'
    ? foldOutcome(item, state, context, folded)
    : foldRequest(item, state, context, folded);
}

/**
 * The signature was verified before the locks; by now the key may be retired or removed. A key no recorded act explains
 * speaks for nobody, whatever it asks for.
 */
function refuseStaleKey(by: { readonly kid: string; readonly partyId: string }, context: FoldContext) {
  const { judgedAtMs } = context;
  const key = context.sources.registry.key(by.kid);
  if (key === undefined || key.party !== by.partyId) return refuse('key_unknown', 'header.kid');
  if (key.continuity === 'broken') return refuse('identity_discontinuity', 'header.kid');
  const isActive = judgedAtMs >= key.activeFromMs && (key.retiredAtMs === null || judgedAtMs < key.retiredAtMs);
  return isActive ? null : refuse('key_retired', 'header.kid');
}
