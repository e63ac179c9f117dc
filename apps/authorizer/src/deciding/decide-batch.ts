import { decisionId } from '@spendgate/codec';
import {
  type AdmissionFacts,
  type AdmissionRules,
  type BatchItem,
  type BatchState,
  type CountedResult,
  type Flow,
  type LevelState,
  type PolicyFacts,
  type RenewalFacts,
  type WatchVerdict,
  type Watches,
  decideBatch as decideInOrder,
  decimal,
  isFlowState,
  isWorthTouching,
  watchVerdict,
} from '@spendgate/core';
import { type Contained, CounterChanges } from '@spendgate/store';
import type {
  AttestationRow,
  FlowChange,
  FlowRow,
  HotState,
  LeafRow,
  OutboxRow,
  RegistryFacts,
} from '@spendgate/store';
import { toIntent } from '@spendgate/verifier';
import { type Candidate, type Refusal, refuse } from '../intake/candidate.js';
import type { VerifiedApproval } from '../intake/verify-approval.js';
import { AppendedTimes } from './appended-times.js';
import { approvalLeaf } from './approval-leaf.js';
import { type ComposedDecision, type ComposedLeaf, type Naming, composeDecision } from './compose-decision.js';
import { containOf } from './contain-of.js';
import type { DecidedIntent, Superseded, Waiting } from './decided-intent.js';
import { identityOf, isCurrent, ownChain, registryFactsOf, scopeOf } from './facts.js';
import { type Profiles, evidenceOf, evidenceText, spendingWatch } from './spending.js';
import { boundsOf, counterUses } from './window-bounds.js';

/** A verified intent with what its policy said, before the locks. */
export interface EvaluatedIntent {
  readonly candidate: Candidate;
  readonly policy: PolicyFacts | 'unknown';
  /** Of an intent taken up again. */
  readonly waiting?: Waiting;
  /** Why it was taken up: a person answered. */
  readonly approval?: VerifiedApproval;
  /** What others had said for it before, verified again. */
  readonly given?: readonly VerifiedApproval[];
}

export interface BatchInput {
  /** In offset order. */
  readonly intents: readonly EvaluatedIntent[];
  readonly facts: RegistryFacts;
  readonly hot: HotState;
  readonly profiles: Profiles;
  readonly judgedAtMs: number;
  /** Read with `judgedAtMs`: whether what is decided now comes under a signed head in time. */
  readonly audit: WatchVerdict;
  /** The lane's mark before this batch, Unix ms. */
  readonly appendedMarkMs: number;
  readonly rules: AdmissionRules;
  readonly issuer: AdmissionFacts['issuer'];
  readonly naming: Naming;
}

/** Everything one batch writes beside its refusals before the locks. */
export interface BatchOutput {
  readonly decisions: readonly ComposedDecision[];
  /** A person's acts, each the cause of one of the decisions. */
  readonly acts: readonly LeafRow[];
  /** Flows this batch contained, with the leaves that say so. */
  readonly contained: readonly Contained[];
  readonly containing: readonly LeafRow[];
  /** Of containments that no decision of this batch tells. */
  readonly events: readonly OutboxRow[];
  /** Replays, conflicts and untrusted times: verified, but without a decision of their own. */
  readonly refusals: readonly Refusal[];
  readonly flows: readonly FlowChange[];
  /** Change of what each mandate level holds; decimal text, major units. */
  readonly held: ReadonlyMap<string, string>;
  readonly counters: CounterChanges;
  readonly appendedMarkMs: number;
}

/** Made once each: every decision stores one of them. */
const WATCHES = new Map<string, Watches>();
/** Answers that name a decision already made, so they record none of their own. */
const REPEATS = new Set<string | null>(['intent_replayed', 'idempotency_conflict']);

/** Folds a batch in offset order: ended holds are let go first, then each intent meets what those before it left. */
export function decideBatch(input: BatchInput): BatchOutput {
  const { hot } = input;
  const times = new AppendedTimes(input.appendedMarkMs, input.judgedAtMs);
  const { held, counters } = releaseEnded(hot);
  const { items, refusals } = itemsOf(input, times);
  const before = stateOf(input, held, counters);
  const { results, state } = decideInOrder(before, items);
  const composed = composeResults(input, items, results, { held, counters, refusals, flows: before.flows });
  return {
    ...composed,
    events: [],
    refusals,
    flows: changedFlows(state, hot),
    held: held.texts(),
    counters,
    appendedMarkMs: times.mark,
  };
}

