import { ForwardOnly } from './forward-only.js';

/** Insert-only rows: a time-ordered id leads each key, so indexes grow at one end; the flow id is in it for sharding. */
export class CreateDecisions1700000000004 extends ForwardOnly {
  protected readonly sql = `
CREATE TABLE decisions (
  decision_id uuid,
  flow_id uuid,
  intent_id uuid NOT NULL,
  attempt smallint NOT NULL DEFAULT 0,
  lane_id integer NOT NULL,
  lane_offset bigint NOT NULL,
  agent_id text NOT NULL,
  body_hash bytea NOT NULL,
  outcome text NOT NULL,
  code text,
  field text,
  amount numeric(38,18),
  currency text,
  counterparty_id text,
  request text NOT NULL,  -- the agent's JWS
  read_set text NOT NULL, -- RFC 8785 form
  rules_version integer NOT NULL,
  decision_hash bytea NOT NULL,
  leaf_hash bytea NOT NULL,
  supersedes uuid,
  artifact_id uuid,       -- of an authorized one
  parked_until timestamptz, -- of a parked one
  appended_at timestamptz NOT NULL,
  judged_at timestamptz NOT NULL,
  PRIMARY KEY (decision_id, flow_id))
  WITH (toast_tuple_target = 8160); -- a read set is short: packing it took a fifth of the server's time per decision
CREATE UNIQUE INDEX decisions_by_intent ON decisions (intent_id, attempt, flow_id);

-- An intent while it waits. Decisions are insert-only, so what waits now would be found among all that ever waited.
CREATE TABLE parked_intents (
  flow_id uuid,
  intent_id uuid,
  decision_id uuid NOT NULL, -- by which it waits
  lane_id integer NOT NULL,  -- whose owner ends it
  parked_until timestamptz NOT NULL,
  PRIMARY KEY (flow_id, intent_id));
CREATE INDEX parked_intents_due ON parked_intents (lane_id, parked_until);

CREATE TABLE artifacts (
  artifact_id uuid,
  flow_id uuid,
  hold_id uuid NOT NULL,
  decision_id uuid NOT NULL,
  agent_id text NOT NULL,
  audience text NOT NULL,
  epoch integer NOT NULL,
  kid text NOT NULL,
  claims text NOT NULL, -- RFC 8785 form, unsigned
  claims_hash bytea NOT NULL,
  status smallint NOT NULL DEFAULT 0, -- 0 valid, 1 revoked, 2 suspended (Token Status List)
  status_partition integer NOT NULL,
  status_idx bigint NOT NULL,
  issued_at timestamptz NOT NULL,
  PRIMARY KEY (artifact_id, flow_id));
CREATE INDEX artifacts_not_valid ON artifacts (status_partition, status_idx) WHERE status <> 0; -- status lists

CREATE TABLE holds (
  hold_id uuid,
  flow_id uuid,
  root_id uuid NOT NULL,
  path uuid[] NOT NULL,
  artifact_id uuid NOT NULL,
  counterparty_id text NOT NULL,
  audience text NOT NULL,
  currency text NOT NULL,
  amount numeric(38,18) NOT NULL,
  held numeric(38,18) NOT NULL,
  capturing numeric(38,18) NOT NULL DEFAULT 0,
  captured numeric(38,18) NOT NULL DEFAULT 0,
  released numeric(38,18) NOT NULL DEFAULT 0,
  refunded numeric(38,18) NOT NULL DEFAULT 0,
  restored numeric(38,18) NOT NULL DEFAULT 0, -- of refunded: reported by a rail, so the limits have it back
  mode text NOT NULL,
  max_captures integer NOT NULL,
  capture_count integer NOT NULL DEFAULT 0,
  expires_at timestamptz NOT NULL,
  settle_by timestamptz NOT NULL,
  ends_at timestamptz NOT NULL, -- exp, or settle_by after the first capture
  ended boolean NOT NULL DEFAULT false,
  version integer NOT NULL DEFAULT 0,
  PRIMARY KEY (hold_id, flow_id));
CREATE INDEX holds_ending ON holds (root_id, ends_at) WHERE NOT ended;
CREATE INDEX holds_of_audience ON holds (audience, root_id) WHERE NOT ended; -- narrow: equal keys are stored once
CREATE INDEX holds_of_flow ON holds (flow_id) WHERE NOT ended;`;
}
