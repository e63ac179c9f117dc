import { type RowRule, differing, said, sha256Of } from './rule.js';

/** The newest leaf for each subject. */
const newest = (subject: string, leaves: string): string =>
  `(SELECT DISTINCT ON (${subject}) * FROM ${leaves} AS l ORDER BY ${subject}, n DESC)`;

const KEYS = said('key_changed');

/** Of each act on a key the newest leaf. */
const keyActs = (act: string): string =>
  newest(`said ->> 'kid'`, `(SELECT * FROM ${KEYS} AS k WHERE said ->> 'act' = '${act}')`);

/** The domain's own keys: whoever replaces one signs in its name. */
const DOMAIN_KEYS = differing(
  'domain_keys',
  `SELECT coalesce(k.kid, a.said ->> 'kid') AS subject, coalesce(a.index, r.index) AS index, k.kid, k.purpose, k.jwk,
     k.retired_at, a.said, r.said AS retired
   FROM domain_keys k FULL JOIN ${keyActs('domain_key_added')} AS a ON a.said ->> 'kid' = k.kid
   LEFT JOIN ${keyActs('domain_key_retired')} AS r ON r.said ->> 'kid' = coalesce(k.kid, a.said ->> 'kid')`,
  {
    not_in_log: 'said IS NULL',
    row_missing: 'kid IS NULL',
    purpose: `purpose IS DISTINCT FROM said ->> 'purpose'`,
    jwk: `jwk IS DISTINCT FROM said -> 'jwk'`,
    retired_at: '(retired_at IS NULL) <> (retired IS NULL)',
  },
);

const PARTY_KEYS = differing(
  'party_keys',
  `SELECT coalesce(k.kid, a.said ->> 'kid') AS subject, coalesce(a.index, r.index) AS index, k.kid, k.kind, k.party_id,
     k.jwk, k.retired_at, k.removed_at, a.said, r.said AS retired, x.said AS removed
   FROM party_keys k FULL JOIN ${keyActs('key_added')} AS a ON a.said ->> 'kid' = k.kid
   LEFT JOIN ${keyActs('key_retired')} AS r ON r.said ->> 'kid' = coalesce(k.kid, a.said ->> 'kid')
   LEFT JOIN ${keyActs('key_removed')} AS x ON x.said ->> 'kid' = coalesce(k.kid, a.said ->> 'kid')`,
  {
    not_in_log: 'said IS NULL',
    row_missing: 'kid IS NULL',
    kind: `kind IS DISTINCT FROM said ->> 'kind'`,
    party_id: `party_id IS DISTINCT FROM said ->> 'party'`,
    jwk: `jwk IS DISTINCT FROM said -> 'jwk'`,
    removed_at: '(removed_at IS NULL) <> (removed IS NULL)',
    retired_at: '(retired_at IS NULL) <> (retired IS NULL AND removed IS NULL)',
  },
);

const POLICY_LEAVES = said('policy_activated');
const POLICIES = differing(
  'policies',
  `SELECT coalesce(p.policy_id, s.said ->> 'policy') || '/' || coalesce(p.version::text, s.said ->> 'version') AS subject,
     s.index, s.said, p.policy_id, p.set_hash, ${sha256Of('p.policy_text')} AS policy_hash,
     ${sha256Of('p.schema_text')} AS schema_hash, p.active, last.said ->> 'version' = p.version::text AS is_last
   FROM policies p
   FULL JOIN ${newest(`said ->> 'policy', said ->> 'version'`, POLICY_LEAVES)} AS s
     ON s.said ->> 'policy' = p.policy_id AND s.said ->> 'version' = p.version::text
   LEFT JOIN ${newest(`said ->> 'policy'`, POLICY_LEAVES)} AS last ON last.said ->> 'policy' = p.policy_id`,
  {
    not_in_log: 'said IS NULL',
    row_missing: 'policy_id IS NULL',
    set_hash: `set_hash IS DISTINCT FROM said ->> 'set_hash'`,
    policy_text: `policy_hash IS DISTINCT FROM said ->> 'policy_hash'`,
    schema_text: `schema_hash IS DISTINCT FROM said ->> 'schema_hash'`,
    active: 'active AND is_last IS DISTINCT FROM true OR NOT active AND is_last',
  },
);

