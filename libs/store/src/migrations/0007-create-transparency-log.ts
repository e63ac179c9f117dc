import { ForwardOnly } from './forward-only.js';

/** Positions, tiles and signed heads of the Merkle tree. Only the transparency log writes here. */
export class CreateTransparencyLog1700000000007 extends ForwardOnly {
  protected readonly sql = `
CREATE TABLE log_state ( -- exactly one row
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  epoch bigint NOT NULL,
  owner text,
  leased_until timestamptz,
  tree_size bigint NOT NULL, -- the head: what is integrated, signed or about to be
  root bytea NOT NULL,
  cursors jsonb NOT NULL) WITH (fillfactor = 30); -- lane_id → next seq
INSERT INTO log_state (epoch, tree_size, root, cursors) VALUES (0, 0, sha256(''), '{}'); -- RFC 9162 §2.1.1

CREATE TABLE log_positions (
  index bigint PRIMARY KEY,
  lane_id integer NOT NULL,
  seq bigint NOT NULL,
  leaf_hash bytea NOT NULL);
CREATE INDEX log_positions_by_leaf ON log_positions USING hash (leaf_hash);

-- Full tiles, and partial ones above level 0; the partial tile of level 0 is the end of log_positions.
CREATE TABLE log_tiles (level smallint, tile bigint, hashes bytea NOT NULL, PRIMARY KEY (level, tile));
ALTER TABLE log_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL; -- hashes do not compress

CREATE TABLE checkpoints (
  tree_size bigint PRIMARY KEY,
  root bytea NOT NULL,
  note text NOT NULL,
  signed_at timestamptz NOT NULL);`;
}
