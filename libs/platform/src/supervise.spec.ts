import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { superviseChild } from './supervise.js';

const quiet = { log: () => undefined, warn: () => undefined, error: () => undefined };

function supervise(script: string, onGivenUp: (code: number | null) => void = () => undefined) {
  return superviseChild({ name: 'child', command: process.execPath, args: ['-e', script], logger: quiet, onGivenUp });
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited in vain');
    await wait(10);
  }
}

describe('supervised children', () => {
  it('are started again after they were killed, and not after they were stopped', async () => {
    const child = supervise('setInterval(() => {}, 1000)');
    const first = child.pid;
    if (first === undefined) throw new Error('not started');
    process.kill(first, 'SIGKILL');
    await until(() => child.pid !== undefined && child.pid !== first);
    await child.stop();
    expect(child.pid).toBeUndefined();
  });

  it('are given up when they keep ending', async () => {
    const code = await new Promise((resolve) => supervise('process.exit(3)', resolve));
    expect(code).toBe(3);
  }, 30_000);
});
