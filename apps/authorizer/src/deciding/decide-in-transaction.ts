import {
  type LaneLease,
  type NumberedOutboxRow,
  type OutboxRow,
  type Pool,
  type RegistryFacts,
  type Registry,
  type SpendingProfiles,
  type Transaction,
  advanceLaneWrite,
  changeFlowsWrite,
  changeHeldWrite,
  endHoldsWrite,
  fence,
  fenceInPlace,
  inTransaction,
  insertArtifactsWrite,
  insertDecisionsWrite,
  insertHoldsWrite,
  insertRefusalsWrite,
  lockHotRows,
  readHotState,
  releasePayload,
  shareControl,
  leavesWrite,
  run,
  runTogether,
  containWrites,
  suspendWrite,
  touchFlowsWrite,
  outboxWrite,
  watchAudit,
  parkWrites,
  readRenewingArtifact,
  renewWrites,
} from '@spendgate/store';
import { encodeLeaf } from '@spendgate/codec';
import { type AdmissionFacts, type AdmissionRules, type CounterKey, counterId } from '@spendgate/core';
import type { EndedHold, HotKeys, HotState, LaneState, LeafRow } from '@spendgate/store';
import type { Refusal } from '../intake/candidate.js';
import type { TokenBuckets } from '@spendgate/platform';
import type { LockedTime } from './batch-size.js';
import type { ComposedDecision, Naming } from './compose-decision.js';
import { type EvaluatedRenewal, type Renewed, foldRenewal } from './fold-renewal.js';
import { type BatchOutput, type EvaluatedIntent, decideBatch, verifiedFlows } from './decide-batch.js';
import { ownChain } from './facts.js';
import { counterUses } from './window-bounds.js';
import { summariseRefusals } from './summarise-refusals.js';

/** Some consecutive records of one partition, or intents that wait in it, ready for their transaction. */
export interface Slice {
  readonly lane: LaneLease;
  /** Offsets of the records; `null`: nothing of the log is taken, and the lane's place does not move. */
  readonly offsets: { readonly first: bigint; readonly last: bigint } | null;
  /** Verified intents, in offset order. */
  readonly intents: readonly EvaluatedIntent[];
  /** The one intent of a slice that decides a renewal of its artifact. */
  readonly renewal?: EvaluatedRenewal | undefined;
  /** Records that got no further. */
  readonly refusals: readonly Refusal[];
  readonly facts: RegistryFacts;
  /** Outbox rows below this are published: the mark moves with the batch, at no cost of its own. */
  readonly publishedThrough: bigint;
}

/** What a committed slice left to do: sign, publish, wake whoever waits. */
export interface Committed {
  readonly decisions: readonly ComposedDecision[];
  readonly refusals: readonly Refusal[];
  readonly events: readonly NumberedOutboxRow[];
  readonly nextOutboxSeq: bigint;
  /** How long row locks were held, and how much of it was the commit, which a batch of one waits for too. */
  readonly locked: LockedTime;
}

export interface DecideOptions {
  readonly pool: Pool;
  readonly registry: Registry;
  readonly profiles: SpendingProfiles;
  readonly rules: AdmissionRules;
  readonly issuer: AdmissionFacts['issuer'];
  /** Audit leaves waiting for longer than this while the log signs nothing deny everything. */
  readonly auditLateMsMax: number;
  readonly naming: Naming;
  readonly refusalEvents: TokenBuckets;
  /** Times the fold, which runs while locks are held. */
  readonly cpu: <T>(stage: string, act: () => T) => T;
}

/**
 * Decides a slice in one transaction, in this order: shared control lock; fence and offset; statements that only lock;
 * reads in new statements; fold; set-based writes. The number of statements does not depend on the slice.
 *
 * @throws {LaneLost} another owner has the lane: nothing was written
 * @throws {RegistryMoved} a control act came between the facts and the locks: load them again, decide again
 */
export async function decideInTransaction(slice: Slice, options: DecideOptions): Promise<Committed> {
  let [lockedAt, writtenAt] = [0, 0];
  const decided = await inTransaction(options.pool, async (tx) => {
    await shareControl(tx);
    const lane = await fenceSlice(tx, slice);
    const keys = keysOf(slice);
    await lockHotRows(tx, keys.flowIds, keys.mandateIds);
    lockedAt = performance.now();
    const hot = await readHotState(tx, keys);
    const { judgedAtMs, auditLateMs } = hot;
    options.registry.checkEpoch(slice.facts, hot.controlEpoch);
    const profiles = await options.profiles.of(tx, hot.flows.values());
    const { rules, issuer, naming } = options;
    const { intents, facts } = slice;
    const audit = watchAudit(auditLateMs, options.auditLateMsMax);
    const { appendedMarkMs } = lane;
    const input = { intents, facts, hot, profiles, judgedAtMs, audit, appendedMarkMs, rules, issuer, naming };
    const { renewal } = slice;
    const row =
      renewal === undefined
        ? undefined
        : await readRenewingArtifact(tx, renewal.renewal.claims.artifact.id, renewal.renewal.renewalId);
    const output = options.cpu('authorizer_fold', () =>
      renewal === undefined ? { ...decideBatch(input), renewed: null } : foldRenewal(input, renewal, row),
    );
    const written = await write(tx, slice, lane, { output, hot }, options);
    writtenAt = performance.now();
    return written;
  });
  const committedAt = performance.now();
  return { ...decided, locked: { lockedMs: committedAt - lockedAt, fixedMs: committedAt - writtenAt } };
}

