import { describe, expect, it } from '@jest/globals';
import { alternate, median, percentile, ratioOfMedians } from './statistics.js';

describe('benchmark statistics', () => {
  it('takes percentiles by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
    expect([percentile(hundred, 0.5), percentile(hundred, 0.99), percentile(hundred, 1)]).toEqual([50, 99, 100]);
    expect(median([3, 1, 2])).toBe(2);
  });

  it('runs the two sides A B B A', async () => {
    const order: string[] = [];
    const side = (name: string) => () => Promise.resolve(order.push(name));
    await alternate(2, side('a'), side('b'));
    expect(order).toEqual(['a', 'b', 'b', 'a']);
  });

  it('reports the ratio of medians and the spread of the pairs', () => {
    expect(ratioOfMedians([4, 5, 6], [10, 10, 10])).toEqual({ ratio: 0.5, min: 0.4, max: 0.6 });
  });
});
