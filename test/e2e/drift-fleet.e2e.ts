import { beforeAll, describe, expect, it } from '@jest/globals';
import { runToEnd } from './harness/processes.js';
import { ROOT } from './harness/repository.js';

const EVENTS = 10_000_000;

/** What `npm run drift:sim -- --json` prints. */
interface Simulated {
  readonly fleets: readonly { readonly threshold: number; readonly events: number; readonly alarms: number }[];
  readonly medians: { readonly learned: number };
  readonly attacks: readonly { readonly name: string; readonly events: number | null }[];
  readonly purchases: { readonly customers: { readonly flows: number; readonly halted: number } };
}

describe('the detectors on a simulated fleet of 1,000 flows', () => {
  let simulated: Simulated;
  beforeAll(async () => {
    const out = await runToEnd('npm', ['run', '--silent', 'drift:sim', '--', '--events', String(EVENTS), '--json'], {
      cwd: ROOT,
    });
    simulated = JSON.parse(out.slice(out.indexOf(`{"fleets"`))) as Simulated; // as: our own program
  }, 600_000);

  it('give no more false halts in 10^7 events without drift than the stated bound allows, at 10^6 and as a domain sets it', () => {
    const [warn, million, halt] = simulated.fleets;
    expect(million).toMatchObject({ threshold: 1_000_000, events: EVENTS });
    expect(halt?.events).toBe(EVENTS);
    for (const { threshold, events, alarms } of [warn, million, halt].flatMap((each) => each ?? [])) {
      expect([threshold, alarms <= events / threshold]).toEqual([threshold, true]);
    }
    expect(warn?.alarms).toBeGreaterThan(0); // a run that can show an alarm
  });

  it('find every attack, the median within the events of a usual day', () => {
    expect(simulated.attacks.length).toBeGreaterThanOrEqual(24);
    expect(simulated.attacks.filter(({ events }) => events === null)).toEqual([]);
    expect(simulated.medians.learned).toBeLessThanOrEqual(48);
  });

  it('halt hardly any of 23,570 customers who keep to a declared profile', () => {
    const { flows, halted } = simulated.purchases.customers;
    expect(halted / flows).toBeLessThan(0.001);
  });
});
