import { type Counter, type CounterKey, type DomainWatch, InvariantError, counterId, decimal } from '@spendgate/core';
import { texts, uuids } from '../binary-arrays.js';
import { type Transaction, query, statement } from '../statement.js';
import type { DetectorSettings } from '../control/set-detectors.js';
import { STANDING_ATTESTATIONS } from './attestations.js';
import { AUDIT_LATE_MS } from '../transparency/audit-watch.js';
import { DOMAIN_WATCH, VERIFIED_AT_MS, readDomainWatch } from '../watch/watch-facts.js';

/** A flow as it stands under its lock. */
export interface FlowRow {
  readonly flowId: string;
  readonly state: string;
  readonly epoch: number;
  readonly sequence: bigint;
  readonly baselineHash: string;
  /** When continuous verification last found it whole, Unix ms; `null`: it had no live artifact then. */
  readonly verifiedAtMs: number | null;
  /** Of the spending profile in its baseline; `null`: it holds none. */
  readonly profileHash: string | null;
  /** What its spending has shown so far, as stored. */
  readonly drift: string | null;
}

/** A mandate level's sums under its lock; decimal text in major units, trailing zeros trimmed. */
export interface BudgetRow {
  readonly mandateId: string;
  readonly held: string;
  readonly capturing: string;
  readonly captured: string;
  readonly refunded: string;
}

export interface AttestationRow {
  readonly agentId: string;
  readonly measurement: string;
  readonly evidenceHash: string;
  readonly verifier: string;
  readonly debug: boolean;
  readonly compromised: boolean;
  readonly validUntilMs: number;
  readonly recordedAtMs: number;
}

/** A decision already recorded for an intent id. */
export interface RecordedDecision {
  readonly intentId: string;
  readonly decisionId: string;
  readonly bodyHash: Buffer;
}

/** A hold whose time has come: what it still keeps back stops counting at `judged_at`, however late the sweep is. */
export interface EndedHold {
  readonly holdId: string;
  readonly flowId: string;
  readonly path: readonly string[];
  /** Decimal text, major units. */
  readonly held: string;
  /** Of the hold as it was opened. */
  readonly amount: string;
  /** What it entered in counters and leaves with it; `null`: nothing, or some of it was captured, or is in capture. */
  readonly counters: string | null;
}

/** Payload schema release/1: each hold, its flow, and what it still kept back. */
export function releasePayload(ended: readonly EndedHold[]): object {
  return { holds: ended.map(({ holdId, flowId, held }) => ({ hold_id: holdId, flow_id: flowId, held })) };
}

export interface HotState extends Judged {
  readonly flows: ReadonlyMap<string, FlowRow>;
  readonly budgets: ReadonlyMap<string, BudgetRow>;
  readonly attestations: ReadonlyMap<string, AttestationRow>;
  readonly decisions: ReadonlyMap<string, RecordedDecision>;
  readonly endedHolds: readonly EndedHold[];
  /** By `counterId`; one nothing has entered is left out. */
  readonly counters: ReadonlyMap<string, Counter>;
  /** Intents waiting now, by flow; flows without any are left out. */
  readonly parked: ReadonlyMap<string, number>;
  readonly detectors: DetectorSettings;
}

/**
 * Database clock, epoch and audit after the locks: `judged_at` may only deny, the epoch says whether cached facts still
 * hold, and what is approved must be sure to come under a signed head.
 */
export interface Judged {
  readonly judgedAtMs: number;
  readonly controlEpoch: bigint;
  /** For how long audit leaves have been waiting while the log signed nothing, ms; `watchAudit` judges it. */
  readonly auditLateMs: number;
  /** Of the domain; `null`: it has never had a detector. */
  readonly watch: DomainWatch | null;
}

/** Ended holds of one root released by one batch; the rest counts on (the safe side) until the next one takes it. */
export const ENDED_HOLDS_MAX = 2_000;

const JUDGED = statement(
  'authorization-judged',
  `SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS judged_at_ms, control_epoch,
     ${AUDIT_LATE_MS} AS audit_late_ms, ${DOMAIN_WATCH} AS watch
   FROM domain`,
);

/** A statement of its own, after the locking ones. @throws {InvariantError} `ERR_NO_DOMAIN`: nothing was set up. */
export async function readJudged(tx: Transaction): Promise<Judged> {
  type Row = { judged_at_ms: number; control_epoch: bigint; audit_late_ms: number; watch: string | null };
  const [row] = await query<Row>(tx, JUDGED);
  if (row === undefined) throw noDomain();
  const { judged_at_ms: judgedAtMs, control_epoch: controlEpoch, audit_late_ms: auditLateMs, watch } = row;
  return { judgedAtMs, controlEpoch, auditLateMs, watch: readDomainWatch(watch) };
}

