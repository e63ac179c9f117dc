import { ForwardOnly } from './forward-only.js';

/**
 * Continuous verification: that the domain is watched, and when each flow with live artifacts was verified last. Empty
 * until a detector is started for the first time; from then on both are asked for by every decision.
 */
export class CreateWatches1700000000021 extends ForwardOnly {
  protected readonly sql = `
CREATE TABLE domain_watch ( -- armed by the first heartbeat of a detector; then always one row
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  owner text NOT NULL,                -- the one detector that is active
  leased_until timestamptz NOT NULL,
  verified_at timestamptz NOT NULL,   -- the heartbeat: the domain as it was then was looked at
  due_at timestamptz NOT NULL,        -- from here on nobody can say
  flow_watch_ms integer NOT NULL,     -- a flow verified longer ago is overdue
  governance text NOT NULL,           -- worst of the limbs a decision asks for
  limbs jsonb NOT NULL,               -- verdict by limb
  control_epoch bigint NOT NULL,      -- as of the last look; none of these goes back
  tree_size bigint NOT NULL,
  signed_size bigint NOT NULL) WITH (fillfactor = 30);

CREATE TABLE flow_watches ( -- flows with live artifacts, as of the last visit
  flow_id uuid PRIMARY KEY,
  verified_at timestamptz NOT NULL,
  unverified jsonb); -- limbs that are not, with their verdict; null: all are
CREATE INDEX flow_watches_by_time ON flow_watches (verified_at, flow_id);

-- What policies and the domain's own keys are explained by.
CREATE INDEX leaves_of_governance ON leaves (lane_id, seq)
  WHERE payload LIKE '{"places":{%' OR payload LIKE '{"act":"domain\\_key\\_%';`;
}
