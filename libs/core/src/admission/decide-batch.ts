import type { LevelState } from '../mandates/types.js';
import { decideIntent } from './decide-intent.js';
import type { AdmissionFacts, AdmissionResult, Flow, Intent } from './types.js';

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

/** Decides a batch in offset order. */
export function decideBatch(state: BatchState, items: readonly BatchItem[]): BatchResult {
  const results = items.map(({ intent, facts }) => decideIntent(intent, { levels: 'unknown', flow: 'unknown' }, facts));
  return { results, state };
}
