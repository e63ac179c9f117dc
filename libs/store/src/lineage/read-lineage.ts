import { hashJsonText } from '@spendgate/codec';
import type { Queryable } from '../statement.js';
import { guarded } from '../transaction.js';
import { type EvidenceLeaf, readEvidenceLeaves, readFoundations } from '../transparency/bundle-reads.js';
import { readLastCheckpoint } from '../transparency/checkpoints.js';
import {
  addArtifacts,
  addBaselines,
  addDecisions,
  addIncidents,
  addMandates,
  addOutcomes,
  addSettlements,
} from './add-steps.js';
import { type LineageEdge, type LineageKind, LineageGraph, type LineageNode } from './lineage-graph.js';
import {
  type DecisionEdge,
  type DecisionStep,
  LINEAGE_ROWS_MAX,
  locateId,
  readDecisionsOfFlows,
  readKeyOwner,
  readMandatesOf,
  readStep,
} from './lineage-rows.js';

export type LineageDirection = 'up' | 'down';

export interface LineageAsked {
  readonly direction: LineageDirection;
  /** Down: where an earlier page ended; `null`: from the newest decision. */
  readonly before: DecisionEdge | null;
  /** Down: decisions on a page at most. */
  readonly limit: number;
}

/** A page of a lineage. Every node is shown with its leaf as of the last signed checkpoint. */
export interface Lineage {
  readonly root: { readonly kind: LineageKind; readonly id: string };
  readonly treeSize: number;
  /** In the order they were met: from what was asked for. */
  readonly nodes: readonly (LineageNode & { readonly leafIndex: number | null })[];
  readonly edges: readonly LineageEdge[];
  readonly next: DecisionEdge | null;
  /** More of one kind than a page holds were left out: ask for one of the nodes shown. */
  readonly truncated: boolean;
}

const NEWEST: DecisionEdge = {
  decisionId: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
  flowId: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
};
/** Renewals and retries followed upwards. */
const SUPERSEDED_MAX = 32;
/** Leaves of acts read to find where policies, keys and baselines were set. */
const ACTS_MAX = 1_000;

/**
 * From any id to the root (`up`), or to everything that came of it (`down`): a number of statements bounded by the depth of
 * the graph, never by its size.
 *
 * @returns `undefined`: nothing in this domain has that id
 */
export function readLineage(db: Queryable, id: string, asked: LineageAsked): Promise<Lineage | undefined> {
  return guarded(async () => {
    const kind = await locateId(db, id);
    if (kind === undefined) return undefined;
    const walk = new Walk(db, (await readLastCheckpoint(db))?.treeSize ?? 0);
    const next = asked.direction === 'up' ? await walk.up(kind, id) : await walk.down(kind, id, asked);
    return { root: { kind, id }, ...(await walk.placed()), next, truncated: walk.truncated };
  });
}

type Ids = readonly string[];
const NO_IDS: Ids = [];

/** One walk over the rows; whatever order it reads in, each row is a node once. */
class Walk {
  truncated = false;
  private readonly graph = new LineageGraph();
  private readonly decided = new Map<string, DecisionStep>();

  constructor(
    private readonly db: Queryable,
    private readonly treeSize: number,
  ) {}

  async up(kind: LineageKind, id: string): Promise<null> {
    const { db, graph } = this;
    if (kind === 'principal' || kind === 'agent' || kind === 'policy')
      graph.add({ kind, id, leafHash: null, about: {} });
    if (kind === 'key') await this.addKey(id);
    const outcomes = await readStep(db, 'outcomes', of('outcome', kind, id));
    addOutcomes(graph, outcomes);
    const incidents = await readStep(db, 'incidents', of('incident', kind, id));
    addIncidents(graph, incidents);
    const settled = await this.withCaptures([
      ...of('settlement', kind, id),
      ...outcomes.map((row) => row.settlementId),
    ]);
    const artifacts = await readStep(db, 'artifacts', [...of('artifact', kind, id), ...settled]);
    const decisions = await this.superseded([...of('decision', kind, id), ...artifacts.map((row) => row.decisionId)]);
    const answered = await readStep(db, 'decisionsOfIntents', of('intent', kind, id));
    await this.addDecisions([...decisions, ...answered]);
    addArtifacts(graph, artifacts, this.leafOf);
    const issued = [...this.decided.values()].flatMap((row) => row.artifactId ?? NO_IDS);
    addBaselines(graph, await readStep(db, 'artifacts', issued), 'decision');
    const flows = [...this.decided.values(), ...incidents].map((row) => row.flowId);
    addMandates(graph, await readStep(db, 'mandatesAbove', unique([...of('mandate', kind, id), ...flows])));
    return null;
  }

