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

/** The signature was verified before the locks; a key revoked since then signs nothing. */
function refuseStaleKey(by: { readonly kid: string; readonly partyId: string }, context: FoldContext) {
  const key = context.sources.registry.key(by.kid);
  if (key === undefined || key.party !== by.partyId) return refuse('key_unknown', 'header.kid');
  const retired = key.retiredAtMs !== null && !(context.judgedAtMs < key.retiredAtMs);
  return retired ? refuse('key_retired', 'header.kid') : null;
}
