import { ForwardOnly } from './forward-only.js';

/** The locked rows of the hot path. No index on a column that changes, and room in each page: updates stay HOT. */
export class CreateFlows1700000000003 extends ForwardOnly {
  protected readonly sql = `
CREATE TABLE flows (
  flow_id uuid PRIMARY KEY,
  state text NOT NULL,
  epoch integer NOT NULL,
  sequence bigint NOT NULL,
  baseline_hash text NOT NULL,
  baseline text NOT NULL) WITH (fillfactor = 60);

CREATE TABLE budgets (
  mandate_id uuid PRIMARY KEY,
  depth smallint NOT NULL,
  held numeric(38,18) NOT NULL DEFAULT 0,
  capturing numeric(38,18) NOT NULL DEFAULT 0,
  captured numeric(38,18) NOT NULL DEFAULT 0,
  refunded numeric(38,18) NOT NULL DEFAULT 0,
  CHECK (held >= 0 AND capturing >= 0 AND captured >= 0 AND refunded >= 0)) WITH (fillfactor = 50);

CREATE TABLE attestations (
  agent_id text PRIMARY KEY,
  measurement text NOT NULL,
  evidence_hash text NOT NULL,
  verifier text NOT NULL,
  debug boolean NOT NULL,
  compromised boolean NOT NULL,
  valid_until timestamptz NOT NULL,
  token text NOT NULL,
  recorded_at timestamptz NOT NULL);

CREATE TABLE lanes (
  lane_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  cluster_id text,
  partitions integer,
  epoch bigint NOT NULL DEFAULT 0,
  next bigint NOT NULL DEFAULT 0,
  appended_mark_ms bigint NOT NULL DEFAULT 0,
  leaf_seq bigint NOT NULL DEFAULT 0,   -- next leaf number, dense
  outbox_seq bigint NOT NULL DEFAULT 0, -- next outbox number, dense
  published bigint NOT NULL DEFAULT 0,  -- outbox rows below this are published
  owner text,
  leased_until timestamptz,
  stopped_reason text) WITH (fillfactor = 30);`;
}
