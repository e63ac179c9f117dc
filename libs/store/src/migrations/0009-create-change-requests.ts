import { ForwardOnly } from './forward-only.js';

/** Changes that wait for a second person. What is approved is what is stored here, bound by both signatures. */
export class CreateChangeRequests1700000000009 extends ForwardOnly {
  protected readonly sql = `
CREATE TABLE change_requests (
  change_id uuid PRIMARY KEY,
  content text NOT NULL,     -- RFC 8785 form; both tokens carry its hash
  change_hash text NOT NULL,
  reason text NOT NULL,
  requested_by text NOT NULL,
  request_token text NOT NULL, -- ops-action+jwt
  request_leaf bytea NOT NULL,
  requested_at timestamptz NOT NULL,
  approved_by text,
  approval_token text,
  applied_at timestamptz,
  CHECK ((approved_by IS NULL) = (applied_at IS NULL) AND (approval_token IS NULL) = (applied_at IS NULL)));
CREATE INDEX change_requests_open ON change_requests (requested_at) WHERE applied_at IS NULL;`;
}
