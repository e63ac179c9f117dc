import { describe, expect, it } from '@jest/globals';
import { Metrics } from './metrics.js';

describe('metrics', () => {
  it('count main-thread time per stage, also of a stage that throws', async () => {
    const metrics = new Metrics();
    metrics.cpu('decide', () => 1);
    expect(() =>
      metrics.cpu('verify', () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    const text = await metrics.render();
    expect(text).toMatch(/spendgate_stage_seconds_total\{stage="decide",kind="cpu"\} [\d.e-]+/);
    expect(text).toMatch(/stage="verify",kind="cpu"/);
  });

  it('keep a histogram of batch sizes per kind', async () => {
    const metrics = new Metrics();
    metrics.batch('intents', 7);
    expect(await metrics.render()).toContain('spendgate_batch_size_bucket{le="10",kind="intents"} 1');
  });
});
