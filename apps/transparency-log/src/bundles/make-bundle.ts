import { statusPlace } from '@spendgate/artifact';
import { type Bundle, type SettlementBundle, BUNDLE_SETTLEMENTS_MAX } from '@spendgate/codec';
import {
  type BundledArtifact,
  type BundledOutcome,
  type BundledSettlement,
  type DecisionView,
  type EvidenceLeaf,
  type StoredCheckpoint,
  readBundledArtifact,
  readBundledOutcomes,
  readBundledSettlements,
  readDecision,
  readDomainKeys,
  readLastCheckpoint,
  readSettledArtifact,
} from '@spendgate/store';
import type { StatusLists } from '../http/status-lists.js';
import { type Evidence, TooLarge, gatherLeaves } from './gather-leaves.js';
import { type BundleSources, loggedParts, openLeaf, text } from './logged-parts.js';
import type { Reader } from './reader.js';

/** Why there is no bundle: nobody's, or not the caller's; not all under a checkpoint yet; `from` or the size too large. */
export type NoBundle = 'unknown' | 'not_integrated' | 'beyond_log' | 'too_large';

/** Makes the bundle of an artifact or a settlement as of the last signed checkpoint; nothing beyond that is shown. */
export class MakeBundle {
  constructor(
    private readonly sources: BundleSources,
    private readonly lists: StatusLists,
  ) {}

  /** @param from size of a remembered checkpoint; null: none */
  async artifact(artifactId: string, caller: Reader, from: number | null): Promise<Bundle | NoBundle> {
    const made = await this.gather(artifactId, null, caller, from);
    if (typeof made === 'string') return made;
    const { evidence, parts, status_list } = made;
    const { heads, ...logged } = parts;
    return {
      v: 1,
      domain: this.sources.issuer,
      subject: { kind: 'artifact', id: artifactId },
      proof: { ...issued(evidence, caller), settlements: evidence.asked.settlements.map(settledEntry) },
      synchronization: { status_list, ...heads },
      ...logged,
    };
  }

  /** One settlement with the artifact it drew on; what was refused to somebody else is not the caller's to see. */
  async settlement(settlementId: string, caller: Reader, from: number | null): Promise<SettlementBundle | NoBundle> {
    const artifactId = await readSettledArtifact(this.sources.pool, settlementId);
    if (artifactId === undefined) return 'unknown';
    const made = await this.gather(artifactId, settlementId, caller, from);
    if (typeof made === 'string') return made;
    const { evidence, parts, status_list } = made;
    const { heads, ...logged } = parts;
    const isShown = seesReadSets(evidence.asked.artifact, caller);
    const entries = evidence.asked.settlements.map((row) => {
      return {
        granted: row.outcome === 'authorized',
        ...{ ...settledEntry(row), read_set: isShown ? row.readSet : null },
      };
    });
    const of = (wanted: boolean) => entries.flatMap(({ granted, ...entry }) => (granted === wanted ? [entry] : []));
    return {
      v: 2,
      domain: this.sources.issuer,
      subject: { kind: 'settlement', id: settlementId },
      proof: { ...issued(evidence, caller), settlements: of(true), refused: of(false) },
      synchronization: { status_list, ...heads },
      ...logged,
    };
  }

  private async gather(artifactId: string, settlementId: string | null, caller: Reader, from: number | null) {
    const { pool } = this.sources;
    const artifact = await readBundledArtifact(pool, artifactId);
    if (artifact === undefined || !maySee(artifact, caller)) return 'unknown';
    const decision = await readDecision(pool, artifact.decisionId);
    if (decision === undefined) return 'not_integrated';
    const settled = await this.readSettled(artifact, settlementId, caller);
    if (typeof settled === 'string') return settled;
    // After the rows: what they name is under this head, or not yet under any.
    const head = await readLastCheckpoint(pool);
    if (head === undefined) return 'not_integrated';
    if (from !== null && from > head.treeSize) return 'beyond_log';
    const domainKeys = await readDomainKeys(pool);
    const asked = { artifact, decision, ...settled, domainKeys, treeSize: head.treeSize };
    try {
      const evidence = await gatherLeaves(pool, asked);
      return evidence === undefined ? 'not_integrated' : await this.prove(evidence, head, caller, from);
    } catch (error) {
      if (error instanceof TooLarge) return 'too_large';
      throw error;
    }
  }

