import { ForwardOnly } from './forward-only.js';

/** What each lane wrote beside its effects: refusals, audit leaves, events to publish. Numbers are dense per lane. */
export class CreateLeaves1700000000006 extends ForwardOnly {
  protected readonly sql = `
CREATE TABLE refusals (
  lane_id integer,
  lane_offset bigint,
  code text NOT NULL,
  field text,
  ce_id text,
  digest bytea NOT NULL,
  decision_id uuid, -- of a replay: the decision already recorded
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (lane_id, lane_offset));

CREATE TABLE leaves (
  lane_id integer,
  seq bigint,
  leaf_hash bytea NOT NULL, -- RFC 9162
  leaf text NOT NULL,
  payload text,
  salt bytea,
  PRIMARY KEY (lane_id, seq));

CREATE TABLE outbox (
  lane_id integer,
  seq bigint,
  topic text NOT NULL,
  key text,
  kind text NOT NULL,
  ref uuid,
  flow_id uuid,
  body text,
  PRIMARY KEY (lane_id, seq));`;
}