/**
 * All reads of a batch as one statement, so that locks are held for one round trip and not for seven. Parts differ in
 * what they select, so each row is its part's name and up to seven texts.
 * - judged: as {@link readJudged}; what ended or waits is measured by this very time, in whole milliseconds.
 * - decision: the latest attempt answers a replay, because an approval's outcome supersedes the parked decision.
 * - ended: one range of `holds_ending` per root. The roots are locked, so no capture of these trees is under way; a hold
 *   with an amount in capture keeps that part until its outcome.
 * - counter: at most 61 rows each; none is asked for where no mandate counts.
 * - parked: a wait is over at its time, whether or not it was ended yet.
 */
const HOT_STATE = statement(
  'authorization-hot-state',
  `WITH judged AS MATERIALIZED (SELECT date_trunc('milliseconds', clock_timestamp()) AS at)
   SELECT 'judged', (extract(epoch FROM j.at) * 1000)::bigint::text, d.control_epoch::text, ${AUDIT_LATE_MS}::text,
     ${DOMAIN_WATCH}, d.drift_mode, d.drift_events_per_day::text, NULL
   FROM judged j, domain d
   UNION ALL
   SELECT 'flow', flow_id::text, state, epoch::text, sequence::text, baseline_hash,
     ${VERIFIED_AT_MS('w')}::bigint::text,
     nullif(coalesce(profile_hash, '') || ' ' || coalesce(drift, ''), ' ')
   FROM flows LEFT JOIN flow_watches w USING (flow_id) WHERE flow_id = ANY ($1::uuid[])
   UNION ALL
   SELECT 'budget', mandate_id::text, trim_scale(held)::text, trim_scale(capturing)::text, trim_scale(captured)::text,
     trim_scale(refunded)::text, NULL, NULL
   FROM budgets WHERE mandate_id = ANY ($2::uuid[])
   UNION ALL
   SELECT 'attestation', a.agent_id, a.measurement, a.evidence_hash, a.verifier,
     CASE WHEN a.debug THEN 'debug ' ELSE '' END || CASE WHEN a.compromised THEN 'compromised' ELSE '' END,
     floor(extract(epoch FROM a.valid_until) * 1000)::bigint::text,
     floor(extract(epoch FROM a.recorded_at) * 1000)::bigint::text
   FROM ${STANDING_ATTESTATIONS} WHERE a.agent_id = ANY ($3::text[])
   UNION ALL
   SELECT 'decision', i.id::text, d.decision_id::text, encode(d.body_hash, 'base64'), NULL, NULL, NULL, NULL
   FROM unnest($4::uuid[]) AS i (id) CROSS JOIN LATERAL (
     SELECT decision_id, body_hash FROM decisions WHERE intent_id = i.id ORDER BY attempt DESC LIMIT 1) AS d
   UNION ALL
   SELECT 'ended', e.hold_id::text, e.flow_id::text, array_to_string(e.path, ','), trim_scale(e.held)::text,
     trim_scale(e.amount)::text, CASE WHEN e.captured = 0 AND e.capturing = 0 THEN e.counters::text END, NULL
   FROM unnest($5::uuid[]) AS root (id) CROSS JOIN LATERAL (
     SELECT hold_id, flow_id, path, held, amount, captured, capturing, counters FROM holds
     WHERE root_id = root.id AND NOT ended AND ends_at <= (SELECT at FROM judged)
     ORDER BY ends_at, hold_id LIMIT ${ENDED_HOLDS_MAX}) AS e
   UNION ALL
   SELECT 'parked', p.flow_id::text, count(*)::text, NULL, NULL, NULL, NULL, NULL
   FROM parked_intents p
   WHERE p.flow_id = ANY ($1::uuid[]) AND p.parked_until > (SELECT at FROM judged)
   GROUP BY p.flow_id
   UNION ALL
   SELECT 'counter', c.mandate_id::text, c.counter, c.starts_ms::text, trim_scale(c.amount)::text, c.count::text, NULL,
     NULL
   FROM unnest($6::uuid[], $7::text[]) AS k (mandate_id, counter) JOIN counters c USING (mandate_id, counter)`,
);

/** What a batch asks for: its flows, all their levels, the roots of these, the agents, the intents, the counters. */
export interface HotKeys {
  readonly flowIds: readonly string[];
  readonly mandateIds: readonly string[];
  readonly rootIds: readonly string[];
  readonly agentIds: readonly string[];
  readonly intentIds: readonly string[];
  readonly counters: readonly CounterKey[];
}

