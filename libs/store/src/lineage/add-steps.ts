import type { EvidenceLeaf } from '../transparency/bundle-reads.js';
import type { LineageGraph } from './lineage-graph.js';
import type {
  ArtifactStep,
  DecisionStep,
  IncidentStep,
  MandateStep,
  OutcomeStep,
  SettlementStep,
} from './lineage-rows.js';

/** What a decision's leaf says beyond its row; nothing of it when it was redacted or has no place yet. */
interface DecisionPayload {
  readonly agent?: string;
  readonly agent_kid?: string;
  readonly intent_jti?: string;
  readonly origin?: Readonly<Record<string, unknown>>;
  readonly policy?: { readonly id: string; readonly version: number; readonly set_hash: string } | null;
  readonly stages?: unknown;
}

/** Mandates with what each comes from: the one above, else the principal; who spends under it; the policy that governs it. */
export function addMandates(graph: LineageGraph, rows: readonly MandateStep[]): void {
  for (const { mandateId: id, version, parentId, principalId, agentId, policyId, revoked, leafHash } of rows) {
    const name = graph.add({ kind: 'mandate', id, leafHash, about: { version, agent: agentId, revoked } });
    if (parentId !== null) graph.link(name, 'inheritance', `mandate/${parentId}`);
    else graph.link(name, 'authorization_source', bare(graph, 'principal', principalId));
    graph.link(name, 'policy_authority', bare(graph, 'policy', policyId));
    if (agentId !== null) graph.link(name, 'execution_origin', bare(graph, 'agent', agentId));
  }
}

/** Decisions with the intent they answer, the states they were verified in, and what they were granted and judged under. */
export function addDecisions(
  graph: LineageGraph,
  rows: readonly DecisionStep[],
  leaves: ReadonlyMap<string, EvidenceLeaf>,
): void {
  for (const { decisionId: id, flowId, intentId, supersedes, outcome, code, leafHash } of rows) {
    const payload = payloadOf(leaves.get(leafHash.toString('base64url')));
    const name = graph.add({ kind: 'decision', id, leafHash, about: { outcome, code } });
    const { agent, agent_kid: kid, intent_jti: jti, origin } = payload;
    const intent = graph.add({ kind: 'intent', id: intentId, leafHash, about: { jti, agent, kid, ...origin } });
    graph.link(name, 'execution_origin', intent);
    if (agent !== undefined) graph.link(intent, 'execution_origin', bare(graph, 'agent', agent));
    if (kid !== undefined) graph.link(intent, 'execution_origin', bare(graph, 'key', kid));
    graph.link(name, 'authorization_source', `mandate/${flowId}`);
    const { stages } = payload;
    const verified = graph.add({ kind: 'verification', id, leafHash, about: { stages } });
    graph.link(name, 'verification_states', verified);
    if (payload.policy != null) {
      const { id: policy, version, set_hash } = payload.policy;
      graph.link(
        name,
        'policy_authority',
        graph.add({ kind: 'policy', id: policy, leafHash: null, about: { version, set_hash } }),
      );
    }
    if (supersedes !== null) graph.link(name, 'inheritance', `decision/${supersedes}`);
  }
}

/** Artifacts with the decision they come of and the baseline of the flow they were issued under. */
export function addArtifacts(
  graph: LineageGraph,
  rows: readonly ArtifactStep[],
  leafOf: (decision: string) => Buffer | null,
): void {
  for (const row of rows) {
    const { artifactId: id, decisionId, audience, status } = row;
    const { flow, env = null } = claimsOf(row);
    const about = { audience, status, epoch: flow.epoch, env };
    const name = graph.add({ kind: 'artifact', id, leafHash: leafOf(decisionId), about });
    graph.link(name, 'authorization_source', `decision/${decisionId}`);
  }
  addBaselines(graph, rows, 'artifact');
}

/** What an artifact, or the decision that issued it, was measured against. */
export function addBaselines(graph: LineageGraph, rows: readonly ArtifactStep[], of: 'artifact' | 'decision'): void {
  for (const row of rows) {
    const { flow } = claimsOf(row);
    const baseline = graph.add({
      kind: 'baseline',
      id: flow.baseline_hash,
      leafHash: null,
      about: { flow: row.flowId },
    });
    const effect = of === 'artifact' ? `artifact/${row.artifactId}` : `decision/${row.decisionId}`;
    graph.link(effect, 'governance_dependencies', baseline);
    graph.link(baseline, 'governance_dependencies', `mandate/${row.flowId}`);
  }
}

function claimsOf({ claims }: ArtifactStep): { flow: { epoch: number; baseline_hash: string }; env?: unknown } {
  return JSON.parse(claims) as { flow: { epoch: number; baseline_hash: string }; env?: unknown }; // as: the authorizer's own
}

export function addSettlements(graph: LineageGraph, rows: readonly SettlementStep[]): void {
  for (const { settlementId: id, artifactId, action, outcome, code, state, presenter, refundOf, leafHash } of rows) {
    const about = { action, outcome, code, state, presenter };
    const name = graph.add({ kind: 'settlement', id, leafHash, about });
    graph.link(name, 'authorization_source', `artifact/${artifactId}`);
    if (refundOf !== null) graph.link(name, 'inheritance', `settlement/${refundOf}`);
  }
}

export function addOutcomes(graph: LineageGraph, rows: readonly OutcomeStep[]): void {
  for (const { outcomeId: id, settlementId, outcome, reporter, leafHash } of rows) {
    const name = graph.add({ kind: 'outcome', id, leafHash, about: { outcome, reporter } });
    graph.link(name, 'execution_origin', `settlement/${settlementId}`);
  }
}

/** An incident depends on the flow it stopped. */
export function addIncidents(graph: LineageGraph, rows: readonly IncidentStep[]): void {
  for (const { incidentId: id, flowId, state, rule, leafHash } of rows) {
    const name = graph.add({ kind: 'incident', id, leafHash, about: { state, rule } });
    graph.link(name, 'governance_dependencies', `mandate/${flowId}`);
  }
}

function bare(graph: LineageGraph, kind: 'principal' | 'agent' | 'key' | 'policy', id: string): string {
  return graph.add({ kind, id, leafHash: null, about: {} });
}

function payloadOf(leaf: EvidenceLeaf | undefined): DecisionPayload {
  return leaf?.payload == null ? {} : (JSON.parse(leaf.payload) as DecisionPayload); // as: payload schema decision/1
}
