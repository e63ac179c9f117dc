import { LIFECYCLE, isFlowState, phaseName } from '@spendgate/core';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';
import { AUDIT_LATE_MS } from '../transparency/audit-watch.js';
import { readFlowIncident } from './read-incident.js';

const READ = statement(
  'flow-trust',
  `SELECT f.flow_id, f.state, f.epoch, f.sequence::float8 AS sequence, f.baseline_hash, m.agent_id, m.revoked_at,
     a.valid_until, a.debug OR a.compromised AS is_bad, a.agent_id IS NOT NULL AS attested,
     (SELECT max(judged_at) FROM decisions d WHERE d.flow_id = f.flow_id) AS decided_at,
     clock_timestamp() AS now, ${AUDIT_LATE_MS} AS audit_late_ms
   FROM flows f JOIN mandates m ON m.mandate_id = f.flow_id LEFT JOIN attestations a ON a.agent_id = m.agent_id
   WHERE f.flow_id = $1`,
);

interface Row {
  flow_id: string;
  state: string;
  epoch: number;
  sequence: number;
  baseline_hash: string;
  agent_id: string | null;
  revoked_at: Date | null;
  valid_until: Date | null;
  is_bad: boolean | null;
  attested: boolean;
  decided_at: Date | null;
  now: Date;
  audit_late_ms: number;
}

/** Where a flow stands, as people and its agent are told. */
export interface FlowTrust {
  readonly flow: string;
  readonly agent: string | null;
  readonly phase: number;
  readonly phase_name: string;
  readonly state: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly baseline_hash: string;
  readonly mandate_revoked: boolean;
  /** Verdict by limb, as far as it can be told between decisions; each decision establishes them anew. */
  readonly limbs: Readonly<Record<'environment' | 'audit', 'verified' | 'broken' | 'stale' | 'absent'>>;
  readonly last_decided_at_ms: number | null;
  readonly incident: { readonly id: string; readonly state: string; readonly rule: string } | null;
}

/** `undefined`: there is no such flow. */
export async function readFlowTrust(db: Queryable, flowId: string): Promise<FlowTrust | undefined> {
  const [row] = await guarded(() => query<Row & Record<string, unknown>>(db, READ, [flowId]));
  if (row === undefined) return undefined;
  const incident = await readFlowIncident(db, flowId);
  const known = isFlowState(row.state) ? row.state : null;
  return {
    flow: row.flow_id,
    agent: row.agent_id,
    phase: known === null ? 0 : LIFECYCLE[known].phase,
    phase_name: known === null ? 'unknown' : phaseName(known),
    state: row.state,
    epoch: row.epoch,
    sequence: row.sequence,
    baseline_hash: row.baseline_hash,
    mandate_revoked: row.revoked_at !== null,
    limbs: { environment: environmentOf(row), audit: row.audit_late_ms === 0 ? 'verified' : 'stale' },
    last_decided_at_ms: row.decided_at?.getTime() ?? null,
    incident: incident === undefined ? null : { id: incident.id, state: incident.state, rule: incident.rule },
  };
}

function environmentOf({ attested, is_bad: isBad, valid_until: until, now }: Row): FlowTrust['limbs']['environment'] {
  if (!attested) return 'absent';
  if (isBad === true) return 'broken';
  return until !== null && now < until ? 'verified' : 'stale';
}
