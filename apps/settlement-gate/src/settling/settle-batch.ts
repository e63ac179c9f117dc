import type { Metrics } from '@spendgate/platform';
import {
  type ArtifactPlace,
  type Contained,
  type FlowChange,
  type Judged,
  type LaneLease,
  type LeafRow,
  type NumberedOutboxRow,
  type OutboxRow,
  type Pool,
  type RefusalRow,
  type Registry,
  RegistryMoved,
  type Write,
  advanceLaneWrite,
  changeBudgetsWrite,
  changeHoldsWrite,
  changeSettlementsWrite,
  fence,
  fenceLeased,
  inTransaction,
  leavesWrite,
  outboxWrite,
  run,
  runTogether,
  changeFlowsWrite,
  containWrites,
  suspendWrite,
  insertCasesWrite,
  insertOutcomesWrite,
  insertRefusalsWrite,
  insertSettlementsWrite,
  locateArtifacts,
  lockSettlementRows,
  readJudged,
  readSettlementState,
  revokeArtifactsWrite,
  shareControl,
  watchAudit,
} from '@spendgate/store';
import { settlementId } from '@spendgate/codec';
import type { PolicySets } from '@spendgate/policy';
import type { ManagedTransfer } from '../rails/rail-port.js';
import { ArtifactViews } from './artifact-view.js';
import { foldBatch } from './fold-batch.js';
import type { FoldContext, Folded } from './fold-context.js';
import { FoldState } from './fold-state.js';
import { type TrustSource, withAudit, withGovernance } from './gate-facts.js';
import { type GateAnswer, type GateItem, artifactIdOf } from './gate-item.js';
import { refusedId } from './refused-id.js';
import { RegistryView } from './registry-view.js';
import type { LeafWriter } from './settlement-leaves.js';

/** Control acts that may come between facts and locks before the batch is given back. */
const MOVES_MAX = 10;

/** Rows for what a batch of records refuses. */
export interface RefusalEffects {
  readonly rows: readonly RefusalRow[];
  readonly leaves: readonly LeafRow[];
  readonly events: readonly OutboxRow[];
}

/** The offsets a batch of records covers, and what becomes of those that get no decision. */
export interface BatchOffsets {
  readonly first: bigint;
  readonly last: bigint;
  /** Pure: called in the transaction, perhaps more than once. */
  readonly refused: (answers: readonly GateAnswer[], judgedAtMs: number) => RefusalEffects;
}

export interface SettledBatch {
  /** One per item, in order. */
  readonly answers: readonly GateAnswer[];
  /** Committed events of the lane, to be published. */
  readonly events: readonly NumberedOutboxRow[];
  /** Transfers managed rails must now be asked for. */
  readonly transfers: readonly ManagedTransfer[];
}

/** What a gate decides with; the same for all its batches. */
export interface SettleOptions {
  readonly issuer: string;
  readonly outcomeDueMs: number;
  readonly trust: TrustSource;
  /** Audit leaves waiting for longer than this while the log signs nothing deny everything. */
  readonly auditLateMsMax: number;
  isManaged(rail: string): boolean;
}

/**
 * Decides captures, voids, refunds and outcomes in one transaction, whichever door they came by.
 *
 * Idempotent by (artifact, action, capture id): a repeated request returns the receipt already recorded. A constant
 * number of statements, whatever the size of the batch.
 */
export class SettleBatch {
  private readonly views = new ArtifactViews();

  constructor(
    private readonly pool: Pool,
    private readonly registry: Registry,
    private readonly policies: PolicySets,
    private readonly leafWriter: LeafWriter,
    private readonly options: SettleOptions,
    private readonly metrics?: Metrics,
  ) {}

