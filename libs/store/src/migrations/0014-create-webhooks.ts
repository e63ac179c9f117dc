import { ForwardOnly } from './forward-only.js';

/** Messages to those without Kafka, in the log's own order. */
export class CreateWebhooks1700000000014 extends ForwardOnly {
  protected readonly sql = `
CREATE TABLE webhook_cursors ( -- how far each source's leaves were looked through for recipients
  source text PRIMARY KEY CHECK (source IN ('decisions', 'settlements')),
  next_index bigint NOT NULL);
INSERT INTO webhook_cursors SELECT source, tree_size
  FROM log_state CROSS JOIN (VALUES ('decisions'), ('settlements')) AS sources (source);

CREATE TABLE webhook_deliveries ( -- deleted when delivered
  source text,
  kind text,
  party_id text,
  index bigint,             -- of the leaf in the log
  leaf_type text NOT NULL,
  leaf_hash bytea NOT NULL, -- names the message: the same at every attempt
  leaf_time_ms bigint NOT NULL,
  ref uuid NOT NULL,        -- decision or settlement
  attempts integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  next_attempt_at timestamptz NOT NULL DEFAULT now(),
  dead_at timestamptz,
  last_error text,
  PRIMARY KEY (source, kind, party_id, index));
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (source, next_attempt_at) WHERE dead_at IS NULL;
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (dead_at) WHERE dead_at IS NOT NULL;
CREATE INDEX parties_with_webhook ON parties (kind, party_id) WHERE body ? 'webhook';`;
}
