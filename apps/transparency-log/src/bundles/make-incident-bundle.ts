import { BUNDLE_LEAVES_MAX, type IncidentBundle, parseLeaf } from '@spendgate/codec';
import {
  type BundledIncident,
  type DecisionView,
  type EvidenceLeaf,
  readBundledIncident,
  readDecision,
  readDomainKeys,
  readEvidenceLeaves,
  readEvidenceRange,
  readFoundations,
  readIncidentActs,
  readLastCheckpoint,
  readBundledSettlements,
} from '@spendgate/store';
import { causesOf, kidsOf, nameOf } from './gather-leaves.js';
import { type BundleSources, loggedParts, openLeaf, text } from './logged-parts.js';
import { type NoBundle, storedDecision } from './make-bundle.js';

type ShownBy = IncidentBundle['proof']['shown_by'];
type Said = Readonly<Record<string, unknown>>;

/** Steps back from the opening of an incident: contained, drift found, the signal, what showed it. */
const STEPS_BACK = 4;
/** Settlements of one artifact looked through for the one that showed a drift. */
const SETTLEMENTS_MAX = 513;

/**
 * Makes the bundle of an incident: every leaf about it from the signal to the last, all leaves of the log in that stretch
 * where they fit, and the keys of the people who acted. For people: it shows what others did, and why.
 */
export class MakeIncidentBundle {
  constructor(private readonly sources: BundleSources) {}

  /** @param from size of a remembered checkpoint; null: none */
  async execute(incidentId: string, from: number | null): Promise<IncidentBundle | NoBundle | 'no_signal'> {
    const { pool, issuer } = this.sources;
    const incident = await readBundledIncident(pool, incidentId);
    if (incident === undefined) return 'unknown';
    const head = await readLastCheckpoint(pool);
    if (head === undefined) return 'not_integrated';
    if (from !== null && from > head.treeSize) return 'beyond_log';
    const beginning = await this.readBeginning(incident, head.treeSize);
    if (typeof beginning === 'string') return beginning;
    const { steps, shownBy, signal } = beginning;
    const found = new Map(steps.map((leaf) => [nameOf(leaf.leafHash), leaf]));
    await this.addDrifts(incident, found, head.treeSize);
    for (const leaf of await this.readActs(incident, signal.index, head.treeSize))
      found.set(nameOf(leaf.leafHash), leaf);
    const last = Math.max(...[...found.values()].map(({ index }) => index));
    const evidence = await this.readShownBy(shownBy);
    const domainKeys = await readDomainKeys(pool);
    const partyKids = [...new Set([...found.values()].flatMap(tokensOf).concat(evidence.tokens).flatMap(kidsOf))];
    const kids = [...partyKids, ...domainKeys.map(({ kid }) => kid)].map((kid) => `"kid":"${kid}"`);
    const records = await readFoundations(pool, kids, head.treeSize, BUNDLE_LEAVES_MAX + 1);
    for (const leaf of records) found.set(nameOf(leaf.leafHash), leaf);
    const outside = [...found.values()].filter(({ index }) => index < signal.index || index > last).length;
    const dense = last - signal.index + 1 + outside <= BUNDLE_LEAVES_MAX;
    if (dense) {
      const all = await readEvidenceRange(pool, signal.index, last + 1);
      for (const leaf of all) found.set(nameOf(leaf.leafHash), leaf);
    }
    if (found.size > BUNDLE_LEAVES_MAX) return 'too_large';
    const leaves = [...found.values()].sort((a, b) => a.index - b.index);
    const shown = leaves.map(openLeaf);
    const parts = await loggedParts(this.sources, { leaves, shown, domainKeys, partyKids }, head, from);
    const { heads, ...logged } = parts;
    const { flowId: flow, epoch } = incident;
    return {
      v: 2,
      domain: issuer,
      subject: { kind: 'incident', id: incidentId },
      proof: { flow, epoch, dense, shown_by: evidence.shownBy },
      synchronization: heads,
      ...logged,
    };
  }

