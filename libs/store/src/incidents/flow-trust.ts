import { type CauseKind, FLOW_LIMBS, type FlowLimb, LIFECYCLE, isFlowState, phaseName } from '@spendgate/core';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';
import { AUDIT_LATE_MS } from '../transparency/audit-watch.js';
import { readFlowIncident } from './read-incident.js';
import { type SpendingRow, type SpendingTrust, spendingTrust } from './spending-trust.js';

const READ = statement(
  'flow-trust',
  `SELECT f.flow_id, f.state, f.epoch, f.sequence::float8 AS sequence, f.baseline_hash, m.agent_id, m.revoked_at,
     a.valid_until, a.debug OR a.compromised AS is_bad, a.agent_id IS NOT NULL AS attested,
     (SELECT max(judged_at) FROM decisions d WHERE d.flow_id = f.flow_id) AS decided_at,
     w.verified_at, w.unverified, g.flow_watch_ms, g.verified_at AS domain_at, g.due_at AS domain_due, g.governance,
     g.limbs AS domain_limbs,
     array(SELECT c.kind FROM incidents i JOIN incident_causes c USING (incident_id)
       WHERE i.flow_id = f.flow_id AND i.closed_at IS NULL AND c.cleared_at IS NULL) AS causes,
     f.profile_hash, f.drift, d.drift_mode, d.drift_events_per_day,
     clock_timestamp() AS now, ${AUDIT_LATE_MS} AS audit_late_ms
   FROM domain d, flows f JOIN mandates m ON m.mandate_id = f.flow_id LEFT JOIN attestations a ON a.agent_id = m.agent_id
     LEFT JOIN flow_watches w ON w.flow_id = f.flow_id LEFT JOIN domain_watch g ON true
   WHERE f.flow_id = $1`,
);

interface Row extends SpendingRow {
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
  verified_at: Date | null;
  unverified: Readonly<Record<string, Verdict>> | null;
  flow_watch_ms: number | null;
  domain_at: Date | null;
  domain_due: Date | null;
  governance: Verdict | null;
  domain_limbs: Readonly<Record<string, Verdict>> | null;
  causes: string[];
  now: Date;
  audit_late_ms: number;
}

/** `absent`: no evidence on record. `unwatched`: nothing of it is live, or nobody ever began to watch. */
type Verdict = 'verified' | 'broken' | 'stale' | 'unknown' | 'absent' | 'unwatched';

/** One limb of a flow: what was found, when, and until when that counts. Unix ms. */
export interface LimbTrust {
  readonly verdict: Verdict;
  readonly verified_at_ms: number | null;
  readonly due_at_ms: number | null;
}

/** Of a flow's own, and of the domain it is in. */
export type TrustLimb = FlowLimb | 'domain' | 'audit';

/** Where a flow stands, as people are told. */
export interface FlowTrust {
  readonly flow: string;
  readonly agent: string | null;
  /** `halted`: people decide. `unverifiable`: something could not be verified in time; heals by itself. */
  readonly trust: 'trusted' | 'unverifiable' | 'halted';
  readonly phase: number;
  readonly phase_name: string;
  readonly state: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly baseline_hash: string;
  readonly mandate_revoked: boolean;
  /** As far as it can be told between decisions; each decision establishes them anew. */
  readonly limbs: Readonly<Record<TrustLimb, LimbTrust>>;
  /** `null`: its spending is not watched. Never for its agent. */
  readonly spending: SpendingTrust | null;
  readonly last_decided_at_ms: number | null;
  readonly incident: { readonly id: string; readonly state: string; readonly rule: string } | null;
}

/** The limb an open cause is about; a person's halt and the statistics of spending are about none. */
const LIMB_OF: Readonly<Partial<Record<CauseKind, TrustLimb>>> = {
  policy: 'policy',
  identity: 'identity',
  environment: 'environment',
  lineage: 'lineage',
  ledger: 'settlement',
  settlement: 'settlement',
  audit: 'audit',
  domain: 'domain',
};

