/** What one role's code writes in a table. Everybody but the redactor reads everything: evidence is there to be read. */
export interface TableRights {
  readonly insert?: true;
  readonly delete?: true;
  /** Columns it changes; the others of a row stay as they were inserted. Locking a row (`FOR UPDATE`) needs one. */
  readonly update?: readonly string[];
}

/** By table; a table that is absent is only read. */
export type Rights = Readonly<Record<string, TableRights>>;

const INSERT: TableRights = { insert: true };

/** Every writer of leaves: its lane, what it tells others, and a leaf it can never change again. */
const LANE: Rights = {
  lanes: {
    insert: true,
    update: [
      ...['cluster_id', 'partitions', 'epoch', 'next', 'appended_mark_ms', 'leaf_seq', 'outbox_seq', 'published'],
      ...['owner', 'leased_until', 'stopped_reason'],
    ],
  },
  leaves: INSERT,
  outbox: { insert: true, delete: true },
};
const REFUSALS: Rights = { refusals: INSERT };
/** The embedded transport; on Kafka these stay empty. */
const TRANSPORT: Rights = {
  embedded_topics: { insert: true, delete: true },
  embedded_partitions: { insert: true, update: ['next_offset', 'first_offset'], delete: true },
  embedded_records: { insert: true, delete: true },
  embedded_members: { insert: true, update: ['heartbeat_at'], delete: true },
};
const WEBHOOKS: Rights = {
  webhook_cursors: { update: ['next_index'] },
  webhook_deliveries: { insert: true, update: ['attempts', 'next_attempt_at', 'last_error', 'dead_at'], delete: true },
};
const COUNTERS: Rights = { counters: { insert: true, update: ['starts_ms', 'amount', 'count'] } };
/** A hold that ends by itself gives every level back what it held. */
const ENDED_HOLD = ['held', 'released', 'ended', 'version'] as const;

/** A decision that found a flow whole says when. */
const TOUCH: TableRights = { insert: true, update: ['verified_at'] };

/** What stops a flow: its state, its artifacts' status, an incident with its causes. */
const CONTAINMENT: Rights = {
  flows: { update: ['state', 'sequence', 'drift'] },
  artifacts: { update: ['status'] },
  incidents: INSERT,
  incident_causes: {
    insert: true,
    update: ['evidence', 'found_at', 'leaf_hash', 'cleared_by', 'cleared_at', 'clearing'],
  },
};

/** What people do to an incident. */
const INCIDENT_STEPS = ['state', 'version', 'assigned_to', 'escalated_at', 'closed_at', 'closing_leaf', 'baseline'];

/** Acts under the exclusive control lock that a process takes for people and machines: all but declaring the domain. */
const CONTROL: Rights = {
  ...LANE,
  ...CONTAINMENT,
  domain: { update: ['control_epoch'] },
  parties: { update: ['state', 'version'] },
  counterparties: { update: ['state', 'version'] },
  party_keys: { insert: true, update: ['retired_at', 'removed_at', 'successor_kid'] },
  mandates: {
    insert: true,
    update: [
      ...['version', 'agent_id', 'total_limit', 'claims', 'token', 'mandate_hash', 'parent_hash', 'superseded_hashes'],
      ...['leaf_hash', 'grantor_kind', 'grantor_id', 'valid_until', 'revoked_at'],
    ],
  },
  mandate_versions: INSERT,
  flows: {
    insert: true,
    update: ['state', 'sequence', 'epoch', 'baseline_hash', 'baseline', 'profile_hash', 'drift'],
  },
  budgets: { insert: true, update: ['held'] },
  ...COUNTERS,
  holds: { update: ENDED_HOLD },
  halts: { insert: true, update: ['permanent', 'reason', 'released_by', 'released_at'] },
  ops_acts: { insert: true, update: ['state'] },
  settlement_cases: { update: ['closed_by', 'closed_at', 'closing_reason', 'closing_leaf'] },
  incidents: { insert: true, update: INCIDENT_STEPS },
  incident_notes: INSERT,
  parked_intents: { update: ['released'] },
};

