import { type DriftMode, driftThresholds } from '@spendgate/core';
import type { ControlAct } from '../control-lock.js';
import { execute, query, statement } from '../statement.js';

/** How the statistical detectors of a domain speak. */
export interface DetectorSettings {
  /** `shadow`: what they find is recorded and shown, and halts nothing. */
  readonly mode: DriftMode;
  /** Intents of the whole domain on a usual day: the rarer a false halt must be, the more there are. */
  readonly eventsPerDay: number;
}

const READ = statement(
  'detectors-read',
  'SELECT drift_mode AS mode, drift_events_per_day AS "eventsPerDay" FROM domain',
);
const SET = statement('detectors-set', 'UPDATE domain SET drift_mode = $1, drift_events_per_day = $2');

/**
 * Sets mode and threshold for every decision from the moment this has returned. Settings that stand are left alone.
 *
 * @throws {InvariantError} `ERR_DRIFT_RATE_INVALID`
 */
export async function setDetectors(act: ControlAct, { mode, eventsPerDay }: DetectorSettings): Promise<void> {
  const { warn, halt } = driftThresholds(eventsPerDay);
  const [standing] = await query<{ mode: DriftMode; eventsPerDay: number }>(act.tx, READ);
  if (standing?.mode === mode && standing.eventsPerDay === eventsPerDay) return;
  await execute(act.tx, SET, [mode, eventsPerDay]);
  act.record({
    type: 'control_act',
    payload: { act: 'detectors_set', mode, events_per_day: eventsPerDay, warn, halt },
    event: { name: 'detectors_set', subject: { kind: 'domain', id: mode } },
  });
}
