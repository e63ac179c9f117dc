import { ForwardOnly } from './forward-only.js';

/** Mandates form a tree; path, root and depth are computed when a mandate is recorded and never change. */
export class CreateMandates1700000000002 extends ForwardOnly {
  protected readonly sql = `
CREATE TABLE mandates (
  mandate_id uuid PRIMARY KEY,
  version integer NOT NULL,
  parent_id uuid REFERENCES mandates (mandate_id),
  root_id uuid NOT NULL,
  path uuid[] NOT NULL, -- root first, self last
  depth smallint NOT NULL,
  agent_id text,
  principal_id text NOT NULL,
  currency text NOT NULL,
  total_limit numeric(38,18) NOT NULL,
  claims text NOT NULL, -- RFC 8785 form of the mandate claim
  token text NOT NULL,  -- signed mandate+jwt
  mandate_hash text NOT NULL, -- of the claims
  parent_hash text,           -- the parent's mandate_hash this version was granted under
  superseded_hashes text[] NOT NULL DEFAULT '{}',
  leaf_hash bytea, -- of the leaf this version was registered with
  revoked_at timestamptz);
CREATE INDEX mandates_by_agent ON mandates (agent_id);
CREATE INDEX mandates_by_parent ON mandates (parent_id);

CREATE TABLE mandate_versions (
  mandate_id uuid,
  version integer,
  claims text NOT NULL,
  token text NOT NULL,
  mandate_hash text NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (mandate_id, version));`;
}
