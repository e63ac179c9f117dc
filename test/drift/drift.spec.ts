import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { driftThresholds } from '@spendgate/core';
import { ATTACKS } from './attacks.js';
import { medianEvents } from './describe.js';
import { FLEET, allowedAlarms, runNullFleet } from './null-fleet.js';
import { readSample, runPurchases } from './purchases.js';
import { runAttacks } from './run-attacks.js';
import { USUAL_DAY } from './usual-flow.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const thresholds = driftThresholds(FLEET * USUAL_DAY);

describe('a fleet without drift', () => {
  it('alarms no more often than the bound allows, and at low evidence it does alarm: the run can tell', () => {
    const { alarms } = runNullFleet(50_000, 100, 3);
    expect(alarms).toBeGreaterThan(0);
    expect(alarms).toBeLessThanOrEqual(allowedAlarms(50_000, 100));
  });
});

describe('attacks on a flow', () => {
  const results = runAttacks('learned', thresholds);

  it('are at least 24, and every one is found', () => {
    expect(ATTACKS.length).toBeGreaterThanOrEqual(24);
    expect(results.filter(({ events }) => events === null)).toEqual([]);
  });

  it('are halted within the events of a usual day, in the median', () => {
    expect(medianEvents(results)).toBeLessThanOrEqual(USUAL_DAY);
  });
});

describe('real purchases', () => {
  const result = runPurchases(readSample(path.join(ROOT, 'examples/cdnow/sample-5000.jsonl')), 20, thresholds);

  it('halt nobody who keeps to a declared profile', () => {
    expect(result.customers.halted).toBe(0);
  });

  it("halt a flow that goes on with another's purchases", () => {
    expect(result.replaced.found / result.replaced.flows).toBeGreaterThan(0.5);
  });
});
