import { ForwardOnly } from './forward-only.js';

/**
 * Who signed each version of a mandate: until now always its principal, from here on also the agent of the mandate above
 * (delegation). An end of validity of its own lets live sub-mandates be counted without reading their claims. An
 * attestation result keeps its key, so that it stands no longer than the key does; what was recorded without one does not.
 */
export class RecordGrantors1700000000011 extends ForwardOnly {
  protected readonly sql = `
ALTER TABLE mandates
  ADD COLUMN grantor_kind text NOT NULL DEFAULT 'principal' CHECK (grantor_kind IN ('principal', 'agent')),
  ADD COLUMN grantor_id text,
  ADD COLUMN valid_until timestamptz;
UPDATE mandates SET grantor_id = principal_id,
  valid_until = to_timestamp((claims::jsonb #>> '{validity,until}')::float8);
ALTER TABLE mandates
  ALTER COLUMN grantor_kind DROP DEFAULT,
  ALTER COLUMN grantor_id SET NOT NULL,
  ALTER COLUMN valid_until SET NOT NULL;
CREATE INDEX mandates_delegated ON mandates (grantor_id, valid_until)
  WHERE grantor_kind = 'agent' AND revoked_at IS NULL;

ALTER TABLE mandate_versions
  ADD COLUMN grantor_kind text NOT NULL DEFAULT 'principal' CHECK (grantor_kind IN ('principal', 'agent')),
  ADD COLUMN grantor_id text;
UPDATE mandate_versions SET grantor_id = claims::jsonb ->> 'principal';
ALTER TABLE mandate_versions
  ALTER COLUMN grantor_kind DROP DEFAULT,
  ALTER COLUMN grantor_id SET NOT NULL;

ALTER TABLE attestations ADD COLUMN kid text NOT NULL DEFAULT '';
ALTER TABLE attestations ALTER COLUMN kid DROP DEFAULT;`;
}
