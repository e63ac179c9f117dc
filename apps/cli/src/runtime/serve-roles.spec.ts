import { createServer } from 'node:net';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { captureRun } from '@spendgate/testing';
import { run } from '../index.js';

describe('a start that fails half way', () => {
  it('ends the process whole, with what mends it: nothing goes on holding lanes', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const folder = mkdtempSync(path.join(tmpdir(), 'spendgate-start-'));
    process.env['SPENDGATE_PORT'] = String(port);
    try {
      // What is still open after the verb returns would keep this test's process alive: jest names it.
      const { exitCode, stderr } = await captureRun(run, ['up', '--data', folder]);
      expect(exitCode).toBe(1);
      expect(stderr).toContain(`127.0.0.1:${port}: end what listens there, or set SPENDGATE_PORT`);
    } finally {
      delete process.env['SPENDGATE_PORT'];
      delete process.env['SPENDGATE_DATA'];
      taken.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);

  it('ends its database too when the witness beside it does not start', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'spendgate-start-'));
    writeFileSync(path.join(folder, 'witness'), 'no folder');
    try {
      const { exitCode, stderr } = await captureRun(run, ['up', '--data', folder]);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('the local witness did not start')]);
      const database = path.join(folder, 'postgres');
      expect([existsSync(database), existsSync(path.join(database, 'postmaster.pid'))]).toEqual([true, false]);
    } finally {
      delete process.env['SPENDGATE_DATA'];
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
