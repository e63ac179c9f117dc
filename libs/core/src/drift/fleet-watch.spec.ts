import { describe, expect, it } from '@jest/globals';
import { FLEET_MINUTES, type FleetSeries, NO_FLEET_HISTORY, watchFleet } from './fleet-watch.js';

const after = (values: readonly number[]): FleetSeries =>
  values.reduce((series, value) => watchFleet(series, value).series, NO_FLEET_HISTORY);
const steady = after(Array.from({ length: 60 }, (_, n) => 100 + (n % 7)));

describe('watchFleet', () => {
  it.each([
    ['says nothing of a usual minute', steady, 104, 'none'],
    ['finds a level that doubles', steady, 210, 'level'],
    ['finds a fleet that falls silent', steady, 0, 'level'],
    ['finds what was not there for an hour', after(new Array<number>(60).fill(0)), 5, 'novelty'],
    ['lets a few of it pass', after(new Array<number>(60).fill(0)), 4, 'none'],
    ['says nothing before 20 minutes', after([1, 1, 1]), 500, 'none'],
  ] as const)('%s', (_rule, series, value, alert) => {
    expect(watchFleet(series, value).alert).toBe(alert);
  });

  it('is not taught by one outlier, and remembers an hour', () => {
    const { series } = watchFleet(steady, 10_000);
    expect(watchFleet(series, 210).alert).toBe('level');
    expect(series.minutes).toHaveLength(FLEET_MINUTES);
  });
});
