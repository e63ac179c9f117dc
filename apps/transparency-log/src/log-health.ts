import type { HealthRegistry, HealthResult, Metrics } from '@spendgate/platform';
import { type Pool, readLogLag } from '@spendgate/store';
import type { LogLoop } from './log-loop.js';

/**
 * Says how far the signed log is behind what is committed, from the database: so each process sees it, active or not.
 *
 * @param lateMs leaves waiting longer make the log unready: what is decided must come under a checkpoint
 */
export function watchLog(
  { pool, health, metrics }: { pool: Pool; health: HealthRegistry; metrics: Metrics },
  loop: LogLoop,
  lateMs: number,
): void {
  const size = metrics.gauge('log_tree_size', 'leaves under the last checkpoint');
  const waiting = metrics.gauge('log_waiting_leaves', 'committed leaves that are not integrated');
  let behindSince: number | undefined;
  health.register('transparency log', async (): Promise<HealthResult> => {
    const { role, reason } = loop.report();
    const { waitingLeaves, treeSize, signedSize, signedAgoMs } = await readLogLag(pool);
    size.set(signedSize);
    waiting.set(waitingLeaves);
    const isBehind = waitingLeaves > 0 || signedSize < treeSize;
    behindSince = isBehind ? (behindSince ?? performance.now()) : undefined;
    const lateFor = behindSince === undefined ? 0 : performance.now() - behindSince;
    const figures = `${role}, ${signedSize} leaves signed ${Math.round(signedAgoMs)} ms ago, ${waitingLeaves} waiting`;
    if (reason !== undefined) return { ok: false, detail: `${figures}; stopped: ${reason}` };
    return { ok: lateFor <= lateMs && signedSize >= 0, detail: figures };
  });
}