  /** From the leaf that opened it back to what showed the drift. */
  private async readBeginning({ openedLeaf }: BundledIncident, treeSize: number) {
    const steps: EvidenceLeaf[] = [];
    let wanted = [openedLeaf];
    for (let step = 0; step <= STEPS_BACK; step += 1) {
      const [leaf] = await readEvidenceLeaves(this.sources.pool, wanted.slice(0, 1), treeSize);
      if (leaf === undefined) return 'not_integrated';
      if (step === 0 && typeOf(leaf) !== 'incident_opened') return 'no_signal';
      steps.push(leaf);
      wanted = causesOf(leaf);
      if (wanted.length === 0) break;
    }
    const [signal, shownBy] = steps.slice(-2);
    return signal === undefined || shownBy === undefined ? 'no_signal' : { steps, signal, shownBy };
  }

  /** Further drifts, found by whoever decided: each cause's leaf, the verdict it names, and what showed that. */
  private async addDrifts({ causeLeaves }: BundledIncident, found: Map<string, EvidenceLeaf>, treeSize: number) {
    let wanted = causeLeaves.filter((hash) => !found.has(nameOf(hash)));
    for (let step = 0; step < 3 && wanted.length > 0; step += 1) {
      const leaves = await readEvidenceLeaves(this.sources.pool, wanted, treeSize);
      leaves.forEach((leaf) => found.set(nameOf(leaf.leafHash), leaf));
      wanted = leaves.flatMap(causesOf).filter((hash) => !found.has(nameOf(hash)));
    }
  }

  /** Of this epoch, and how the next one began. */
  private async readActs(incident: BundledIncident, first: number, treeSize: number): Promise<EvidenceLeaf[]> {
    const acts = await readIncidentActs(this.sources.pool, incident, first, treeSize, BUNDLE_LEAVES_MAX + 1);
    return acts.filter((leaf) => {
      const { epoch, event } = saidBy(leaf);
      if (epoch === undefined || epoch === incident.epoch) return true;
      if (epoch !== incident.epoch + 1) return false;
      return typeOf(leaf) === 'flow_baseline_set' || BEGINNING.has(String(event));
    });
  }

  /** The frozen inputs of the denial that showed the drift. A visit names the decision the flow stood on: it shows none. */
  private async readShownBy(leaf: EvidenceLeaf): Promise<{ shownBy: ShownBy; tokens: string[] }> {
    const { pool } = this.sources;
    const { decision_id, settlement, artifact, attempt } = saidBy(leaf);
    if (typeof decision_id === 'string') {
      if (typeOf(leaf) !== 'decision_denied') return NOBODY;
      const view: DecisionView | undefined = await readDecision(pool, decision_id);
      if (view === undefined) return NOBODY;
      return { shownBy: { decision: storedDecision(view, true), intent: view.request }, tokens: [view.request] };
    }
    const artifactId = typeof artifact === 'object' && artifact !== null && 'id' in artifact ? artifact.id : null;
    if (typeof settlement !== 'string' || typeof artifactId !== 'string' || typeOf(leaf) !== 'settlement_denied')
      return NOBODY;
    const rows = await readBundledSettlements(pool, artifactId, SETTLEMENTS_MAX, settlement);
    const row = rows.find((each) => each.settlementId === settlement && each.attempt === attempt);
    if (row === undefined) return NOBODY;
    const { settlementId: settlement_id, request, readSet: read_set, leafHash } = row;
    const shownBy = { settlement_id, attempt: row.attempt, request, read_set, leaf_hash: text(leafHash) };
    return { shownBy, tokens: [request] };
  }
}

const NOBODY = { shownBy: null, tokens: [] };
/** How a flow goes on after its new baseline. */
const BEGINNING: ReadonlySet<string> = new Set(['baseline_signed', 'authority_verified', 'environment_trusted']);

function typeOf({ leaf }: EvidenceLeaf): string {
  const parsed = parseLeaf(Buffer.from(leaf));
  return parsed.ok ? parsed.leaf.type : '';
}

function saidBy({ payload }: EvidenceLeaf): Said {
  return payload === null ? {} : (JSON.parse(payload) as Said); // as: our own leaf, an object
}

/** What a person signed. */
function tokensOf(leaf: EvidenceLeaf): string[] {
  const { token } = saidBy(leaf);
  return typeof token === 'string' && typeOf(leaf) === 'ops_action' ? [token] : [];
}
