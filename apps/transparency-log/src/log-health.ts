import type { HealthRegistry, HealthResult, Metrics } from '@spendgate/platform';
import { type Pool, readLogLag } from '@spendgate/store';
import type { LogLoop } from './log-loop.js';
import type { WitnessPlace } from './signing/witnesses.js';

/**
 * Says how far the signed log is behind what is committed, from the database: so each process sees it, active or not.
 *
 * @param witnesses who is asked to cosign: whom the log is a proof against
 * @param lateMs leaves waiting longer make the log unready: what is decided must come under a checkpoint
 */
export function watchLog(
  { pool, health, metrics }: { pool: Pool; health: HealthRegistry; metrics: Metrics },
  loop: LogLoop,
  lateMs: number,
  witnesses: readonly WitnessPlace[],
): void {
  const size = metrics.gauge('log_tree_size', 'leaves under the last checkpoint');
  const waiting = metrics.gauge('log_waiting_leaves', 'committed leaves that are not integrated');
  const standing = standingOf(witnesses);
  let behindSince: number | undefined;
  health.register('transparency log', async (): Promise<HealthResult> => {
    const { role, reason, accepted = false } = loop.report();
    const { waitingLeaves, treeSize, signedSize, signedAgoMs } = await readLogLag(pool);
    size.set(signedSize);
    waiting.set(waitingLeaves);
    const isBehind = waitingLeaves > 0 || signedSize < treeSize;
    behindSince = isBehind ? (behindSince ?? performance.now()) : undefined;
    const lateFor = behindSince === undefined ? 0 : performance.now() - behindSince;
    const figures = `${role}, ${signedSize} leaves signed ${Math.round(signedAgoMs)} ms ago, ${waitingLeaves} waiting; ${standing}${accepted ? ACCEPTED : ''}`;
    if (reason !== undefined) return { ok: false, detail: `${figures}; stopped: ${reason}` };
    return { ok: lateFor <= lateMs && signedSize >= 0, detail: figures };
  });
}

const ACCEPTED = '; the witnesses are silent, two people accepted that';
const OWN_MACHINE = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** Whom the log convinces: a witness the operator runs beside it is none against the operator. */
function standingOf(witnesses: readonly WitnessPlace[]): string {
  if (witnesses.length === 0) return 'no witness: no proof against the operator';
  const outside = witnesses.filter(({ url }) => !OWN_MACHINE.has(new URL(url).hostname)).length;
  return outside === 0 ? 'only the local witness: no proof against the operator' : `${outside} witnesses outside`;
}
