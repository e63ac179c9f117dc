import { ForwardOnly } from './forward-only.js';

/** Halts, people's acts, incidents with their causes: what stops a flow, and who lets it go on. */
export class CreateIncidents1700000000015 extends ForwardOnly {
  protected readonly sql = `
-- What is stopped, wider than a flow or a single artifact: a row, asked for by every decision and settlement.
CREATE TABLE halts (
  halt_id uuid PRIMARY KEY,
  scope text NOT NULL CHECK (scope IN ('artifact', 'mandate', 'agent', 'counterparty', 'principal', 'domain', 'all')),
  target_id text NOT NULL,
  permanent boolean NOT NULL DEFAULT false, -- a revocation: never released
  reason text NOT NULL,
  set_by text NOT NULL,
  set_at timestamptz NOT NULL,
  leaf_hash bytea NOT NULL,
  released_by text,
  released_at timestamptz,
  CHECK (NOT permanent OR released_at IS NULL));
CREATE UNIQUE INDEX halts_standing ON halts (scope, target_id) WHERE released_at IS NULL;

-- Every act of a person that was taken, once: the same token again is answered from here.
CREATE TABLE ops_acts (
  act_id uuid PRIMARY KEY, -- of person and jti
  person text NOT NULL,
  action text NOT NULL,
  token text NOT NULL, -- ops-action+jwt
  request uuid,        -- of an approval: the act it makes real
  state text NOT NULL CHECK (state IN ('waiting', 'done')),
  content_hash text NOT NULL, -- what a second person signs for
  answer text NOT NULL,       -- JSON
  leaf_hash bytea NOT NULL,
  acted_at timestamptz NOT NULL);
CREATE INDEX ops_acts_waiting ON ops_acts (acted_at) WHERE state = 'waiting';

CREATE TABLE incidents ( -- at most one open per flow, and one per flow and epoch
  incident_id uuid PRIMARY KEY,
  flow_id uuid NOT NULL,
  epoch integer NOT NULL,
  state text NOT NULL CHECK (state IN ('contained', 'recovering', 'revalidated', 'revoked', 'proven', 'archived')),
  version integer NOT NULL DEFAULT 1,
  case_id uuid NOT NULL, -- incidents of one cause and rule within minutes
  rule text NOT NULL,    -- that opened it
  assigned_to text,
  opened_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,
  escalated_at timestamptz,
  closed_at timestamptz,
  opened_leaf bytea NOT NULL,
  closing_leaf bytea,
  baseline text); -- of a revalidated one: what two people signed
CREATE UNIQUE INDEX incidents_open ON incidents (flow_id) WHERE closed_at IS NULL;
CREATE INDEX incidents_to_prove ON incidents (closed_at) WHERE state IN ('revalidated', 'revoked');
CREATE INDEX incidents_by_case ON incidents (case_id);
CREATE INDEX incidents_by_rule ON incidents (rule, opened_at);
CREATE INDEX incidents_by_flow ON incidents (flow_id, opened_at);

CREATE TABLE incident_causes (
  incident_id uuid,
  kind text,
  rule text,
  evidence text NOT NULL, -- RFC 8785 form
  found_at timestamptz NOT NULL,
  leaf_hash bytea NOT NULL,
  cleared_by text,
  cleared_at timestamptz,
  clearing text, -- RFC 8785 form
  PRIMARY KEY (incident_id, kind, rule));

CREATE TABLE incident_notes (
  incident_id uuid,
  number integer,
  person text NOT NULL,
  kind text NOT NULL,
  text text NOT NULL,
  document_hash text,
  noted_at timestamptz NOT NULL,
  leaf_hash bytea NOT NULL,
  PRIMARY KEY (incident_id, number));

-- An intent that waited for a release is decided once more when it comes, before its time is over.
ALTER TABLE parked_intents ADD COLUMN released boolean NOT NULL DEFAULT false;
CREATE INDEX parked_intents_released ON parked_intents (lane_id) WHERE released;`;
}
