import { describe, expect, it } from '@jest/globals';
import { LaneTurns } from './lane-turns.js';

const lane = (laneId: number) => ({ laneId, name: `payment-intents.v1/${laneId}`, epoch: 1n });

describe('turns of a lane', () => {
  it('come one after the other in the order they were asked for, and no lane waits for another', async () => {
    const turns = new LaneTurns();
    const done: string[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const first = turns.take(lane(1), () => held.then(() => done.push('first')));
    const second = turns.take(lane(1), () => Promise.resolve(done.push('second')));
    await turns.take(lane(2), () => Promise.resolve(done.push('other lane')));
    release();
    await Promise.all([first, second]);
    expect(done).toEqual(['other lane', 'first', 'second']);
  });

  it('come also after one that failed, whose caller alone learns of it', async () => {
    const turns = new LaneTurns();
    const failed = turns.take(lane(1), () => Promise.reject(new Error('away')));
    const next = turns.take(lane(1), () => Promise.resolve('next'));
    await expect(failed).rejects.toThrow('away');
    expect(await next).toBe('next');
  });
});
