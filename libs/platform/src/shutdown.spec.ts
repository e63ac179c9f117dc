import { describe, expect, it } from '@jest/globals';
import { Shutdown } from './shutdown.js';

const quiet = { log: () => undefined, error: () => undefined };

describe('shutdown', () => {
  it('stops the last thing started first, and goes on after one that fails', async () => {
    const order: string[] = [];
    const shutdown = new Shutdown(quiet);
    for (const name of ['database', 'transport', 'door']) {
      shutdown.add(name, () => {
        order.push(name);
        if (name === 'transport') throw new Error('already gone');
      });
    }
    await shutdown.run('test');
    expect(order).toEqual(['door', 'transport', 'database']);
  });

  it('runs its hooks once, however often it is asked', async () => {
    let runs = 0;
    const shutdown = new Shutdown(quiet);
    shutdown.add('once', () => void (runs += 1));
    await Promise.all([shutdown.run('first'), shutdown.run('second')]);
    expect(runs).toBe(1);
  });

  it('resolves at the deadline when a hook never ends', async () => {
    const errors: unknown[] = [];
    const shutdown = new Shutdown({ ...quiet, error: (message: unknown) => errors.push(message) }, 20);
    shutdown.add('stuck', () => new Promise(() => undefined));
    await shutdown.run('test');
    expect(errors).toEqual(['not stopped in 20 ms']);
  });
});
