import { type ChildProcess, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { transformSync } from '@swc/core';
import pg from 'pg';
import { startEmbeddedPostgres } from './embedded-postgres.js';

const work = mkdtempSync(path.join(tmpdir(), 'spendgate-pg-spec-'));
const compiled = path.resolve('.cache', `pg-spec-${process.pid}`);
const children: ChildProcess[] = [];

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(work, { recursive: true, force: true });
  rmSync(compiled, { recursive: true, force: true });
});

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean, waitMs = 15_000): Promise<void> {
  const deadline = Date.now() + waitMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited in vain');
    await wait(10);
  }
}

/** The sources as JavaScript, for a process of its own; jest's transform does not reach into child processes. */
function compile(): void {
  const sources = [
    'start-error.ts',
    'embedded-postgres.ts',
    ...readdirSync(path.join(import.meta.dirname, 'postgres')).map((each) => `postgres/${each}`),
  ];
  mkdirSync(path.join(compiled, 'postgres'), { recursive: true });
  for (const source of sources.filter((each) => !each.endsWith('.spec.ts'))) {
    const text = readFileSync(path.join(import.meta.dirname, source), 'utf8');
    const { code } = transformSync(text, {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'es6' },
    });
    writeFileSync(path.join(compiled, source.replace(/\.ts$/, '.js')), code);
  }
  writeFileSync(path.join(compiled, 'package.json'), '{"type":"module"}');
  writeFileSync(
    path.join(compiled, 'owner.js'),
    `import { startEmbeddedPostgres } from './embedded-postgres.js';
     const server = await startEmbeddedPostgres({ folder: process.argv[2] });
     console.log(JSON.stringify({ pid: server.pid, url: server.url }));
     setInterval(() => {}, 1_000);`,
  );
}

async function startOwner(folder: string): Promise<{ owner: ChildProcess; pid: number; url: string }> {
  const owner = spawn(process.execPath, [path.join(compiled, 'owner.js'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(owner);
  const line = await new Promise<string>((resolve) =>
    owner.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString())),
  );
  return { owner, ...(JSON.parse(line) as { pid: number; url: string }) };
}

describe('the embedded PostgreSQL', () => {
  beforeAll(compile);

  it('answers over its socket and over loopback, and keeps its data and password over a restart', async () => {
    const folder = path.join(work, 'kept');
    const first = await startEmbeddedPostgres({ folder });
    await ask(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    expect(await first.ended).toBe(0);
    const startedMs = Date.now();
    const second = await startEmbeddedPostgres({ folder });
    expect(Date.now() - startedMs).toBeLessThan(5_000); // 1.5 s is the goal; a loaded machine is no failure
    expect(await ask(second.tcpUrl, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(await ask(second.url, 'SHOW fsync')).toEqual([{ fsync: 'on' }]);
    expect(await ask(second.url, 'SHOW synchronous_commit')).toEqual([{ synchronous_commit: 'on' }]);
    await second.stop();
  });

  it('keeps its password in a file only its owner can read, and lets nobody in without it', async () => {
    const folder = path.join(work, 'closed');
    const server = await startEmbeddedPostgres({ folder });
    expect(statSync(path.join(folder, 'password')).mode & 0o077).toBe(0);
    await expect(ask(server.tcpUrl.replace(/:[^:@]+@/, ':guess@'), 'SELECT 1')).rejects.toThrow(/password/);
    await server.stop();
  });

  it('refuses a folder another process owns, and says which one', async () => {
    const folder = path.join(work, 'owned');
    const { owner } = await startOwner(folder);
    await expect(startEmbeddedPostgres({ folder })).rejects.toThrow(`in use by process ${owner.pid}`);
    owner.kill('SIGKILL');
  });

  it('dies with its parent, also when that is killed by SIGKILL, and the folder starts again', async () => {
    const folder = path.join(work, 'orphaned');
    const { owner, pid, url } = await startOwner(folder);
    await ask(url, 'CREATE TABLE survived AS SELECT 1 AS one');
    owner.kill('SIGKILL');
    await until(() => !isAlive(pid));
    const next = await startEmbeddedPostgres({ folder });
    expect(await ask(next.url, 'SELECT one FROM survived')).toEqual([{ one: 1 }]);
    await next.stop();
  });

  it('removes a postmaster.pid whose number now belongs to another program', async () => {
    const folder = path.join(work, 'stale');
    await (await startEmbeddedPostgres({ folder })).stop();
    const data = path.join(folder, 'data');
    writeFileSync(path.join(data, 'postmaster.pid'), `${process.pid}\n${data}\n1\n5432\n\n\n\nready   \n`);
    const server = await startEmbeddedPostgres({ folder });
    expect(server.pid).not.toBe(process.pid);
    await server.stop();
  });

  it('refuses a folder of another PostgreSQL major', async () => {
    const folder = path.join(work, 'older');
    await (await startEmbeddedPostgres({ folder })).stop();
    writeFileSync(path.join(folder, 'data', 'PG_VERSION'), '17\n');
    await expect(startEmbeddedPostgres({ folder })).rejects.toThrow('written by PostgreSQL 17');
  });

  it('starts from a folder whose path is too long for a socket', async () => {
    const folder = path.join(work, 'x'.repeat(100));
    const server = await startEmbeddedPostgres({ folder });
    expect(await ask(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await server.stop();
    expect(existsSync(decodeURIComponent(server.url.split('host=')[1] ?? ''))).toBe(false);
  });

  (process.getuid?.() === 0 ? it : it.skip)('starts as root in a folder only root may enter', async () => {
    const closed = path.join(work, 'only-root');
    mkdirSync(closed, { mode: 0o700 });
    const server = await startEmbeddedPostgres({ folder: path.join(closed, 'data') });
    expect(await ask(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await server.stop();
  });

  it('begins anew beside what a crash during initialisation left', async () => {
    const folder = path.join(work, 'half');
    mkdirSync(path.join(folder, 'new-1', 'data'), { recursive: true });
    cpSync(import.meta.filename, path.join(folder, 'new-1', 'data', 'PG_VERSION'));
    const server = await startEmbeddedPostgres({ folder });
    expect(readdirSync(folder)).not.toContain('new-1');
    await server.stop();
  });
});