  private async readSettled(artifact: BundledArtifact, settlementId: string | null, caller: Reader) {
    const { pool } = this.sources;
    const most = BUNDLE_SETTLEMENTS_MAX + 1;
    const rows = await readBundledSettlements(pool, artifact.artifactId, most, settlementId);
    const settlements = rows.filter((row) => row.outcome === 'authorized' || isTold(row, caller));
    if (settlementId !== null && !settlements.some((row) => row.settlementId === settlementId)) return 'unknown';
    const ids = settlements.map((each) => each.settlementId);
    const outcomes = await readBundledOutcomes(pool, artifact.flowId, ids, most);
    return rows.length === most || outcomes.length === most ? 'too_large' : { settlements, outcomes };
  }

  private async prove(evidence: Evidence, head: StoredCheckpoint, caller: Reader, from: number | null) {
    const { leaves, partyKids, asked } = evidence;
    const shown = leaves.map((leaf) => shownTo(leaf, caller));
    const { artifact, domainKeys } = asked;
    const parts = await loggedParts(this.sources, { leaves, shown, domainKeys, partyKids }, head, from);
    const { partition, segment } = statusPlace(artifact.statusPartition, artifact.statusIdx);
    return { evidence, parts, status_list: (await this.lists.read(partition, segment)) ?? null };
  }
}

/** Its agent, the service that may present it, and people. */
function maySee({ agentId, audience }: BundledArtifact, { kind, id }: Reader): boolean {
  return kind === 'person' || (kind === 'agent' ? agentId : audience) === id;
}

/** A refusal is told to who asked, to the agent whose money it is, and to people. */
function isTold({ presenter }: BundledSettlement, { kind, id }: Reader): boolean {
  return kind !== 'settlement_service' || presenter === id;
}

/** What was asked, decided and done with an artifact. */
function issued({ asked: { artifact, decision, outcomes } }: Evidence, caller: Reader) {
  return {
    artifact: { claims: artifact.claims, token: null },
    intent: decision.request,
    decision: storedDecision(decision, seesReadSets(artifact, caller)),
    outcomes: outcomes.map(({ outcomeId, settlementId, token, leafHash }: BundledOutcome) => {
      return { outcome_id: outcomeId, settlement_id: settlementId, token, leaf_hash: text(leafHash) };
    }),
  };
}

function settledEntry({ settlementId, attempt, request, claims, leafHash }: BundledSettlement) {
  return { settlement_id: settlementId, attempt, request, claims, receipt: null, leaf_hash: text(leafHash) };
}

/** A stored decision as a bundle has it. */
export function storedDecision(view: DecisionView, showsReadSet: boolean): Bundle['proof']['decision'] {
  return {
    decision_id: view.decisionId,
    intent_id: view.intentId,
    outcome: view.outcome as Bundle['proof']['decision']['outcome'], // as: the table's own check
    code: view.code as Bundle['proof']['decision']['code'], // as: a row of the denials table, when it is one
    field: view.field,
    supersedes: view.supersedes,
    appended_at: view.appendedAtMs,
    judged_at: view.judgedAtMs,
    read_set: showsReadSet ? view.readSet : null,
    decision_hash: text(view.decisionHash),
    leaf_hash: text(view.leafHash),
  };
}

/** The read set tells limits and use of every level: for people, and for an agent that holds all of them. */
function seesReadSets({ levels }: BundledArtifact, { kind, id }: Reader): boolean {
  return kind === 'person' || (kind === 'agent' && levels.length > 0 && levels.every((level) => level.agentId === id));
}

/** A grant is its holder's business and people's; anybody else gets the leaf, which proves that there was one. */
function shownTo(leaf: EvidenceLeaf, { kind, id }: Reader): Bundle['lineage']['leaves'][number] {
  const all = openLeaf(leaf);
  if (all.payload === null || kind === 'person') return all;
  const { mandate } = JSON.parse(all.payload) as { mandate?: unknown }; // as: any JSON object may have such a member
  const isGrant = typeof mandate === 'object' && mandate !== null;
  const isOwn = isGrant && kind === 'agent' && 'agent' in mandate && mandate.agent === id;
  return isGrant && !isOwn ? { ...all, payload: null, salt: null } : all;
}