  async down(kind: LineageKind, id: string, { before, limit }: LineageAsked): Promise<DecisionEdge | null> {
    const { db, graph } = this;
    if (kind === 'key') await this.addKey(id);
    if (kind === 'outcome') addOutcomes(graph, await readStep(db, 'outcomes', [id]));
    if (kind === 'incident') addIncidents(graph, await readStep(db, 'incidents', [id]));
    const granting = kind === 'principal' || kind === 'agent' || kind === 'policy' ? kind : null;
    if (granting !== null) graph.add({ kind: granting, id, leafHash: null, about: {} });
    const tops = granting === null ? of('mandate', kind, id) : this.bounded(await readMandatesOf(db, granting, id));
    const below = this.bounded(await readStep(db, 'mandatesBelow', tops));
    addMandates(graph, below);
    const flows = below.map((row) => row.mandateId);
    addIncidents(graph, this.bounded(await readStep(db, 'incidentsOf', flows)));
    const page =
      flows.length === 0
        ? { decisions: [], next: null }
        : await readDecisionsOfFlows(db, flows, before ?? NEWEST, limit);
    const own = await readStep(db, 'decisions', of('decision', kind, id));
    const answering = this.bounded(await readStep(db, 'decisionsOfIntents', of('intent', kind, id)));
    const renewing = this.bounded(await readStep(db, 'renewed', of('artifact', kind, id)));
    await this.addDecisions([...page.decisions, ...own, ...answering, ...renewing]);
    const issued = [...this.decided.values()].flatMap((row) => row.artifactId ?? NO_IDS);
    const artifacts = await readStep(db, 'artifacts', unique([...of('artifact', kind, id), ...issued]));
    addArtifacts(graph, artifacts, this.leafOf);
    const settlements = this.bounded(
      await readStep(
        db,
        'settlementsOf',
        artifacts.map((row) => row.artifactId),
      ),
    );
    const refunds = this.bounded(await readStep(db, 'refundsOf', of('settlement', kind, id)));
    const asked = await readStep(db, 'settlements', of('settlement', kind, id));
    const all = [...asked, ...settlements, ...refunds];
    addSettlements(graph, all);
    addOutcomes(graph, this.bounded(await readStep(db, 'outcomesOf', unique(all.map((row) => row.settlementId)))));
    return page.next;
  }

  /** The nodes, each with its leaf's place. */
  async placed(): Promise<Pick<Lineage, 'nodes' | 'edges' | 'treeSize'>> {
    const { graph, treeSize } = this;
    const acts = await this.findActs();
    const nodes = graph.nodes.map((node) => ({
      ...node,
      leafHash: node.leafHash ?? acts.get(`${node.kind}/${node.id}`) ?? null,
    }));
    const hashes = nodes.flatMap(({ leafHash }) => leafHash ?? []);
    const places = byHash(await readEvidenceLeaves(this.db, hashes, treeSize));
    const placed = nodes.map((node) => ({ ...node, leafIndex: places.get(nameOf(node.leafHash))?.index ?? null }));
    return { nodes: placed, edges: graph.edges, treeSize };
  }

