import { ForwardOnly } from './forward-only.js';

/** Captures, voids and refunds, and what the rail said about each. */
export class CreateSettlements1700000000005 extends ForwardOnly {
  protected readonly sql = `
CREATE TABLE settlements (
  settlement_id uuid,
  flow_id uuid,
  attempt smallint NOT NULL DEFAULT 0,
  artifact_id uuid NOT NULL,
  hold_id uuid,
  action text NOT NULL,
  action_id text NOT NULL,
  presenter text NOT NULL,
  presenter_kind text NOT NULL, -- settlement_service | agent
  body_hash bytea NOT NULL,
  request text NOT NULL,
  outcome text NOT NULL, -- authorized | denied
  code text,
  field text,
  amount numeric(38,18),
  currency text,
  state text NOT NULL, -- capturing|captured|returned|unknown|released|refunding|refunded|denied
  rail text NOT NULL,
  refund_of uuid,             -- of a refund: its capture
  refunding numeric(38,18) NOT NULL DEFAULT 0, -- of a capture: being given back
  refunded numeric(38,18) NOT NULL DEFAULT 0,  -- of a capture: given back
  restored boolean NOT NULL DEFAULT false,     -- of a refund: a rail reported it, so the limits have it back
  outcome_due_at timestamptz,
  claims text NOT NULL,       -- of the receipt, RFC 8785 form
  read_set text NOT NULL,
  decision_hash bytea NOT NULL,
  leaf_hash bytea NOT NULL,
  lane_id integer NOT NULL,
  judged_at timestamptz NOT NULL,
  PRIMARY KEY (settlement_id, flow_id, attempt));
CREATE INDEX settlements_due ON settlements (outcome_due_at) WHERE state IN ('capturing', 'refunding');
CREATE INDEX settlements_unknown ON settlements (rail, settlement_id) WHERE state = 'unknown';
CREATE INDEX settlements_by_artifact ON settlements (artifact_id);

CREATE TABLE settlement_outcomes (
  outcome_id uuid,
  settlement_id uuid,
  flow_id uuid,
  reporter text,              -- null: nobody reported in time
  outcome text NOT NULL,
  amount numeric(38,18),
  rail_reference text,
  occurred_at timestamptz,
  token text,
  applied boolean NOT NULL,
  leaf_hash bytea NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (outcome_id, flow_id));
CREATE INDEX settlement_outcomes_by_settlement ON settlement_outcomes (settlement_id); -- bundles`;
}
