import { describe, expect, it } from '@jest/globals';
import { DecisionWaiters } from './decision-waiters.js';

describe('decision waiters', () => {
  it('look at once and give what is already there without waiting', async () => {
    const looks: number[] = [];
    const found = await new DecisionWaiters().waitFor(['a'], 60_000, () => {
      looks.push(1);
      return Promise.resolve('decided');
    });
    expect([found, looks.length]).toEqual(['decided', 1]);
  });

  it('are woken by the owner of the partition in the same process', async () => {
    const waiters = new DecisionWaiters();
    let decided = false;
    const waiting = waiters.waitFor(['a'], 60_000, () => {
      if (!decided) setImmediate(() => waiters.wake(['a', 'of nobody']));
      const answer = decided ? 'decided' : undefined;
      decided = true;
      return Promise.resolve(answer);
    });
    expect(await waiting).toBe('decided');
  });

  it('do not lose a wake that comes while they look', async () => {
    const waiters = new DecisionWaiters();
    let looks = 0;
    const found = await waiters.waitFor(['a'], 60_000, () => {
      looks += 1;
      if (looks === 1) waiters.wake(['a']);
      return Promise.resolve(looks === 2 ? 'decided' : undefined);
    });
    expect(found).toBe('decided');
  });

  it('find by themselves what another process decided, and give up when the time is over', async () => {
    const waiters = new DecisionWaiters();
    let looks = 0;
    const found = await waiters.waitFor(['a'], 60_000, () => Promise.resolve(++looks === 3 ? 'decided' : undefined));
    expect(found).toBe('decided');
    expect(await waiters.waitFor(['b'], 0, () => Promise.resolve(undefined))).toBeUndefined();
  });
});
