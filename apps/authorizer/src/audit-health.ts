import type { HealthResult } from '@spendgate/platform';
import type { Runtime } from '@spendgate/messaging';
import { readAuditLate, readLogLag, readWatchState, watchAudit } from '@spendgate/store';

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

/** And whether anybody verifies continuously: once somebody began, nothing is approved while nobody does. */
export function watchWatchHealth({ health, pool }: Pick<Runtime, 'health' | 'pool'>): void {
  health.register('watch', async (): Promise<HealthResult> => {
    const state = await readWatchState(pool);
    if (state === undefined) return { ok: true, detail: 'no drift detector was ever started' };
    const { overdueMs, governance, overdueFlows, verifiedAgoMs } = state;
    const seen = `verified ${Math.round(verifiedAgoMs)} ms ago, ${overdueFlows} flows overdue`;
    if (overdueMs >= 0) return { ok: false, detail: `${seen}; start one: spendgate serve drift-detector` };
    return { ok: governance === 'verified', detail: seen };
  });
}
