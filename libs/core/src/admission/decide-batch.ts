import { InvariantError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { LevelState } from '../mandates/types.js';
import { decideIntent } from './decide-intent.js';
import type { AdmissionFacts, AdmissionResult, AdmissionState, Flow, Intent, RecordedIntent } from './types.js';

/** Locked rows of a batch, shared between its intents. */
export interface BatchState {
  /** By mandate id, ancestors included. */
  readonly levels: ReadonlyMap<string, LevelState>;
  /** By flow id, which is the mandate id. */
  readonly flows: ReadonlyMap<string, Flow>;
}

export interface BatchItem {
  readonly intent: Intent;
  /** The id its decision will have: answers a repeat within the batch. */
  readonly decisionId: string;
  readonly facts: AdmissionFacts;
}

export interface BatchResult {
  /** One per item, in the order given. */
  readonly results: readonly AdmissionResult[];
  readonly state: BatchState;
}

/**
 * Decides a batch in offset order: each intent on what the one before it left. Where a stream is cut into batches makes
 * no difference, as long as nobody else writes the same rows between them. The maps given are not changed.
 *
 * @throws {InvariantError} `ERR_BATCH_TOO_LARGE` above `LIMITS.batchItemsMax`
 */
export function decideBatch(state: BatchState, items: readonly BatchItem[]): BatchResult {
  if (items.length > LIMITS.batchItemsMax) throw new InvariantError('ERR_BATCH_TOO_LARGE', `${items.length} intents`);
  const levels = new Map(state.levels);
  const flows = new Map(state.flows);
  const recorded = new Map<string, RecordedIntent>();
  const parked = new Map<string, number>();
  const results = items.map(({ intent, decisionId, facts }) => {
    const before = facts.recorded ?? recorded.get(intent.intentId) ?? null;
    const own = stateOf(intent, levels, flows);
    const waiting = own.levels === 'absent' ? 0 : (parked.get(intent.mandate) ?? 0);
    const same = before === facts.recorded && waiting === 0;
    const known = same ? facts : { ...facts, recorded: before, parkedCount: facts.parkedCount + waiting };
    const result = decideIntent(intent, own, known);
    if (before === null) recorded.set(intent.intentId, { decisionId, bodyHash: intent.bodyHash });
    if (result.decision.outcome === 'parked' && facts.parked === null) parked.set(intent.mandate, waiting + 1);
    handOn(result.state, levels, flows);
    return result;
  });
  return { results, state: { levels, flows } };
}

/**
 * A level that is not among the locked rows is left out, and the chain is broken there. Another agent's mandate is none
 * at all to this one: whoever else is in the batch, nothing of it is read, and its flow does not move.
 */
function stateOf(
  { mandate, agent }: Intent,
  levels: ReadonlyMap<string, LevelState>,
  flows: ReadonlyMap<string, Flow>,
): AdmissionState {
  const own = levels.get(mandate);
  if (own?.mandate.agent !== agent) return { levels: 'absent', flow: 'absent' };
  const chain = own.mandate.path.map((id) => levels.get(id)).filter((level) => level !== undefined);
  return { levels: chain, flow: flows.get(mandate) ?? 'absent' };
}

function handOn(after: AdmissionState, levels: Map<string, LevelState>, flows: Map<string, Flow>): void {
  if (typeof after.levels !== 'string') for (const level of after.levels) levels.set(level.mandate.id, level);
  if (typeof after.flow !== 'string') flows.set(after.flow.flowId, after.flow);
}
