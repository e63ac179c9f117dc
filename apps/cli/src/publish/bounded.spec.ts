import { describe, expect, it } from '@jest/globals';
import { runBounded } from './bounded.js';

describe('runBounded', () => {
  it('hands on results in order, whatever order they finish in', async () => {
    const waiting = new Map<number, () => void>();
    const order: number[] = [];
    const run = runBounded(
      [0, 1, 2],
      3,
      (item) => new Promise<number>((resolve) => waiting.set(item, () => resolve(item))),
      (result) => order.push(result),
    );
    for (const item of [2, 0, 1]) waiting.get(item)?.();
    await run;
    expect(order).toEqual([0, 1, 2]);
  });

  it('runs at most the given number at a time', async () => {
    let running = 0;
    let most = 0;
    await runBounded(
      Array.from({ length: 20 }, (_, i) => i),
      4,
      async (item) => {
        most = Math.max(most, ++running);
        await Promise.resolve();
        running -= 1;
        return item;
      },
      () => undefined,
    );
    expect(most).toBe(4);
  });

  it('rejects when one fails', async () => {
    const failing = runBounded(
      [1],
      1,
      () => Promise.reject(new Error('no')),
      () => undefined,
    );
    await expect(failing).rejects.toThrow('no');
  });
});
