import { type FlowEvent, type FlowState, advance } from '@spendgate/core';
import { type Contained, LaneRecords, type LeafRow, type OutboxRow, recordContainment } from '@spendgate/store';
import type { Naming } from './compose-decision.js';
import type { DecidedIntent } from './decided-intent.js';

/** What a decision that showed a drift adds to its batch. */
export interface Containment {
  readonly contained: Contained;
  readonly leaves: readonly LeafRow[];
  readonly events: readonly OutboxRow[];
}

const STEPS: ReadonlySet<FlowEvent> = new Set(['drift_found', 'flow_contained']);

/**
 * The containment a decision caused. Core has moved the flow already; here each step gets its leaf and event, and the
 * incident its rows. A flow that was contained before gets no further cause from what it is refused for.
 */
export function containOf(
  { result, flowBefore, facts }: DecidedIntent,
  decisionLeaf: Buffer,
  { issuer, salts }: Pick<Naming, 'issuer' | 'salts'>,
): Containment | null {
  const { drift, transitions } = result;
  const { flow } = result.state;
  const steps = transitions.filter((event) => STEPS.has(event));
  if (drift === null || typeof flow === 'string' || flowBefore === null || steps.length === 0) return null;
  const state = transitions.filter((event) => !STEPS.has(event)).reduce<FlowState>(advance, flowBefore);
  const before = { ...flow, state, sequence: flow.sequence - BigInt(steps.length) };
  const records = new LaneRecords({ domain: issuer, atMs: facts.judgedAtMs, epoch: 0n }, salts);
  const contained = recordContainment(records, { flow: before, signal: drift, cause: decisionLeaf });
  return contained === null ? null : { contained, leaves: records.leaves, events: records.events };
}