/** What holds that ended keep back no more, however late the sweep is. */
export function releaseEnded({ endedHolds }: Pick<HotState, 'endedHolds'>): {
  readonly held: HeldChanges;
  readonly counters: CounterChanges;
} {
  const held = new HeldChanges();
  const counters = new CounterChanges();
  for (const hold of endedHolds) {
    held.add(hold.path, decimal(hold.held).neg());
    counters.leave(hold);
  }
  return { held, counters };
}

interface Folding {
  readonly held: HeldChanges;
  readonly counters: CounterChanges;
  readonly refusals: Refusal[];
  /** As they were before the batch. */
  readonly flows: BatchState['flows'];
}

/** What each result leaves to write, in offset order; holds and refusals are added to those of the batch. */
function composeResults(
  input: BatchInput,
  items: readonly (BatchItem & { evaluated: EvaluatedIntent })[],
  results: readonly CountedResult[],
  { held, counters, refusals, flows }: Folding,
): Pick<BatchOutput, 'decisions' | 'acts' | 'contained' | 'containing'> {
  const { hot, judgedAtMs } = input;
  const decisions: ComposedDecision[] = [];
  const acts: ComposedLeaf[] = [];
  const contained: Contained[] = [];
  const containing: LeafRow[] = [];
  const states = new Map(flows);
  const firsts = new Map([...hot.decisions.values()].map((row) => [row.intentId, row.decisionId]));
  results.forEach((result, index) => {
    const item = items[index];
    if (item === undefined) return;
    const { evaluated, intent } = item;
    const { candidate, waiting = null, approval } = evaluated;
    if (REPEATS.has(result.decision.code) && result.decision.code !== null) {
      const first = firsts.get(intent.intentId) ?? null;
      refusals.push(refuse(candidate.record, result.decision.code, null, { decisionId: first }).refusal);
      return;
    }
    firsts.set(intent.intentId, item.decisionId);
    const flowBefore = states.get(intent.mandate)?.state ?? null;
    if (typeof result.state.flow !== 'string') states.set(intent.mandate, result.state.flow);
    const { decisionId: id, facts } = item;
    const act =
      approval === undefined || waiting === null ? null : approvalLeaf(approval, waiting, judgedAtMs, input.naming);
    if (act !== null) acts.push(act);
    const decided: DecidedIntent = {
      candidate,
      intent,
      decisionId: id,
      supersedes: waiting,
      holdId: null,
      approvals: approvalsOf(evaluated).map(({ jws }) => jws),
      facts,
      result,
      flowBefore,
      causes: causesOf(candidate, input.facts, waiting, act),
    };
    const composed = composeDecision(decided, input.naming);
    if (composed.hold !== null) {
      held.add(composed.hold.path, decimal(composed.hold.amount));
      counters.enter(result.entries, composed.hold.amount);
    }
    const containment = containOf(decided, composed.decision.leafHash, input.naming);
    if (containment !== null) {
      contained.push(containment.contained);
      containing.push(...containment.leaves);
    }
    decisions.push(
      containment === null ? composed : { ...composed, events: [...composed.events, ...containment.events] },
    );
  });
  return { decisions, acts, contained, containing };
}

/** What is decided at all, in offset order; the rest is answered without a decision of its own. */
function itemsOf(
  input: BatchInput,
  times: AppendedTimes,
): { items: (BatchItem & { evaluated: EvaluatedIntent })[]; refusals: Refusal[] } {
  const refusals: Refusal[] = [];
  const items: (BatchItem & { evaluated: EvaluatedIntent })[] = [];
  for (const evaluated of input.intents) {
    const { candidate, waiting, approval } = evaluated;
    const record = approval?.record ?? candidate.record; // the one whose turn it is
    const newest = input.hot.decisions.get(candidate.intentId)?.decisionId ?? null;
    // Ended since it was read: its decision stands.
    if (waiting !== undefined && newest !== waiting.decisionId) {
      if (approval !== undefined)
        refusals.push(refuse(record, 'intent_replayed', null, { decisionId: newest }).refusal);
      continue;
    }
    if (approval !== undefined && !(input.judgedAtMs < approval.claims.exp * 1000)) {
      refusals.push(refuse(record, 'intent_expired', 'exp').refusal);
      continue;
    }
    // Its signature was verified before the locks, by a clock that is not the database's: at the instant it is decided
    // the key must still be active.
    const key = input.facts.key(candidate.kid);
    if (waiting === undefined && key !== undefined && !isCurrent(key, input.judgedAtMs)) {
      refusals.push(refuse(record, 'key_retired', 'header.kid').refusal);
      continue;
    }
    const appendedAtMs = times.next(record.appendedAtMs);
    // No decision: its id and times would rest on the clock that is not trusted, and the sender may ask again.
    if (appendedAtMs === undefined) refusals.push(refuse(record, 'clock_untrusted').refusal);
    // Nor one that may never be proven. A wait that is over is ended all the same: that is a denial.
    else if ((waiting === undefined || approval !== undefined) && input.audit !== 'verified')
      refusals.push(refuse(record, 'audit_unavailable').refusal);
    else items.push({ evaluated, ...itemOf(evaluated, appendedAtMs, input) });
  }
  return { items, refusals };
}

