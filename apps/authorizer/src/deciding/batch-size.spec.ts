import { describe, expect, it } from '@jest/globals';
import { BatchSize, SIZE_MAX } from './batch-size.js';

describe('batch size', () => {
  it('grows while full batches leave room, up to its maximum', () => {
    const size = new BatchSize(64);
    for (let i = 0; i < 100; i += 1) size.learn(size.current, { lockedMs: 5, fixedMs: 3 });
    expect(size.current).toBe(SIZE_MAX);
  });

  it('settles at what fits in the time locks may be held', () => {
    const size = new BatchSize(400);
    for (let i = 0; i < 100; i += 1) size.learn(size.current, { lockedMs: 4 + size.current * 0.1, fixedMs: 4 });
    expect(size.current).toBeGreaterThanOrEqual(158);
    expect(size.current).toBeLessThanOrEqual(161);
  });

  it('does not shrink to nothing when the round trips alone use up the time', () => {
    const size = new BatchSize(400);
    for (let i = 0; i < 100; i += 1) size.learn(size.current, { lockedMs: 40 + size.current * 0.1, fixedMs: 40 });
    expect(size.current).toBeGreaterThanOrEqual(98);
  });

  it('shrinks by a quarter at most for one slow batch, and learns nothing from a small one that was quick', () => {
    const size = new BatchSize(400);
    size.learn(400, { lockedMs: 2_000, fixedMs: 4 });
    expect(size.current).toBe(300);
    size.learn(1, { lockedMs: 4.01, fixedMs: 4 });
    expect(size.current).toBe(300);
  });
});
