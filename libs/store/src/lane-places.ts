import type { Pool } from './pool.js';
import { query, statement } from './statement.js';
import { guarded } from './transaction.js';

/** How far a lane is, for lag and for operators; decided on by nobody. */
export interface LanePlace {
  readonly name: string;
  /** Next offset to be decided. */
  readonly next: bigint;
  /** Why it stands still until an operator accepts; `null` while it runs. */
  readonly stoppedReason: string | null;
}

const PLACES = statement(
  'lane-places',
  'SELECT name, next, stopped_reason AS "stoppedReason" FROM lanes WHERE name = ANY($1::text[]) ORDER BY lane_id',
);

/** Reads the lanes of these names; one no owner ever acquired is left out. */
export function readLanePlaces(pool: Pool, names: readonly string[]): Promise<LanePlace[]> {
  return guarded(() => query<LanePlace & Record<string, unknown>>(pool, PLACES, [names]));
}

const STOPPED = statement(
  'lane-places-stopped',
  'SELECT name, next, stopped_reason AS "stoppedReason" FROM lanes WHERE stopped_reason IS NOT NULL ORDER BY lane_id',
);

/** Lanes that wait for an operator, whatever group they are of. */
export function readStoppedLanes(pool: Pool): Promise<LanePlace[]> {
  return guarded(() => query<LanePlace & Record<string, unknown>>(pool, STOPPED));
}
