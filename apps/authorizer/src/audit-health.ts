import type { HealthResult } from '@spendgate/platform';
import type { Runtime } from '@spendgate/messaging';
import { readAuditLate, readLogLag, watchAudit } from '@spendgate/store';

/**
 * Tells in `/readyz` how current the audit is: nothing is approved once it is late, and the log may be a process of its
 * own that nobody started.
 */
export function watchAuditHealth({ health, pool }: Pick<Runtime, 'health' | 'pool'>, lateMsMax: number): void {
  health.register('audit', async (): Promise<HealthResult> => {
    const [lateMs, lag] = [await readAuditLate(pool), await readLogLag(pool)];
    const ok = watchAudit(lateMs, lateMsMax) === 'verified';
    const signed =
      lag.signedSize < 0
        ? 'the log has signed nothing yet: start one with `spendgate serve log`'
        : `the log signed ${Math.round(lag.signedAgoMs / 1_000)} s ago`;
    const waiting = `${lag.waitingLeaves} leaves waiting`;
    const effect = ok ? '' : `; late by more than ${lateMsMax} ms, intents are audit_unavailable`;
    return { ok, detail: `${signed}, ${waiting}${effect}` };
  });
}
