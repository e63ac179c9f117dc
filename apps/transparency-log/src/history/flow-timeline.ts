import {
  LIFECYCLE,
  type FlowState,
  TRUST_PHASES,
  type TrustPhase,
  isFlowState,
  phaseName,
  trustPhase,
} from '@spendgate/core';
import {
  type CoveringHead,
  type FlowLeaves,
  type Pool,
  readCoveringHeads,
  readFlowLeaves,
  readLastCheckpoint,
} from '@spendgate/store';
import { leafAt, openLeaf } from './log-fold.js';

/** Where the evidence of a step is: a leaf under a signed head, and the proof of it. */
export interface TimelineEvidence {
  readonly leaf_type: string;
  readonly leaf_hash: string;
  readonly leaf_index: number;
  readonly leaf_url: string;
  readonly proof_url: string;
  /** Of the signed head the proof leads to. */
  readonly tree_size: number;
}

/** One step of a flow: what happened, where it stood then by the nine phases, and under which of the six it falls. */
export interface TimelineStep extends TimelineEvidence {
  readonly time_ms: number;
  readonly event: string;
  readonly phase: number;
  readonly phase_name: string;
  readonly state: FlowState;
  readonly epoch: number;
  readonly trust_phase: TrustPhase;
}

/** One of the six phases. */
export interface TimelinePhase {
  readonly phase: TrustPhase;
  readonly reached: boolean;
  readonly first: TimelineEvidence | null;
  readonly latest: TimelineEvidence | null;
}

/** A step's place in the order: a head comes after the leaves it signs. */
export interface TimelinePlace {
  readonly size: number;
  readonly part: number;
}

export interface FlowTimeline {
  readonly tree_size: number;
  readonly phases: readonly TimelinePhase[];
  readonly steps: readonly TimelineStep[];
  readonly truncated: boolean;
  /** Where the next page begins; `null`: this was the last. */
  readonly next: TimelinePlace | null;
}

type Placed = TimelineStep & { readonly place: TimelinePlace };
type Said = Readonly<Record<string, unknown>>;
/** After every step of the leaf it signs last. */
const HEAD_PART = 9;

/**
 * The timeline of a flow, read from its leaves under the last signed head, each opened.
 *
 * @param after where an earlier page ended; `null`: from the first step
 * @returns `undefined`: no such flow, or nothing of it is signed yet
 * @throws {AlteredLog} a stored leaf is not the one the log has there
 */
export async function readTimeline(
  pool: Pool,
  flow: string,
  after: TimelinePlace | null,
  limit: number,
): Promise<FlowTimeline | undefined> {
  const treeSize = (await readLastCheckpoint(pool))?.treeSize ?? 0;
  const found = await readFlowLeaves(pool, flow, treeSize);
  if (found === undefined) return undefined;
  const steps = stepsOf(flow, found, treeSize);
  const heads = await readCoveringHeads(pool, provenIndices(steps, found));
  const all = [...steps, ...heads.flatMap((head) => headStep(head, steps))].sort(byPlace);
  if (all.length === 0) return undefined;
  const left = after === null ? all : all.filter(({ place }) => compare(place, after) > 0);
  const page = left.slice(0, limit);
  return {
    tree_size: treeSize,
    phases: TRUST_PHASES.map((phase) => phaseOf(phase, all)),
    steps: page.map(({ place: _place, ...step }) => step),
    truncated: found.truncated,
    next: left.length > limit ? (page.at(-1)?.place ?? null) : null,
  };
}

function stepsOf(flow: string, { leaves, firsts }: FlowLeaves, treeSize: number): Placed[] {
  const steps: Placed[] = [];
  let [state, epoch]: [FlowState, number] = ['baseline', 1];
  for (const placed of leaves) {
    const leaf = leafAt(placed);
    const opened = openLeaf(placed, leaf);
    // What was redacted cannot have been found by its text: it is named by a row of this flow, and its type is no secret.
    const said = opened === 'redacted' ? {} : opened;
    if (opened !== 'redacted' && !isAbout(flow, leaf.type, said)) continue;
    const evidence = evidenceOf(leaf.type, placed.leafHash.toString('base64url'), placed.index, treeSize);
    if (typeof said['epoch'] === 'number') epoch = said['epoch'];
    const isFirst = firsts.has(evidence.leaf_hash);
    const entered = enteredBy(leaf.type, said, state, isFirst);
    for (const [part, { event, to }] of entered.entries()) {
      state = to ?? state;
      const isLater = leaf.type === 'decision_authorized' && !isFirst;
      const isStopped = leaf.type === 'verification_changed' && said['verdict'] !== 'verified';
      const phase = isLater || isStopped ? LATER[leaf.type] : trustPhase(leaf.type, to);
      if (phase === null || phase === undefined) continue;
      const step = stepOf(evidence, { time: leaf.time, event, state, epoch, phase });
      steps.push({ ...step, place: { size: placed.index + 1, part } });
    }
  }
  return steps;
}

