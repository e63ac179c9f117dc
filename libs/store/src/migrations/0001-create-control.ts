import { ForwardOnly } from './forward-only.js';

/** Who exists and what is in force. Written only under the exclusive control lock, cached under `control_epoch`. */
export class CreateControl1700000000001 extends ForwardOnly {
  protected readonly sql = `
CREATE TABLE domain ( -- exactly one row
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  issuer text NOT NULL,
  instance_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('demo', 'own')),
  rules_version integer NOT NULL,
  control_epoch bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE parties (
  party_id text,
  kind text CHECK (kind IN ('principal', 'agent', 'settlement_service', 'attester', 'person', 'rail')),
  name text NOT NULL,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
  body jsonb NOT NULL DEFAULT '{}',
  version integer NOT NULL DEFAULT 1,
  PRIMARY KEY (kind, party_id));

CREATE TABLE party_keys (
  kid text PRIMARY KEY, -- RFC 7638 thumbprint
  kind text NOT NULL,
  party_id text NOT NULL,
  alg text NOT NULL,
  jwk jsonb NOT NULL,
  active_from timestamptz NOT NULL,
  retired_at timestamptz,
  removed_at timestamptz,
  successor_kid text,
  FOREIGN KEY (kind, party_id) REFERENCES parties (kind, party_id));
CREATE INDEX party_keys_by_party ON party_keys (kind, party_id);

CREATE TABLE domain_keys ( -- public halves, with their history
  kid text PRIMARY KEY,
  purpose text NOT NULL,
  alg text NOT NULL,
  jwk jsonb NOT NULL,
  active_from timestamptz NOT NULL,
  retired_at timestamptz);

CREATE TABLE counterparties (
  counterparty_id text PRIMARY KEY,
  legal_name text NOT NULL,
  category char(4) NOT NULL, -- ISO 18245
  accounts jsonb NOT NULL DEFAULT '[]',
  settlement_services text[] NOT NULL,
  rail text NOT NULL DEFAULT 'external',
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
  version integer NOT NULL DEFAULT 1);

CREATE TABLE policies (
  policy_id text,
  version integer,
  set_hash text NOT NULL,
  policy_text text NOT NULL,
  schema_text text NOT NULL,
  active boolean NOT NULL,
  PRIMARY KEY (policy_id, version));
CREATE UNIQUE INDEX policies_active ON policies (policy_id) WHERE active;`;
}