/** The grant as registered, absent when the agent has none; the decision this one supersedes; the act that led to it. */
export function causesOf(
  candidate: Candidate,
  facts: RegistryFacts,
  supersedes: Superseded | null,
  act: ComposedLeaf | null,
): string[] {
  const chain = ownChain(candidate, facts);
  const grant = typeof chain === 'string' ? null : (chain.at(-1)?.leafHash ?? null);
  return [grant, supersedes?.leafHash ?? null, act?.leafHash ?? null].flatMap((hash) =>
    hash === null ? [] : [hash.toString('base64url')],
  );
}

type Amount = ReturnType<typeof decimal>;

/** Exact sums by mandate level. */
export class HeldChanges {
  private readonly sums = new Map<string, Amount>();

  add(path: readonly string[], amount: Amount): void {
    for (const id of path) this.sums.set(id, (this.sums.get(id) ?? decimal('0')).plus(amount));
  }

  of(id: string): Amount {
    return this.sums.get(id) ?? decimal('0');
  }

  texts(): Map<string, string> {
    const changed = [...this.sums].filter(([, sum]) => !sum.isZero());
    return new Map(changed.map(([id, sum]) => [id, sum.toFixed()]));
  }
}

/**
 * What an artifact's renewal changes of the facts its intent is decided on. People's words are those of the decision that
 * issued the artifact: nobody is asked twice.
 */
export interface RenewedFacts extends Pick<AdmissionFacts, 'approval' | 'approvers'> {
  readonly renewal: RenewalFacts;
  readonly supersedes: Superseded;
}

/** Every approval that stands, the one it is taken up for last. */
function approvalsOf({ given = [], approval }: EvaluatedIntent): readonly VerifiedApproval[] {
  return approval?.says === 'approved' ? [...given, approval] : given;
}

function saidOf(evaluated: EvaluatedIntent): Pick<AdmissionFacts, 'approval' | 'approvers'> {
  if (evaluated.approval?.says === 'refused') return { approval: 'refused', approvers: [] };
  const approvers = approvalsOf(evaluated).map(({ approver: { person, kid } }) => ({ person, kid }));
  return { approval: approvers.length > 0 ? 'approved' : 'none', approvers };
}

export function itemOf(
  evaluated: EvaluatedIntent,
  appendedAtMs: number,
  input: BatchInput,
  renewed: RenewedFacts | null = null,
): BatchItem {
  const { candidate, policy, waiting } = evaluated;
  const { claims, intentId, bodyHash } = candidate;
  const { approval, approvers } = renewed ?? saidOf(evaluated);
  const supersedes = renewed?.supersedes ?? waiting;
  const recorded = supersedes === undefined ? input.hot.decisions.get(intentId) : undefined;
  const attestation = input.hot.attestations.get(claims.iss);
  const isOwn = typeof ownChain(candidate, input.facts) !== 'string';
  const facts: AdmissionFacts = {
    ...registryFactsOf(candidate, input.facts, input.judgedAtMs),
    appendedAtMs,
    judgedAtMs: input.judgedAtMs,
    recorded:
      recorded === undefined
        ? null
        : { decisionId: recorded.decisionId, bodyHash: recorded.bodyHash.toString('base64url') },
    attestation: attestation === undefined ? 'absent' : attestationOf(attestation),
    policy,
    scope: scopeOf(candidate, input.facts, input.naming.issuer),
    approval,
    approvers,
    spending: isOwn ? spendingWatch(input.hot.flows.get(claims.mandate), input.profiles, input.hot.detectors) : null,
    parked: waiting === undefined ? null : { decisionId: waiting.decisionId, untilMs: waiting.untilMs },
    renewal: renewed?.renewal ?? null,
    parkedCount: isOwn ? (input.hot.parked.get(claims.mandate) ?? 0) : 0,
    issuer: input.issuer,
    watches: watchesOf(input, candidate),
    rules: input.rules,
  };
  const intent = toIntent(claims, intentId, bodyHash);
  const attempt = supersedes === undefined ? 0 : supersedes.attempt + 1;
  const bounds = boundsOf(counterUses(candidate, input.facts), appendedAtMs, input.hot.counters);
  return { intent, facts, bounds, decisionId: decisionId(appendedAtMs, intentId, attempt) };
}

