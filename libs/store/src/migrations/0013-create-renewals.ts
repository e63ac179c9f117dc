import { ForwardOnly } from './forward-only.js';

/** Renewals that gave a new artifact, by the hash of who asked and what it was called; and since when a policy is in force. */
export class CreateRenewals1700000000013 extends ForwardOnly {
  protected readonly sql = `
CREATE TABLE renewals (
  renewal_id uuid,
  flow_id uuid,
  artifact_id uuid NOT NULL, -- the one that was replaced
  decision_id uuid NOT NULL, -- by which its place was taken
  renewed_by text NOT NULL,
  body_hash bytea NOT NULL,
  token text NOT NULL,
  judged_at timestamptz NOT NULL,
  PRIMARY KEY (renewal_id, flow_id));

ALTER TABLE policies ADD COLUMN activated_at timestamptz;`;
}