function fenceSlice(tx: Transaction, { lane, offsets }: Slice): Promise<LaneState> {
  return offsets === null ? fenceInPlace(tx, lane) : fence(tx, lane, offsets.first, offsets.last);
}

interface Folded {
  readonly output: BatchOutput & { readonly renewed: Renewed | null };
  readonly hot: HotState;
}

/** Flows and levels to lock; a mandate nobody knows, or another agent's, has neither. */
function keysOf({ intents, facts }: Slice): HotKeys {
  const [flows, levels, roots, agents] = [new Set<string>(), new Set<string>(), new Set<string>(), new Set<string>()];
  const counters = new Map<string, CounterKey>();
  for (const { candidate } of intents) {
    agents.add(candidate.claims.iss);
    const chain = ownChain(candidate, facts);
    if (typeof chain === 'string') continue;
    flows.add(candidate.claims.mandate);
    for (const mandate of chain) {
      levels.add(mandate.id);
      roots.add(mandate.root);
    }
    for (const use of counterUses(candidate, facts)) counters.set(counterId(use), use);
  }
  return {
    flowIds: [...flows],
    mandateIds: [...levels],
    rootIds: [...roots],
    agentIds: [...agents],
    intentIds: [...new Set(intents.map(({ candidate }) => candidate.intentId))],
    counters: [...counters.values()],
  };
}

async function write(
  tx: Transaction,
  slice: Slice,
  lane: LaneState,
  { output, hot }: Folded,
  { naming, refusalEvents }: DecideOptions,
): Promise<Omit<Committed, 'locked'>> {
  const { decisions } = output;
  const { endedHolds: ended, judgedAtMs } = hot;
  const refusals = [...slice.refusals, ...output.refusals].sort((a, b) => (a.record.offset < b.record.offset ? -1 : 1));
  const { issuer, salts } = naming;
  const refused = summariseRefusals(refusals, { issuer, salts, judgedAtMs, eventRate: refusalEvents });
  const laneId = slice.lane.laneId;
  const { lane: lease, publishedThrough } = slice;
  const endedLeaf = ended.length === 0 ? [] : [endedHoldsLeaf(ended, judgedAtMs, naming)];
  const decided = decisions.map((each) => each.leaf);
  const leaves = [...endedLeaf, ...output.acts, ...decided, ...output.containing, ...refused.leaves];
  const events = [...decisions.flatMap((each) => each.events), ...output.events, ...refused.events];
  const [leafSeq, outboxSeq] = [lane.leafSeq + BigInt(leaves.length), lane.outboxSeq + BigInt(events.length)];
  const { appendedMarkMs } = output;
  const decisionRows = decisions.map((each) => each.decision);
  // Statements by their rows, so that a batch in which nobody waits, or nothing is counted, does not pay for those in
  // which somebody does, or something is.
  const parking = parkWrites(laneId, decisionRows);
  const counting = output.counters.isEmpty ? [] : [output.counters.write()];
  const containing = output.contained.length === 0 ? [] : containWrites(output.contained);
  const renewing = output.renewed === null ? [] : renewWrites(output.renewed.hold, output.renewed.renewal);
  const verified = verifiedFlows(decisions, hot);
  const watching = verified.length === 0 ? [] : [touchFlowsWrite(verified, judgedAtMs)];
  const kinds = Object.entries({ counting, parking, containing, renewing, watching }).flatMap(([kind, { length }]) =>
    length > 0 ? [kind] : [],
  );
  await runTogether(tx, ['authorization-write', ...kinds].join('-'), [
    insertDecisionsWrite(laneId, decisionRows),
    insertArtifactsWrite(decisions.flatMap((each) => each.artifact ?? [])),
    insertHoldsWrite(decisions.flatMap((each) => each.hold ?? [])),
    endHoldsWrite(ended),
    changeHeldWrite(output.held),
    changeFlowsWrite(output.flows),
    insertRefusalsWrite(laneId, refused.rows),
    leavesWrite(lease, lane.leafSeq, leaves),
    outboxWrite(lease, lane.outboxSeq, events),
    advanceLaneWrite(lease, { leafSeq, outboxSeq, appendedMarkMs, publishedThrough }),
    ...counting,
    ...parking,
    ...containing,
    ...renewing,
    ...watching,
  ]);
  if (containing.length > 0) await run(tx, suspendWrite(output.contained));
  return { decisions, refusals, events: numbered(events, lane.outboxSeq), nextOutboxSeq: outboxSeq };
}

function numbered(events: readonly OutboxRow[], firstSeq: bigint): NumberedOutboxRow[] {
  return events.map((event, index) => ({ ...event, seq: firstSeq + BigInt(index) }));
}

/** One leaf for the holds a batch let go: which, and how much each still kept back. */
function endedHoldsLeaf(ended: readonly EndedHold[], judgedAtMs: number, { issuer, salts }: Naming): LeafRow {
  const salt = salts.salt();
  const payload = releasePayload(ended);
  const leaf = encodeLeaf({ domain: issuer, type: 'holds_released', timeMs: judgedAtMs, payload, salt, causes: [] });
  return { ...leaf, salt };
}