/** Of limbs by name, as causes and leaves spell them. */
export function limbOf(kind: string): TrustLimb | undefined {
  return Object.entries(LIMB_OF).find(([each]) => each === kind)?.[1];
}

/** `undefined`: there is no such flow. */
export async function readFlowTrust(db: Queryable, flowId: string): Promise<FlowTrust | undefined> {
  const [row] = await guarded(() => query<Row & Record<string, unknown>>(db, READ, [flowId]));
  if (row === undefined) return undefined;
  const incident = await readFlowIncident(db, flowId);
  const known = isFlowState(row.state) ? row.state : null;
  const limbs = limbsOf(row);
  const isRunning = known !== null && LIFECYCLE[known].phase <= 4;
  const words = Object.values(limbs).map(({ verdict }) => verdict);
  const trusted = words.every((each) => each === 'verified' || each === 'absent' || each === 'unwatched');
  return {
    flow: row.flow_id,
    agent: row.agent_id,
    trust: !isRunning ? 'halted' : trusted ? 'trusted' : 'unverifiable',
    phase: known === null ? 0 : LIFECYCLE[known].phase,
    phase_name: known === null ? 'unknown' : phaseName(known),
    state: row.state,
    epoch: row.epoch,
    sequence: row.sequence,
    baseline_hash: row.baseline_hash,
    mandate_revoked: row.revoked_at !== null,
    limbs,
    spending: spendingTrust(row),
    last_decided_at_ms: row.decided_at?.getTime() ?? null,
    incident: incident === undefined ? null : { id: incident.id, state: incident.state, rule: incident.rule },
  };
}

function limbsOf(row: Row): Record<TrustLimb, LimbTrust> {
  const broken = new Set(row.causes.map(limbOf));
  const own = (limb: FlowLimb): LimbTrust => timed(broken.has(limb) ? 'broken' : ownVerdict(row, limb), ownTimes(row));
  const domainTimes = { at: row.domain_at?.getTime() ?? null, due: row.domain_due?.getTime() ?? null };
  const isLate = domainTimes.due !== null && row.now.getTime() >= domainTimes.due;
  const domain = broken.has('domain') ? 'broken' : isLate ? 'stale' : (row.governance ?? 'unwatched');
  const audit = broken.has('audit') ? 'broken' : row.audit_late_ms === 0 ? 'verified' : 'stale';
  const flow = Object.fromEntries(FLOW_LIMBS.map((limb) => [limb, own(limb)])) as Record<FlowLimb, LimbTrust>; // as: all limbs
  return { ...flow, domain: timed(domain, domainTimes), audit: timed(audit, domainTimes) };
}

interface Times {
  readonly at: number | null;
  readonly due: number | null;
}

function timed(verdict: Verdict, { at, due }: Times): LimbTrust {
  return { verdict, verified_at_ms: at, due_at_ms: due };
}

function ownTimes({ verified_at: at, flow_watch_ms: watchMs }: Row): Times {
  const atMs = at?.getTime() ?? null;
  return { at: atMs, due: atMs === null || watchMs === null ? null : atMs + watchMs };
}

function ownVerdict(row: Row, limb: FlowLimb): Verdict {
  if (limb === 'policy' && row.domain_limbs?.['policy'] === 'broken') return 'broken';
  const environment = limb === 'environment' ? environmentOf(row) : 'verified';
  if (environment !== 'verified') return environment;
  const { due } = ownTimes(row);
  if (due === null) return 'unwatched';
  return row.now.getTime() >= due ? 'stale' : (row.unverified?.[limb] ?? 'verified');
}

function environmentOf({ attested, is_bad: isBad, valid_until: until, now }: Row): Verdict {
  if (!attested) return 'absent';
  if (isBad === true) return 'broken';
  return until !== null && now < until ? 'verified' : 'stale';
}
