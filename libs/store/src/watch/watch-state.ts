import type { WatchVerdict } from '@spendgate/core';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** The watch over a domain, for health and people. Times in ms. */
export interface WatchState {
  /** Since the domain was verified last. */
  readonly verifiedAgoMs: number;
  /** Negative while there is time left. */
  readonly overdueMs: number;
  readonly governance: WatchVerdict;
  readonly limbs: Readonly<Record<string, WatchVerdict>>;
  readonly flowWatchMs: number;
  /** Flows that were verified longer ago than that. */
  readonly overdueFlows: number;
}

const AGO = (column: string): string => `(extract(epoch FROM clock_timestamp() - ${column}) * 1000)::float8`;
const READ = statement(
  'watch-state',
  `SELECT ${AGO('d.verified_at')} AS "verifiedAgoMs", ${AGO('d.due_at')} AS "overdueMs", d.governance, d.limbs,
     d.flow_watch_ms AS "flowWatchMs", (
       SELECT count(*)::int FROM flow_watches w
       WHERE w.verified_at <= clock_timestamp() - make_interval(secs => d.flow_watch_ms::float8 / 1000)) AS "overdueFlows"
   FROM domain_watch d`,
);

/** `undefined`: no detector was ever started. */
export async function readWatchState(db: Queryable): Promise<WatchState | undefined> {
  const [row] = await guarded(() => query<WatchState & Record<string, unknown>>(db, READ));
  return row;
}
