import { ForwardOnly } from './forward-only.js';

/** Positions, tiles and signed heads of the Merkle tree. Only the transparency log writes here. */
export class CreateTransparencyLog1700000000007 extends ForwardOnly {
  protected readonly sql = `
CREATE TABLE log_state ( -- exactly one row
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  epoch bigint NOT NULL,
  owner text,
  leased_until timestamptz,
  tree_size bigint NOT NULL,
  cursors jsonb NOT NULL); -- lane_id → next seq

CREATE TABLE log_positions (
  index bigint PRIMARY KEY,
  lane_id integer NOT NULL,
  seq bigint NOT NULL,
  leaf_hash bytea NOT NULL);
CREATE INDEX log_positions_by_leaf ON log_positions USING hash (leaf_hash);

CREATE TABLE log_tiles (level smallint, tile bigint, hashes bytea NOT NULL, PRIMARY KEY (level, tile));

CREATE TABLE checkpoints (
  tree_size bigint PRIMARY KEY,
  root bytea NOT NULL,
  note text NOT NULL,
  signed_at timestamptz NOT NULL);`;
}