type Cells = readonly [part: string, ...texts: string[]];

/**
 * Reads everything decided on, in one new statement after the locks.
 *
 * @throws {InvariantError} `ERR_NO_DOMAIN`: nothing was set up
 */
export async function readHotState(tx: Transaction, keys: HotKeys): Promise<HotState> {
  const values = [
    uuids(keys.flowIds),
    uuids(keys.mandateIds),
    texts(keys.agentIds),
    uuids(keys.intentIds),
    uuids(keys.rootIds),
    uuids(keys.counters.map((key) => key.mandate)),
    texts(keys.counters.map((key) => key.counter)),
  ];
  // Rows as arrays: no object and no key per row on the hot path. Which cells a part fills is in the statement above.
  const result = await tx.query<[...Cells]>({ name: HOT_STATE.name, text: HOT_STATE.text, values, rowMode: 'array' });
  const of = (part: string): Cells[] => result.rows.filter((row) => row[0] === part);
  const ended = of('ended').map(endedOf);
  const [judged] = of('judged');
  if (judged === undefined) throw noDomain();
  return {
    ...judgedOf(judged),
    detectors: { mode: judged[5] === 'enforce' ? 'enforce' : 'shadow', eventsPerDay: Number(judged[6]) },
    flows: new Map(of('flow').map((cells) => [cells[1] ?? '', flowOf(cells)])),
    budgets: new Map(of('budget').map((cells) => [cells[1] ?? '', budgetOf(cells)])),
    attestations: new Map(of('attestation').map((cells) => [cells[1] ?? '', attestationOf(cells)])),
    decisions: new Map(of('decision').map((cells) => [cells[1] ?? '', recordedOf(cells)])),
    endedHolds: ended.sort((a, b) => (a.holdId < b.holdId ? -1 : 1)),
    counters: countersOf(of('counter')),
    parked: new Map(of('parked').map(([, flowId = '', count]) => [flowId, Number(count)])),
  };
}

function judgedOf([, judgedAtMs, controlEpoch = '', auditLateMs, watch]: Cells): Judged {
  return {
    judgedAtMs: Number(judgedAtMs),
    controlEpoch: BigInt(controlEpoch),
    auditLateMs: Number(auditLateMs),
    watch: readDomainWatch(watch),
  };
}

function noDomain(): InvariantError {
  return new InvariantError('ERR_NO_DOMAIN', 'the database holds no domain');
}

function flowOf([, flowId = '', state = '', epoch, sequence = '', baselineHash = '', ...cells]: Cells): FlowRow {
  const [verified, spending] = cells;
  const verifiedAtMs = verified == null ? null : Number(verified); // a cell without value is null
  const own = { flowId, state, epoch: Number(epoch), sequence: BigInt(sequence), baselineHash, verifiedAtMs };
  // One cell: profile hash, blank, evidence; none where the flow has neither.
  const [profileHash = '', drift = ''] = (spending ?? '').split(' ');
  return { ...own, profileHash: textOrNull(profileHash), drift: textOrNull(drift) };
}

function textOrNull(text: string): string | null {
  return text === '' ? null : text;
}

function budgetOf([, mandateId = '', held = '', capturing = '', captured = '', refunded = '']: Cells): BudgetRow {
  return { mandateId, held, capturing, captured, refunded };
}

function attestationOf([, agentId = '', ...cells]: Cells): AttestationRow {
  const [measurement = '', evidenceHash = '', verifier = '', flags = '', validUntil, recordedAt] = cells;
  return {
    agentId,
    measurement,
    evidenceHash,
    verifier,
    debug: flags.includes('debug'),
    compromised: flags.includes('compromised'),
    validUntilMs: Number(validUntil),
    recordedAtMs: Number(recordedAt),
  };
}

function recordedOf([, intentId = '', decisionId = '', bodyHash = '']: Cells): RecordedDecision {
  return { intentId, decisionId, bodyHash: Buffer.from(bodyHash, 'base64') };
}

function endedOf([, holdId = '', flowId = '', path = '', held = '', amount = '', counters]: Cells): EndedHold {
  return { holdId, flowId, path: path.split(','), held, amount, counters: counters ?? null };
}

function countersOf(rows: readonly Cells[]): Map<string, Counter> {
  const counters = new Map<string, Counter>();
  for (const [, mandate = '', counter = '', startsMs, amount = '', count] of rows) {
    const id = counterId({ mandate, counter });
    const bucket = { startsMs: Number(startsMs), amount: decimal(amount), count: Number(count) };
    counters.set(id, [...(counters.get(id) ?? []), bucket]);
  }
  return counters;
}