  /**
   * @param offsets of a partition's records; `null` for a leased lane, which has none
   * @throws {LaneLost} another owner has the lane: nothing was decided
   * @throws {DependencyError} the database is away: nothing was decided, or the lane's `next` tells
   */
  async execute(
    lease: LaneLease,
    items: readonly GateItem[],
    offsets: BatchOffsets | null = null,
  ): Promise<SettledBatch> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.once(lease, items, offsets);
      } catch (error) {
        if (!(error instanceof RegistryMoved) || attempt === MOVES_MAX) throw error;
      }
    }
  }

  private async once(
    lease: LaneLease,
    items: readonly GateItem[],
    offsets: BatchOffsets | null,
  ): Promise<SettledBatch> {
    const places = await locateArtifacts(this.pool, [...new Set(items.map(artifactIdOf))]);
    const view = await this.view(items, places);
    return inTransaction(this.pool, async (tx) => {
      await shareControl(tx);
      const lane =
        offsets === null ? await fenceLeased(tx, lease) : await fence(tx, lease, offsets.first, offsets.last);
      await lockSettlementRows(tx, [...places.values()]);
      const judged = await readJudged(tx); // a new statement after the locks
      this.registry.checkEpoch(view.facts, judged.controlEpoch);
      const read = await readSettlementState(tx, keysOf(items, places));
      const state = new FoldState(read);
      const context = this.contextOf(view, { ...read, flows: state.flows }, judged);
      const { answers, folded } = this.fold(items, state, context);
      const refused = offsets?.refused(answers, judged.judgedAtMs) ?? NOTHING_REFUSED;
      const events = [...refused.events, ...folded.events];
      const leaves = [...refused.leaves, ...folded.leaves];
      const leafSeq = lane.leafSeq + BigInt(leaves.length);
      const outboxSeq = lane.outboxSeq + BigInt(events.length);
      const { contained } = state;
      const counting = state.counters.isEmpty ? [] : [state.counters.write()];
      const containing =
        contained.length === 0 ? [] : [...containWrites(contained), changeFlowsWrite(movedFlows(contained))];
      // A statement by its rows, so that a batch without them does not pay for those that have some.
      const opening = state.cases.length === 0 ? [] : [insertCasesWrite(state.cases)];
      const parts = { counting, containing, opening };
      const named = Object.entries(parts).flatMap(([part, writes]) => (writes.length > 0 ? [`-${part}`] : []));
      const name = `settlement-write${named.join('')}`;
      await runTogether(tx, name, [
        ...stateWrites(lease.laneId, state),
        insertRefusalsWrite(lease.laneId, refused.rows),
        leavesWrite(lease, lane.leafSeq, leaves),
        outboxWrite(lease, lane.outboxSeq, events),
        advanceLaneWrite(lease, { leafSeq, outboxSeq }),
        ...counting,
        ...containing,
        ...opening,
      ]);
      if (contained.length > 0) await run(tx, suspendWrite(contained));
      const numbered = events.map((event, index) => ({ ...event, seq: lane.outboxSeq + BigInt(index) }));
      return { answers, events: numbered, transfers: folded.transfers };
    });
  }

  private fold(
    items: readonly GateItem[],
    state: FoldState,
    context: FoldContext,
  ): { answers: GateAnswer[]; folded: Folded } {
    if (this.metrics === undefined) return foldBatch(items, state, context);
    this.metrics.batch('settlement', items.length);
    return this.metrics.cpu('settlement_fold', () => foldBatch(items, state, context));
  }

  /** Facts no lock guards, for everything the batch may touch. */
  private async view(items: readonly GateItem[], places: ReadonlyMap<string, ArtifactPlace>): Promise<RegistryView> {
    const signed = items.flatMap((item) => (item.kind === 'report' ? [] : [item.by]));
    const facts = await this.registry.at({
      kids: signed.map((by) => by.kid),
      parties: [
        ...signed.map((by) => ({ kind: by.kind, id: by.partyId })),
        ...[...places.values()].map((place) => ({ kind: 'agent' as const, id: place.agentId })),
      ],
      counterparties: [...places.values()].map((place) => place.counterpartyId),
      mandates: [...places.values()].map((place) => place.flowId),
    });
    return new RegistryView(facts, this.policies, this.options.issuer);
  }

  private contextOf(
    registry: RegistryView,
    read: Awaited<ReturnType<typeof readSettlementState>>,
    { judgedAtMs, auditLateMs, watch }: Judged,
  ): FoldContext {
    const { issuer, outcomeDueMs, auditLateMsMax } = this.options;
    const audited = withAudit(this.options.trust, watchAudit(auditLateMs, auditLateMsMax));
    const trust = withGovernance(audited, watch);
    const isManaged = (rail: string): boolean => this.options.isManaged(rail);
    const artifactFacts = (row: Parameters<ArtifactViews['facts']>[0]) => this.views.facts(row, registry);
    const sources = { ...read, registry, trust, watch, judgedAtMs, artifactFacts };
    return { issuer, judgedAtMs, sources, leafWriter: this.leafWriter, outcomeDueMs, isManaged };
  }
}

/** Where each contained flow stands in the end; a further cause leaves it there. */
function movedFlows(contained: readonly Contained[]): FlowChange[] {
  return [...new Map(contained.map(({ flow }) => [flow.flowId, flow])).values()];
}

const NOTHING_REFUSED: RefusalEffects = { rows: [], leaves: [], events: [] };

/** Every id a batch may need: the settlements named, those they might be kept under, and captures to be refunded. */
function keysOf(items: readonly GateItem[], places: ReadonlyMap<string, ArtifactPlace>) {
  const settlementIds = new Set<string>();
  const outcomeIds: string[] = [];
  for (const item of items) {
    settlementIds.add(item.settlementId);
    if (item.kind !== 'request') {
      outcomeIds.push(item.outcomeId);
      continue;
    }
    settlementIds.add(refusedId(item));
    const { action, artifact, capture_id: captureId } = item.claims;
    if (action === 'refund' && captureId !== undefined)
      settlementIds.add(settlementId(artifact.id, 'capture', captureId));
  }
  const found = [...places.values()];
  return {
    artifactIds: found.map((place) => place.artifactId),
    flowIds: [...new Set(found.map((place) => place.flowId))],
    agentIds: [...new Set(found.map((place) => place.agentId))],
    settlementIds: [...settlementIds],
    outcomeIds,
  };
}

/** Always all of them, in one order: the joined statement has one text. No two touch the same row. */
function stateWrites(laneId: number, state: FoldState): Write[] {
  return [
    insertSettlementsWrite(laneId, state.inserted()),
    changeSettlementsWrite(state.settlementChanges()),
    insertOutcomesWrite(state.outcomeRows),
    changeHoldsWrite(state.holdChanges()),
    changeBudgetsWrite(state.budgetChanges()),
    revokeArtifactsWrite([...state.revoked]),
  ];
}