  /** Where policies, keys and baselines were set: the newest act on each under the checkpoint. */
  private async findActs(): Promise<Map<string, Buffer>> {
    const texts = this.graph.nodes.flatMap(({ kind, id, about }) => {
      if (kind === 'policy') return [`"policy":${JSON.stringify(id)}`];
      if (kind === 'key') return [`"kid":${JSON.stringify(id)}`];
      return kind === 'baseline' ? [`"flow":${JSON.stringify(about['flow'])}`] : [];
    });
    if (texts.length === 0) return new Map();
    const acts = await readFoundations(this.db, texts, this.treeSize, ACTS_MAX);
    return new Map(
      acts.flatMap(({ leaf, payload, leafHash }) => namesOf(leaf, payload).map((name) => [name, leafHash])),
    );
  }

  private readonly leafOf = (decisionId: string): Buffer | null => this.decided.get(decisionId)?.leafHash ?? null;

  private async addDecisions(rows: readonly DecisionStep[]): Promise<void> {
    for (const row of rows) this.decided.set(row.decisionId, row);
    const leaves = await readEvidenceLeaves(
      this.db,
      rows.map((row) => row.leafHash),
      this.treeSize,
    );
    addDecisions(this.graph, [...this.decided.values()], byHash(leaves));
  }

  /** Settlements, and of refunds their captures. @returns their artifacts */
  private async withCaptures(ids: Ids): Promise<string[]> {
    const rows = await readStep(this.db, 'settlements', ids);
    const captures = await readStep(
      this.db,
      'settlements',
      rows.flatMap((row) => row.refundOf ?? NO_IDS),
    );
    addSettlements(this.graph, [...rows, ...captures]);
    return unique([...rows, ...captures].map((row) => row.artifactId));
  }

  /** Decisions and those whose place they took. */
  private async superseded(ids: Ids): Promise<DecisionStep[]> {
    const found = new Map<string, DecisionStep>();
    for (let wanted = ids; wanted.length > 0 && found.size < SUPERSEDED_MAX;) {
      const rows = await readStep(this.db, 'decisions', wanted);
      rows.forEach((row) => found.set(row.decisionId, row));
      wanted = rows.flatMap((row) => row.supersedes ?? NO_IDS).filter((each) => !found.has(each));
      this.truncated ||= wanted.length > 0 && found.size >= SUPERSEDED_MAX;
    }
    return [...found.values()];
  }

  private async addKey(kid: string): Promise<void> {
    const owner = await readKeyOwner(this.db, kid);
    const name = this.graph.add({ kind: 'key', id: kid, leafHash: null, about: { ...owner } });
    const kind = owner?.kind;
    if (kind !== 'principal' && kind !== 'agent') return;
    this.graph.link(
      name,
      'authorization_source',
      this.graph.add({ kind, id: owner?.party ?? '', leafHash: null, about: {} }),
    );
  }

  private bounded<T>(rows: readonly T[]): T[] {
    this.truncated ||= rows.length > LINEAGE_ROWS_MAX;
    return rows.slice(0, LINEAGE_ROWS_MAX);
  }
}

/** Which nodes an act's leaf is about. */
function namesOf(leaf: string, payload: string | null): string[] {
  if (payload === null) return [];
  // as: both were written canonically by the store; a member that is not there names nothing
  const { type } = JSON.parse(leaf) as { type: string };
  const { kid, policy, baseline } = JSON.parse(payload) as { kid?: string; policy?: string; baseline?: unknown };
  if (type === 'key_changed' && kid !== undefined) return [`key/${kid}`];
  if (type === 'policy_activated' && policy !== undefined) return [`policy/${policy}`];
  return type === 'flow_baseline_set' ? [`baseline/${hashJsonText(baseline)}`] : [];
}

function of(kind: LineageKind, asked: LineageKind, id: string): Ids {
  return kind === asked ? [id] : NO_IDS;
}

function unique(ids: Ids): string[] {
  return [...new Set(ids)];
}

function byHash(leaves: readonly EvidenceLeaf[]): Map<string, EvidenceLeaf> {
  return new Map(leaves.map((leaf) => [nameOf(leaf.leafHash), leaf]));
}

function nameOf(hash: Buffer | null): string {
  return hash?.toString('base64url') ?? '';
}
