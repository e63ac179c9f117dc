import {
  type AttestationFacts,
  type FlowEvidence,
  type FlowState,
  type LevelState,
  type WatchVerdict,
  decimal,
  isFlowState,
} from '@spendgate/core';
import { STANDING_ATTESTATIONS } from '../authorization/attestations.js';
import { uuids } from '../binary-arrays.js';
import { loadMandates, loadParties } from '../registry/load-facts.js';
import type { RegisteredMandate } from '../registry/mandate-row.js';
import { readBrokenLineages } from '../settlement/broken-lineages.js';
import { type Queryable, type Transaction, query, statement } from '../statement.js';
import { readGovernance } from './governance.js';

/** Live artifacts of a flow whose rows are compared with what was issued, at each visit. */
const ARTIFACTS_COMPARED = 16;

/** A flow on the list with what it rests on; nothing to judge where it has no live artifact left. */
export interface WatchedFlow {
  readonly flowId: string;
  readonly state: FlowState | null;
  /** When it was verified last, Unix ms. */
  readonly verifiedAtMs: number | null;
  /** Limbs that were not, at the last visit. */
  readonly unverified: Readonly<Record<string, WatchVerdict>> | null;
  readonly isLive: boolean;
  /** Leaf of a decision that issued a live artifact; `null`: none is left. */
  readonly cause: Buffer | null;
  readonly evidence: FlowEvidence;
}

const MS = (column: string): string => `floor(extract(epoch FROM ${column}) * 1000)::float8`;
const FLOWS = statement(
  'watch-flow-evidence',
  `SELECT x.flow_id AS "flowId", f.state, m.agent_id AS "agentId", m.claims::jsonb -> 'policy' ->> 'id' AS "policyId",
     ${MS('w.verified_at')} AS "verifiedAtMs", w.unverified, live.count > 0 AS "isLive", live.cause, live.audiences,
     live.altered, moved.settlement, moved.granted, moved.moved, a.agent_id IS NOT NULL AS attested, a.measurement,
     a.evidence_hash AS "evidenceHash", a.verifier, a.debug, a.compromised, ${MS('a.valid_until')} AS "validUntilMs",
     ${MS('a.recorded_at')} AS "recordedAtMs"
   FROM unnest($1::uuid[]) AS x (flow_id)
   LEFT JOIN flows f ON f.flow_id = x.flow_id LEFT JOIN mandates m ON m.mandate_id = x.flow_id
   LEFT JOIN flow_watches w ON w.flow_id = x.flow_id LEFT JOIN ${STANDING_ATTESTATIONS} ON a.agent_id = m.agent_id
   CROSS JOIN LATERAL (
     SELECT count(*), (array_agg(l.leaf_hash) FILTER (WHERE l.leaf_hash IS NOT NULL))[1] AS cause,
       array_agg(DISTINCT l.audience) AS audiences, min(l.artifact_id::text) FILTER (WHERE l.whole IS NOT TRUE) AS altered
     FROM (
       SELECT h.audience, h.artifact_id, d.leaf_hash, i.claims_hash = sha256(convert_to(i.claims, 'UTF8')) AS whole
       FROM holds h LEFT JOIN artifacts i ON i.artifact_id = h.artifact_id AND i.flow_id = h.flow_id
         LEFT JOIN decisions d ON d.decision_id = i.decision_id AND d.flow_id = i.flow_id
       WHERE h.flow_id = x.flow_id AND NOT h.ended LIMIT ${ARTIFACTS_COMPARED}) AS l) AS live
   LEFT JOIN LATERAL (
     SELECT s.settlement_id AS settlement, trim_scale(s.amount)::text AS granted, trim_scale(o.amount)::text AS moved
     FROM (SELECT artifact_id FROM holds h WHERE h.flow_id = x.flow_id AND NOT h.ended LIMIT ${ARTIFACTS_COMPARED}) AS h
       JOIN settlements s ON s.artifact_id = h.artifact_id JOIN settlement_outcomes o ON o.settlement_id = s.settlement_id
     WHERE o.reporter = s.rail AND o.amount <> s.amount AND NOT EXISTS ( -- not one that people have looked at
       SELECT FROM incidents n JOIN incident_causes c USING (incident_id)
       WHERE n.flow_id = x.flow_id AND c.kind = 'settlement' AND c.found_at >= o.recorded_at)
     LIMIT 1) AS moved ON true`,
);
const BUDGETS = statement(
  'watch-flow-budgets',
  `SELECT mandate_id AS id, trim_scale(held)::text AS held, trim_scale(capturing)::text AS capturing,
     trim_scale(captured)::text AS captured, trim_scale(refunded)::text AS refunded
   FROM budgets WHERE mandate_id = ANY ($1::uuid[])`,
);