const MANDATES = differing(
  'mandates',
  `SELECT coalesce(m.mandate_id::text, s.said #>> '{mandate,id}') AS subject, s.index, s.said -> 'mandate' AS claim, s.said,
     m.mandate_id, m.claims::jsonb AS claims, ${sha256Of('m.claims')} AS claims_hash, m.mandate_hash, m.parent_hash,
     m.total_limit, m.currency, m.agent_id, m.principal_id, m.parent_id, m.path, m.depth, m.root_id, m.version,
     m.revoked_at, r.said AS revoked
   FROM mandates m
   FULL JOIN ${newest(`said #>> '{mandate,id}'`, said('mandate_registered'))} AS s
     ON s.said #>> '{mandate,id}' = m.mandate_id::text
   LEFT JOIN ${newest(`said ->> 'mandate'`, said('mandate_revoked'))} AS r ON r.said ->> 'mandate' = m.mandate_id::text`,
  {
    not_in_log: 'claim IS NULL',
    row_missing: 'mandate_id IS NULL',
    claims: `claims IS DISTINCT FROM claim OR claims_hash IS DISTINCT FROM said ->> 'hash'`,
    mandate_hash: `mandate_hash IS DISTINCT FROM said ->> 'hash'`,
    parent_hash: `parent_hash IS DISTINCT FROM said ->> 'parent_hash'`,
    version: `version IS DISTINCT FROM (claim ->> 'version')::integer`,
    total_limit: `total_limit IS DISTINCT FROM (claim #>> '{limits,total}')::numeric`,
    currency: `currency IS DISTINCT FROM claim #>> '{limits,currency}'`,
    agent_id: `agent_id IS DISTINCT FROM claim ->> 'agent'`,
    principal_id: `principal_id IS DISTINCT FROM claim ->> 'principal'`,
    parent_id: `parent_id::text IS DISTINCT FROM claim ->> 'parent'`,
    path: `path[1] <> root_id OR path[cardinality(path)] <> mandate_id OR cardinality(path) <> depth + 1
      OR path[cardinality(path) - 1] IS DISTINCT FROM parent_id OR depth <> (claim ->> 'depth')::integer`,
    revoked_at: '(revoked_at IS NULL) <> (revoked IS NULL)',
  },
);

const acts = (prefix: string): string =>
  `(SELECT * FROM ${said('control_act')} AS c WHERE said ->> 'act' LIKE '${prefix}\\_%')`;

const PARTIES = differing(
  'parties',
  `SELECT coalesce(p.kind || '/' || p.party_id, (s.said ->> 'kind') || '/' || (s.said ->> 'id')) AS subject, s.index, s.said,
     p.party_id, p.name, p.state, p.body
   FROM parties p FULL JOIN ${newest(`said ->> 'kind', said ->> 'id'`, acts('party'))} AS s
     ON s.said ->> 'kind' = p.kind AND s.said ->> 'id' = p.party_id`,
  {
    not_in_log: 'said IS NULL',
    row_missing: 'party_id IS NULL',
    name: `name IS DISTINCT FROM said ->> 'name'`,
    state: `state IS DISTINCT FROM said ->> 'state'`,
    body: `body IS DISTINCT FROM said -> 'body'`,
  },
);

const COUNTERPARTIES = differing(
  'counterparties',
  `SELECT coalesce(c.counterparty_id, s.said ->> 'id') AS subject, s.index, s.said, c.counterparty_id, c.legal_name,
     c.category::text AS category, c.accounts, to_jsonb(c.settlement_services) AS services, c.rail, c.state
   FROM counterparties c FULL JOIN ${newest(`said ->> 'id'`, acts('counterparty'))} AS s ON s.said ->> 'id' = c.counterparty_id`,
  {
    not_in_log: 'said IS NULL',
    row_missing: 'counterparty_id IS NULL',
    legal_name: `legal_name IS DISTINCT FROM said ->> 'legal_name'`,
    category: `category IS DISTINCT FROM said ->> 'category'`,
    accounts: `accounts IS DISTINCT FROM said -> 'accounts'`,
    settlement_services: `services IS DISTINCT FROM said -> 'settlement_services'`,
    rail: `rail IS DISTINCT FROM said ->> 'rail'`,
    state: `state IS DISTINCT FROM said ->> 'state'`,
  },
);

/** Decisions that were events of a watched flow: each says what the evidence was after it. */
const SCORED = newest(
  `said ->> 'mandate'`,
  `(SELECT * FROM ${said('decision_authorized', 'decision_denied', 'decision_parked')} AS s
    WHERE jsonb_typeof(said -> 'spending') = 'object')`,
);

