import { describe, expect, it } from '@jest/globals';
import { BatchSize, SIZE_MAX } from './batch-size.js';

describe('batch size', () => {
  it('grows while full batches leave room, up to its maximum', () => {
    const size = new BatchSize(64);
    for (let i = 0; i < 100; i += 1) size.learn(size.current, 5);
    expect(size.current).toBe(SIZE_MAX);
  });

  it('shrinks to what fits in the time locks may be held, at most by half at a time', () => {
    const size = new BatchSize(400);
    size.learn(400, 25);
    expect(size.current).toBe(320);
    size.learn(320, 2_000);
    expect(size.current).toBe(160);
  });

  it('learns nothing from a small batch that was quick', () => {
    const size = new BatchSize(64);
    size.learn(1, 1);
    expect(size.current).toBe(64);
  });
});