/**
 * What each role of the database may write: exactly what its code does. `spendgate migrate` grants it, `spendgate
 * doctor` compares it with what running processes may. The owner of the tables is whoever migrates; no role here has DDL.
 */
export const ROLE_RIGHTS = {
  spendgate_authorizer: {
    ...CONTROL,
    ...REFUSALS,
    ...TRANSPORT,
    ...WEBHOOKS,
    incidents: { insert: true, update: [...INCIDENT_STEPS, 'overdue_at'] },
    audit_alarms: INSERT,
    decisions: INSERT,
    artifacts: { insert: true, update: ['status'] },
    flow_watches: TOUCH,
    holds: {
      insert: true,
      update: [...ENDED_HOLD, 'artifact_id', 'max_captures', 'expires_at', 'settle_by', 'ends_at'],
    },
    renewals: INSERT,
    parked_intents: {
      insert: true,
      update: ['decision_id', 'lane_id', 'parked_until', 'released', 'approvals', 'approvals_needed'],
      delete: true,
    },
    attestations: {
      insert: true,
      update: [
        ...['measurement', 'evidence_hash', 'verifier', 'debug', 'compromised', 'valid_until', 'token', 'recorded_at'],
        'kid',
      ],
    },
  },
  spendgate_gate: {
    ...LANE,
    ...REFUSALS,
    ...TRANSPORT,
    ...WEBHOOKS,
    ...CONTAINMENT,
    ...COUNTERS,
    budgets: { update: ['held', 'capturing', 'captured', 'refunded'] },
    holds: {
      update: [...[...ENDED_HOLD, 'capturing', 'captured', 'refunded', 'restored', 'capture_count', 'ends_at']],
    },
    settlements: { insert: true, update: ['state', 'refunding', 'refunded', 'restored'] },
    settlement_outcomes: INSERT,
    // The sweep for shares of refunds opens its cases by a control act.
    settlement_cases: INSERT,
    domain: { update: ['control_epoch'] },
  },
  spendgate_detector: {
    ...LANE,
    ...TRANSPORT,
    ...CONTAINMENT,
    // It arms its watch, tells changed verdicts and contains what the sweep found by control acts.
    domain: { update: ['control_epoch'] },
    domain_watch: {
      insert: true,
      update: [
        ...['owner', 'leased_until', 'verified_at', 'due_at', 'flow_watch_ms', 'governance', 'limbs', 'control_epoch'],
        ...['tree_size', 'signed_size', 'fleet'],
      ],
    },
    flow_watches: { insert: true, update: ['verified_at', 'unverified'], delete: true },
  },
  spendgate_log: {
    ...TRANSPORT,
    // It publishes what control acts put into their lane, and writes no leaf.
    lanes: LANE['lanes'] ?? {},
    outbox: { delete: true },
    log_state: {
      update: [
        ...['epoch', 'owner', 'leased_until', 'witness_quorum', 'witnessed_epoch', 'witness_answers'],
        ...['tree_size', 'root', 'cursors'],
      ],
    },
    log_positions: INSERT,
    log_tiles: { insert: true, update: ['hashes'] },
    checkpoints: { insert: true, update: ['note', 'signed_at'] },
  },
  spendgate_console: {
    ...CONTROL,
    ...TRANSPORT,
    domain: { insert: true, update: ['control_epoch'] },
    domain_keys: { insert: true, update: ['retired_at'] },
    parties: { insert: true, update: ['name', 'state', 'body', 'version'] },
    counterparties: {
      insert: true,
      update: ['legal_name', 'category', 'accounts', 'settlement_services', 'rail', 'state', 'version'],
    },
    policies: { insert: true, update: ['active'] },
    change_requests: { insert: true, update: ['approved_by', 'approval_token', 'applied_at'] },
    refusals: { delete: true },
  },
  spendgate_redactor: { leaves: { update: ['payload', 'salt'] } },
} as const satisfies Readonly<Record<string, Rights>>;

export type DatabaseRole = keyof typeof ROLE_RIGHTS;
export const DATABASE_ROLES = Object.keys(ROLE_RIGHTS) as DatabaseRole[]; // as: Object.keys widens the names of our own table
