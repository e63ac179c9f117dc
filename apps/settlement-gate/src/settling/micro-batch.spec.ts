import { describe, expect, it } from '@jest/globals';
import { MicroBatch } from './micro-batch.js';

describe('micro batch', () => {
  it('runs a lone item at once and gathers what arrives while a run is under way', async () => {
    const runs: number[][] = [];
    let open: (() => void) | undefined;
    const batch = new MicroBatch<number, string>(async (items) => {
      runs.push([...items]);
      if (runs.length === 1) await new Promise<void>((resolve) => (open = resolve));
      return items.map(String);
    });
    const first = batch.submit(1);
    while (open === undefined) await Promise.resolve();
    const others = [2, 3, 4].map((item) => batch.submit(item));
    open();
    expect([await first, ...(await Promise.all(others))]).toEqual(['1', '2', '3', '4']);
    expect(runs).toEqual([[1], [2, 3, 4]]);
  });

  it('never runs more than its maximum at once and keeps the order of arrival', async () => {
    const sizes: number[] = [];
    const batch = new MicroBatch<number, number>((items) => {
      sizes.push(items.length);
      return Promise.resolve(items);
    }, 4);
    const results = await Promise.all(Array.from({ length: 10 }, (_, item) => batch.submit(item)));
    expect(results).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(sizes).toEqual([4, 4, 2]);
  });

  it('fails the callers of a run that throws and serves the next ones', async () => {
    let runs = 0;
    const batch = new MicroBatch<number, number>((items) => {
      runs += 1;
      return runs === 1 ? Promise.reject(new Error('database away')) : Promise.resolve(items);
    });
    await expect(batch.submit(1)).rejects.toThrow('database away');
    await expect(batch.submit(2)).resolves.toBe(2);
    await batch.settled();
  });
});