/** A hot flow moves without a leaf of its own (its decision is one), so it may be ahead of its last transition. */
const FLOWS = differing(
  'flows',
  `SELECT coalesce(f.flow_id::text, b.said ->> 'flow') AS subject, b.index, b.said, f.flow_id, f.state, f.sequence,
     f.baseline::jsonb AS baseline, ${sha256Of('f.baseline')} AS hash, f.baseline_hash, f.epoch, t.said AS moved,
     f.profile_hash, CASE WHEN pg_input_is_valid(f.drift, 'jsonb') THEN f.drift::jsonb END AS drift,
     d.said #> '{spending,after}' AS scored, coalesce(b.index, 9e15) > coalesce(d.index, 8e15) AS is_reset
   FROM flows f
   FULL JOIN ${newest(`said ->> 'flow'`, said('flow_baseline_set'))} AS b ON b.said ->> 'flow' = f.flow_id::text
   LEFT JOIN ${newest(`said ->> 'flow'`, said('flow_transition'))} AS t ON t.said ->> 'flow' = f.flow_id::text
   LEFT JOIN ${SCORED} AS d ON d.said ->> 'mandate' = f.flow_id::text`,
  {
    not_in_log: 'said IS NULL',
    row_missing: 'flow_id IS NULL',
    baseline: `baseline IS DISTINCT FROM said -> 'baseline' OR hash IS DISTINCT FROM baseline_hash`,
    profile_hash: `profile_hash IS DISTINCT FROM said #>> '{baseline,spending,profile_hash}'`,
    // as the last event left it, or begun anew by a baseline set since
    drift: `(drift IS NULL) <> (profile_hash IS NULL) OR (drift IS NOT NULL AND drift IS DISTINCT FROM scored
      AND NOT ((scored IS NULL OR is_reset) AND drift ->> 'events' = '0'))`,
    epoch: `epoch < (said ->> 'epoch')::integer`,
    sequence: `sequence < (moved ->> 'sequence')::bigint`,
    state: `state <> moved ->> 'to'
      AND (sequence = (moved ->> 'sequence')::bigint OR moved ->> 'to' IN ('revoked', 'archived'))`,
  },
);

/** What a runtime was last attested to be must be something that was attested. */
const ATTESTATIONS = differing(
  'attestations',
  `SELECT a.agent_id AS subject, s.index, s.said, a.debug, a.compromised, a.valid_until
   FROM attestations a LEFT JOIN ${said('attestation_recorded')} AS s
     ON s.said ->> 'agent' = a.agent_id AND s.said ->> 'attester' = a.verifier AND s.said ->> 'evidence_hash' = a.evidence_hash
     AND (s.said ->> 'valid_until')::float8 = floor(extract(epoch FROM a.valid_until))
     AND (s.said -> 'measurements' @> to_jsonb(a.measurement) OR jsonb_typeof(s.said -> 'measurements') <> 'array')`,
  { not_in_log: 'said IS NULL' },
);

/** Whether detectors may halt, and from when, is what two people said last; before anybody did, they are in shadow. */
const DOMAIN = differing(
  'domain',
  `SELECT d.issuer AS subject, s.index, s.said, d.drift_mode, d.drift_events_per_day
   FROM domain d LEFT JOIN (SELECT * FROM ${said('control_act')} AS c WHERE said ->> 'act' = 'detectors_set'
     ORDER BY n DESC LIMIT 1) AS s ON true`,
  {
    drift_mode: `drift_mode <> coalesce(said ->> 'mode', 'shadow')`,
    drift_events_per_day: `drift_events_per_day <> coalesce((said ->> 'events_per_day')::integer, 0)`,
  },
);

/** Each lane's leaves are numbered without a gap, up to what the lane counted; what is placed was counted. */
const LANES = differing(
  'lanes',
  `SELECT l.name AS subject, l.leaf_seq, count(f.seq) AS leaves, coalesce(max(f.seq) + 1, 0) AS after_last,
     coalesce((s.cursors ->> l.lane_id::text)::bigint, 0) AS placed,
     count(f.seq) FILTER (WHERE f.seq < coalesce((s.cursors ->> l.lane_id::text)::bigint, 0)) AS below,
     (SELECT count(*) FROM log_positions p WHERE p.lane_id = l.lane_id) AS positions,
     (SELECT min(p.index) FROM log_positions p LEFT JOIN leaves x USING (lane_id, seq) WHERE p.lane_id = l.lane_id AND x.seq IS NULL) AS index
   FROM log_state s, lanes l LEFT JOIN leaves f ON f.lane_id = l.lane_id GROUP BY l.lane_id, s.cursors`,
  {
    leaves: 'leaves <> after_last OR after_last <> leaf_seq',
    cursors: 'placed > leaf_seq OR below <> placed OR positions <> placed',
  },
);

export const CONTROL_RULES: readonly RowRule[] = [
  LANES,
  DOMAIN,
  DOMAIN_KEYS,
  PARTY_KEYS,
  POLICIES,
  MANDATES,
  PARTIES,
  COUNTERPARTIES,
  FLOWS,
  ATTESTATIONS,
];
