import type { HealthResult } from '@spendgate/platform';
import type { Runtime } from '@spendgate/messaging';
import { readWatchState } from '@spendgate/store';
import type { DriftDetector } from './drift-detector.js';

/** Tells in `/readyz` what decisions go by: how long ago the domain was verified, and how many flows are overdue. */
export function watchDetector({ health, metrics, pool }: Runtime, detector: DriftDetector): void {
  const overdue = metrics.gauge('watch_overdue_flows', 'flows with live artifacts nobody verified in time');
  const fleet = metrics.gauge('fleet_minute', 'events of the domain in the last minute judged', ['series']);
  const alerts = metrics.gauge('fleet_alert', 'whether that minute was unusual: 1, for people', ['series']);
  health.register('drift detector', async (): Promise<HealthResult> => {
    const state = await readWatchState(pool);
    if (state === undefined) return { ok: false, detail: 'the watch has not begun' };
    overdue.set(state.overdueFlows);
    for (const { series, value, alert } of detector.fleet.latest) {
      fleet.set({ series }, value);
      alerts.set({ series }, alert === 'none' ? 0 : 1);
    }
    const role = detector.isActive ? 'active' : 'standby';
    const limbs = Object.entries(state.limbs).map(([limb, verdict]) => `${limb} ${verdict}`);
    const seen = `${role}; verified ${Math.round(state.verifiedAgoMs)} ms ago: ${limbs.join(', ')}`;
    const ok = state.overdueMs < 0 && state.overdueFlows === 0 && state.governance === 'verified';
    return { ok, detail: `${seen}; ${state.overdueFlows} flows overdue` };
  });
}
