import { describe, expect, it } from '@jest/globals';
import { TokenBuckets } from './token-buckets.js';

describe('token buckets', () => {
  it('let a burst through, then one for each refilled token', () => {
    const buckets = new TokenBuckets({ perSecond: 10, burst: 3 });
    expect([1, 2, 3].map(() => buckets.take('a', 1_000))).toEqual([0, 0, 0]);
    expect(buckets.take('a', 1_000)).toBe(100);
    expect(buckets.take('a', 1_099)).toBe(1);
    expect(buckets.take('a', 1_100)).toBe(0);
  });

  it('keep each key to itself, so that one caller cannot empty the bucket of another', () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 1 });
    expect([buckets.take('a', 0), buckets.take('a', 0), buckets.take('b', 0)]).toEqual([0, 1_000, 0]);
  });

  it('refill nothing when the clock goes back', () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 1 });
    buckets.take('a', 10_000);
    expect(buckets.take('a', 0)).toBe(1_000);
    expect(buckets.take('a', 10_999)).toBe(1);
  });

  it('hold a bounded number of keys and forget the one that was quiet longest', () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 1 }, 2);
    buckets.take('a', 0);
    buckets.take('b', 0);
    buckets.take('c', 0);
    expect([buckets.take('c', 0), buckets.take('a', 0)]).toEqual([1_000, 0]);
  });

  it('take a token back, and never hold more than the burst', () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 2 });
    buckets.giveBack('nobody');
    expect([1, 2, 3].map(() => buckets.take('a', 0))).toEqual([0, 0, 1_000]);
    for (let i = 0; i < 5; i += 1) buckets.giveBack('a');
    expect([1, 2, 3].map(() => buckets.take('a', 0))).toEqual([0, 0, 1_000]);
  });
});
