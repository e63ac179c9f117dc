import { InvariantError } from '../errors.js';
import { LIMITS } from '../limits.js';
import {
  type Bounds,
  type Counter,
  type CounterEntry,
  type Counters,
  changeCounter,
  countedLimits,
  counterId,
  entriesOf,
} from '../mandates/counters.js';
import type { LevelState, Payee } from '../mandates/types.js';
import { decimal } from '../money.js';
import { payeeOf } from './admission-case.js';
import { decideIntent } from './decide-intent.js';
import type { AdmissionFacts, AdmissionResult, AdmissionState, Flow, Intent, RecordedIntent } from './types.js';

/** Locked rows of a batch, shared between its intents. */
export interface BatchState {
  /** By mandate id, ancestors included. */
  readonly levels: ReadonlyMap<string, LevelState>;
  /** By flow id, which is the mandate id. */
  readonly flows: ReadonlyMap<string, Flow>;
  /** By `counterId`; a counter nothing has entered is left out. */
  readonly counters: Counters;
}

export interface BatchItem {
  readonly intent: Intent;
  /** The id its decision will have: answers a repeat within the batch. */
  readonly decisionId: string;
  readonly facts: AdmissionFacts;
  /** Where its spend stands in time, for each counter it may count in; one left out denies. */
  readonly bounds: Bounds;
}

export interface CountedResult extends AdmissionResult {
  /** Where the amount entered counters; empty unless authorized. */
  readonly entries: readonly CounterEntry[];
}

export interface BatchResult {
  /** One per item, in the order given. */
  readonly results: readonly CountedResult[];
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
  const counters = new Map(state.counters);
  const results = items.map(({ intent, decisionId, facts, bounds }): CountedResult => {
    const before = facts.recorded ?? recorded.get(intent.intentId) ?? null;
    const payee = payeeOf(intent, facts);
    const own = counted(stateOf(intent, levels, flows), payee, counters, bounds);
    const waiting = own.levels === 'absent' ? 0 : (parked.get(intent.mandate) ?? 0);
    const same = before === facts.recorded && waiting === 0;
    const known = same ? facts : { ...facts, recorded: before, parkedCount: facts.parkedCount + waiting };
    const result = decideIntent(intent, own, known);
    if (before === null) recorded.set(intent.intentId, { decisionId, bodyHash: intent.bodyHash });
    if (result.decision.outcome === 'parked' && facts.parked === null) parked.set(intent.mandate, waiting + 1);
    handOn(result.state, levels, flows);
    const entries = result.decision.terms === null ? NO_ENTRIES : enter(result, payee, counters, bounds);
    return { ...result, entries };
  });
  return { results, state: { levels, flows, counters } };
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

const NO_ENTRIES: readonly CounterEntry[] = [];

/** Each level with its counted limits as they bear on this spend; most have none. */
function counted(state: AdmissionState, payee: Payee, counters: Counters, bounds: Bounds): AdmissionState {
  if (typeof state.levels === 'string' || !state.levels.some(hasCounted)) return state;
  const levels = state.levels.map((level) =>
    hasCounted(level) ? { ...level, counted: countedLimits(level.mandate, payee, counters, bounds) } : level,
  );
  return { ...state, levels };
}

function hasCounted({ mandate }: LevelState): boolean {
  return mandate.countedLimits.length > 0;
}

/** Counts an authorized amount at every level. */
function enter(
  { decision: { terms }, state: { levels } }: AdmissionResult,
  payee: Payee,
  counters: Map<string, Counter>,
  bounds: Bounds,
): readonly CounterEntry[] {
  if (terms === null || typeof levels === 'string' || !levels.some(hasCounted)) return NO_ENTRIES;
  const entries = levels.flatMap(({ mandate }) => entriesOf(mandate, payee, bounds));
  for (const entry of entries) {
    const id = counterId(entry);
    counters.set(id, changeCounter(counters.get(id) ?? [], entry.startsMs, decimal(terms.amount), 1));
  }
  return entries;
}

function handOn(after: AdmissionState, levels: Map<string, LevelState>, flows: Map<string, Flow>): void {
  if (typeof after.levels !== 'string') for (const level of after.levels) levels.set(level.mandate.id, level);
  if (typeof after.flow !== 'string') flows.set(after.flow.flowId, after.flow);
}
