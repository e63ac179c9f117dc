import { describe, expect, it } from '@jest/globals';
import { HealthRegistry } from './health.js';

describe('health', () => {
  it('is ready only when every check holds', async () => {
    const health = new HealthRegistry();
    health.register('database', () => ({ ok: true }));
    expect((await health.report()).ready).toBe(true);
    health.register('log', () => Promise.resolve({ ok: false, detail: 'no checkpoint for 300 s' }));
    expect(await health.report()).toEqual({
      ready: false,
      checks: [
        { name: 'database', ok: true },
        { name: 'log', ok: false, detail: 'no checkpoint for 300 s' },
      ],
    });
  });

  it('counts a check that throws as failed, and says why', async () => {
    const health = new HealthRegistry();
    health.register('database', () => Promise.reject(new Error('connection refused')));
    expect((await health.report()).checks).toEqual([{ name: 'database', ok: false, detail: 'connection refused' }]);
  });

  it('forgets a check that was taken away', async () => {
    const health = new HealthRegistry();
    health.register('gone', () => ({ ok: false }))();
    expect(await health.report()).toEqual({ ready: true, checks: [] });
  });
});
