import { ForwardOnly } from './forward-only.js';

/** The embedded transport: Kafka's shape (topics, partitions, dense offsets, group members) in PostgreSQL. */
export class CreateEmbeddedLog1700000000008 extends ForwardOnly {
  protected readonly sql = `
CREATE TABLE embedded_topics (topic text PRIMARY KEY, partitions integer NOT NULL, incarnation uuid NOT NULL);

CREATE TABLE embedded_partitions (
  topic text,
  partition integer,
  next_offset bigint NOT NULL DEFAULT 0,
  first_offset bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (topic, partition)) WITH (fillfactor = 30);

CREATE TABLE embedded_records (
  topic text,
  partition integer,
  "offset" bigint,
  key bytea,
  value bytea,
  headers jsonb NOT NULL,
  appended_at timestamptz NOT NULL,
  PRIMARY KEY (topic, partition, "offset"));

CREATE TABLE embedded_members (
  group_id text,
  member_id text,
  heartbeat_at timestamptz NOT NULL,
  PRIMARY KEY (group_id, member_id));`;
}