/**
 * What is watched over the flow of an intent. `domain` is watched by nobody yet; a broken lineage contains the flow when
 * it is found.
 */
function watchesOf({ audit, hot, facts, judgedAtMs }: BatchInput, candidate: Candidate): Watches {
  const identity = identityOf(candidate, facts);
  const governance = hot.watch?.governance ?? 'verified';
  const flow = hot.flows.get(candidate.claims.mandate);
  const watch = watchVerdict(hot.watch, { verifiedAtMs: flow?.verifiedAtMs ?? null, isLive: false }, judgedAtMs);
  const name = [audit, identity, governance, watch].join(' ');
  const known = WATCHES.get(name);
  if (known !== undefined) return known;
  const watches: Watches = { identity, lineage: 'verified', governance, domain: 'verified', audit, watch };
  WATCHES.set(name, watches);
  return watches;
}

/** Flows a decision of this batch found whole in every limb, as far as it is worth writing down. */
export function verifiedFlows(
  decisions: BatchOutput['decisions'],
  { watch, flows, judgedAtMs }: Pick<HotState, 'watch' | 'flows' | 'judgedAtMs'>,
): string[] {
  const issued = new Set(decisions.flatMap(({ hold }) => (hold === null ? [] : [hold.flowId])));
  return [...issued].filter((id) => {
    return isWorthTouching(watch, { verifiedAtMs: flows.get(id)?.verifiedAtMs ?? null }, judgedAtMs);
  });
}

function attestationOf(row: AttestationRow): Exclude<AdmissionFacts['attestation'], string> {
  const { measurement, evidenceHash, verifier, debug, compromised, validUntilMs, recordedAtMs } = row;
  return { measurement, evidenceHash, verifier, debug, compromised, validUntilMs, recordedAtMs };
}

/** The locked rows as core's values; what ended holds kept back is available again, however late the sweep is. */
export function stateOf({ intents, facts, hot }: BatchInput, ended: HeldChanges, left: CounterChanges): BatchState {
  const levels = new Map<string, LevelState>();
  for (const { candidate } of intents) {
    const chain = ownChain(candidate, facts);
    if (typeof chain === 'string') continue;
    for (const mandate of chain) {
      const row = levels.has(mandate.id) ? undefined : hot.budgets.get(mandate.id);
      if (row === undefined) continue;
      const budget = {
        held: decimal(row.held).plus(ended.of(mandate.id)),
        capturing: decimal(row.capturing),
        captured: decimal(row.captured),
        refunded: decimal(row.refunded),
      };
      levels.set(mandate.id, { mandate, budget, counted: [] });
    }
  }
  const flows = [...hot.flows.values()].flatMap(flowOf);
  const counters = left.appliedTo(hot.counters);
  return { levels, flows: new Map(flows.map((flow) => [flow.flowId, flow])), counters };
}

/** A state this version does not know is no flow at all: it denies. */
function flowOf(row: FlowRow): Flow[] {
  const { flowId, state, epoch, sequence, baselineHash } = row;
  return isFlowState(state) ? [{ flowId, state, epoch, sequence, baselineHash, drift: evidenceOf(row) }] : [];
}

export function changedFlows(state: BatchState, hot: HotState): FlowChange[] {
  return [...state.flows.values()]
    .filter((flow) => hot.flows.get(flow.flowId)?.sequence !== flow.sequence)
    .map((flow) => ({ flowId: flow.flowId, state: flow.state, sequence: flow.sequence, drift: evidenceText(flow) }));
}