/** An artifact after the first was issued because everything was verified anew; any verdict but `verified` stops the flow. */
const LATER: Readonly<Record<string, TrustPhase>> = {
  decision_authorized: 'continuous_verification',
  verification_changed: 'continuity_enforced',
};

interface Entered {
  readonly event: string;
  readonly to: FlowState | null;
}

/**
 * The states a leaf leads to. The first artifact of an epoch moves the flow with no leaf of its own, and a baseline on a
 * flow whose last epoch is proven begins the next one.
 */
function enteredBy(type: string, { event, to }: Said, before: FlowState, isFirst: boolean): Entered[] {
  const state = String(to);
  if (type === 'flow_transition' && isFlowState(state)) return [{ event: String(event), to: state }];
  if (type === 'flow_baseline_set' && before === 'proven') return [{ event: type, to: 'baseline' }];
  if (!isFirst) return [{ event: type, to: null }];
  const trusted: Entered[] = before === 'authorized' ? [{ event: 'environment_trusted', to: 'activated' }] : [];
  return [{ event: type, to: null }, ...trusted, { event: 'first_artifact_issued', to: 'executing' }];
}

/** Leaves are found by text: what names the flow otherwise is about another thing. */
function isAbout(flow: string, type: string, { flow: own, mandate }: Said): boolean {
  if (type === 'ops_action' || type.startsWith('settlement_')) return true; // of its incidents and artifacts
  const granted = typeof mandate === 'object' && mandate !== null && 'id' in mandate ? mandate.id : mandate;
  return own === flow || granted === flow;
}

/** Leaves whose first signed head is told: the first artifacts, ends of incidents, and the newest of all. */
function provenIndices(steps: readonly Placed[], { firsts }: FlowLeaves): number[] {
  const told = steps.filter(({ leaf_type: type, leaf_hash: hash }) => type === 'incident_closed' || firsts.has(hash));
  return [...new Set([...told, ...steps.slice(-1)].map(({ leaf_index: index }) => index))];
}

function headStep({ index, treeSize, signedAtMs }: CoveringHead, steps: readonly Placed[]): Placed[] {
  const proven = steps.findLast(({ leaf_index: of }) => of === index);
  const before = steps.findLast(({ leaf_index: of }) => of < treeSize);
  if (proven === undefined || before === undefined) return [];
  const { leaf_type: type, leaf_hash: hash } = proven;
  const { state, epoch } = before;
  const at = { time: signedAtMs, event: 'checkpoint_signed', state, epoch, phase: 'proof_generated' as const };
  return [{ ...stepOf(evidenceOf(type, hash, index, treeSize), at), place: { size: treeSize, part: HEAD_PART } }];
}

interface At {
  readonly time: number;
  readonly event: string;
  readonly state: FlowState;
  readonly epoch: number;
  readonly phase: TrustPhase;
}

function stepOf(evidence: TimelineEvidence, { time, event, state, epoch, phase }: At): TimelineStep {
  const nine = { phase: LIFECYCLE[state].phase, phase_name: phaseName(state) };
  return { time_ms: time, event, ...nine, state, epoch, trust_phase: phase, ...evidence };
}

function evidenceOf(type: string, hash: string, index: number, treeSize: number): TimelineEvidence {
  return {
    leaf_type: type,
    leaf_hash: hash,
    leaf_index: index,
    leaf_url: `/v1/log/leaves/${index}`,
    proof_url: `/v1/log/proofs/inclusion?leaf_hash=${hash}&tree_size=${treeSize}`,
    tree_size: treeSize,
  };
}

function phaseOf(phase: TrustPhase, steps: readonly Placed[]): TimelinePhase {
  const own = steps.filter(({ trust_phase: of }) => of === phase);
  const link = (step: Placed | undefined): TimelineEvidence | null =>
    step === undefined ? null : evidenceOf(step.leaf_type, step.leaf_hash, step.leaf_index, step.tree_size);
  return { phase, reached: own.length > 0, first: link(own[0]), latest: link(own.at(-1)) };
}

function byPlace(a: Placed, b: Placed): number {
  return compare(a.place, b.place);
}

function compare(a: TimelinePlace, b: TimelinePlace): number {
  return a.size - b.size || a.part - b.part;
}