interface FlowRow {
  flowId: string;
  state: string | null;
  agentId: string | null;
  policyId: string | null;
  verifiedAtMs: number | null;
  unverified: Record<string, WatchVerdict> | null;
  isLive: boolean;
  cause: Buffer | null;
  audiences: string[] | null;
  altered: string | null;
  settlement: string | null;
  granted: string;
  moved: string;
  attested: boolean;
  measurement: string;
  evidenceHash: string;
  verifier: string;
  debug: boolean;
  compromised: boolean;
  validUntilMs: number;
  recordedAtMs: number;
}

interface BudgetRow {
  id: string;
  held: string;
  capturing: string;
  captured: string;
  refunded: string;
}

/**
 * What these flows rest on, from the rows as they stand and no cache: a constant number of statements, of one snapshot
 * when `tx` is one.
 *
 * @param judgedAtMs read before, so that nothing is called verified later than it was
 */
export async function readWatchedFlows(
  tx: Transaction,
  flowIds: readonly string[],
  judgedAtMs: number,
): Promise<WatchedFlow[]> {
  if (flowIds.length === 0) return [];
  const rows = await query<FlowRow & Record<string, unknown>>(tx, FLOWS, [uuids(flowIds)]);
  const mandates = await loadMandates(tx, flowIds);
  const budgets = await readBudgets(tx, [...mandates.keys()]);
  const broken = new Map((await readBrokenLineages(tx, flowIds)).map(({ flowId, code }) => [flowId, code]));
  const unexplained = await readUnexplained(tx, rows);
  const { policies } = await readGovernance(tx);
  return rows.map((row) => {
    const levels = levelsOf(row.flowId, mandates, budgets);
    const evidence: FlowEvidence = {
      levels,
      keys: partiesOf(row).some((name) => unexplained.has(name)) ? 'broken' : 'verified',
      attestation: row.attested ? attestationOf(row) : 'absent',
      policy: policies.get(row.policyId ?? '') ?? 'unknown',
      lineage: broken.get(row.flowId) ?? 'whole',
      alteredArtifact: row.altered,
      mismatch: row.settlement === null ? null : { settlement: row.settlement, granted: row.granted, moved: row.moved },
      judgedAtMs,
    };
    const { flowId, verifiedAtMs, unverified, isLive, cause } = row;
    const state = row.state !== null && isFlowState(row.state) ? row.state : null;
    return { flowId, state, verifiedAtMs, unverified, isLive, cause, evidence };
  });
}

/** Who stands behind a flow with a key: its agent, and every service that may present one of its live artifacts. */
function partiesOf({ agentId, audiences }: FlowRow): string[] {
  const services = (audiences ?? []).map((id) => `settlement_service/${id}`);
  return agentId === null ? services : [`agent/${agentId}`, ...services];
}

async function readUnexplained(tx: Queryable, rows: readonly FlowRow[]): Promise<Set<string>> {
  const names = [...new Set(rows.flatMap(partiesOf))];
  const refs = names.map((name) => {
    const kind = name.startsWith('agent/') ? ('agent' as const) : ('settlement_service' as const);
    return { kind, id: name.slice(kind.length + 1) };
  });
  const parties = await loadParties(tx, refs);
  const whole = new Set(
    parties.filter((party) => party.continuity === 'verified').map(({ kind, id }) => `${kind}/${id}`),
  );
  return new Set(names.filter((name) => !whole.has(name)));
}

async function readBudgets(tx: Queryable, ids: readonly string[]): Promise<Map<string, LevelState['budget']>> {
  const rows = await query<BudgetRow & Record<string, unknown>>(tx, BUDGETS, [uuids(ids)]);
  return new Map(
    rows.map(({ id, held, capturing, captured, refunded }) => [
      id,
      {
        held: decimal(held),
        capturing: decimal(capturing),
        captured: decimal(captured),
        refunded: decimal(refunded),
      },
    ]),
  );
}

/** `'unknown'`: a level or its sums are missing, or were edited into something else than was registered. */
function levelsOf(
  flowId: string,
  mandates: ReadonlyMap<string, RegisteredMandate | 'unknown'>,
  budgets: ReadonlyMap<string, LevelState['budget']>,
): readonly LevelState[] | 'unknown' {
  const own = mandates.get(flowId);
  if (own === undefined || own === 'unknown') return 'unknown';
  const levels = own.path.map((id) => ({ mandate: mandates.get(id), budget: budgets.get(id) }));
  const whole = levels.flatMap(({ mandate, budget }) =>
    mandate === undefined || mandate === 'unknown' || budget === undefined ? [] : [{ mandate, budget, counted: [] }],
  );
  return whole.length === levels.length && whole.length > 0 ? whole : 'unknown';
}

function attestationOf(row: FlowRow): AttestationFacts {
  const { measurement, evidenceHash, verifier, debug, compromised, validUntilMs, recordedAtMs } = row;
  return { measurement, evidenceHash, verifier, debug, compromised, validUntilMs, recordedAtMs };
}
