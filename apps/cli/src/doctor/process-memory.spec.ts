import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { checkNode } from './check-machine.js';
import { readTreeMemory } from './process-memory.js';

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('readTreeMemory', () => {
  const data = fs.mkdtempSync(path.join(tmpdir(), 'spendgate-memory-'));
  const own = (text: string): void => {
    fs.mkdirSync(path.join(data, 'postgres'), { recursive: true });
    fs.writeFileSync(path.join(data, 'postgres', 'owner'), text);
  };
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  beforeAll(() => own(`${process.pid} 1`));
  afterAll(() => {
    child.kill();
    fs.rmSync(data, { recursive: true, force: true });
  });

  it('adds up the process that owns the folder and all it started', () => {
    const memory = readTreeMemory(data);
    expect(memory?.pid).toBe(process.pid);
    expect(memory?.processes).toBeGreaterThanOrEqual(2);
    expect(memory?.rssBytes).toBeGreaterThan(process.memoryUsage.rss() / 2);
    expect(memory?.pssBytes).toBeGreaterThan(0);
    expect(memory?.pssBytes).toBeLessThanOrEqual(memory?.rssBytes ?? 0);
  });

  it('says nothing of a folder nobody runs on', () => {
    expect(readTreeMemory(path.join(data, 'none'))).toBeUndefined();
    own('not a pid');
    expect(readTreeMemory(data)).toBeUndefined();
  });
});

describe('checkNode', () => {
  it.each([
    ['20.19.0', true],
    ['22.0.0', true],
    ['20.18.3', false],
    ['18.20.0', false],
  ])('%s: %p', (version, ok) => {
    expect(checkNode(version).ok).toBe(ok);
  });
});
