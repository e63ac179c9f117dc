import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmbeddedPostgres } from '@spendgate/platform';
import { type Pool, createPool, migrate } from '@spendgate/store';

/** A migrated database of its own, on a real PostgreSQL. */
export interface TestDatabase {
  readonly url: string;
  readonly pool: Pool;
  /** Closes the pool and drops the database. */
  close(): Promise<void>;
}

const TEMPLATE = 'template_migrated';
const FOLDER = 'spendgate-spec-';
/** Specs measure rules, not disks: nothing here outlives the run. Benchmarks start their own server with fsync on. */
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', shared_buffers: '32MB' };

/**
 * Gives a spec a fresh, migrated database: `CREATE DATABASE … TEMPLATE` on one server per jest process.
 *
 * Call it in `beforeAll` (or `beforeEach`), and `close()` in the matching `after…`.
 */
export async function startTestDatabase(): Promise<TestDatabase> {
  const server = await serverUrl();
  const name = `spec_${process.pid}_${process.hrtime.bigint()}`;
  await administer(server, `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
  const url = databaseUrl(server, name);
  const pool = createPool(url, { applicationName: 'spec', connectionsMax: 20 });
  return {
    url,
    pool,
    async close() {
      await pool.end();
      await administer(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

/**
 * Jest gives every spec file new globals and a new module registry, but files of one worker share its process. The
 * server therefore is found again by a file named after the process; it ends with that process, by its watchdog.
 */
async function serverUrl(): Promise<string> {
  const folder = path.join(tmpdir(), `${FOLDER}${process.pid}`);
  const note = path.join(folder, 'url');
  const known = readIfPresent(note);
  if (known !== undefined && (await answers(known))) return known;
  removeEnded();
  mkdirSync(folder, { recursive: true });
  const server = await startEmbeddedPostgres({
    folder: path.join(folder, `server-${process.hrtime.bigint()}`),
    settings: FAST,
  });
  await administer(server.url, `CREATE DATABASE ${TEMPLATE}`);
  await migrate(databaseUrl(server.url, TEMPLATE));
  writeFileSync(note, server.url, { mode: 0o600 });
  return server.url;
}

/** Folders of earlier runs; their servers ended with them. */
function removeEnded(): void {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(FOLDER))) {
    if (!isAlive(Number(name.slice(FOLDER.length))))
      rmSync(path.join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await administer(url, 'SELECT 1');
    return true;
  } catch {
    return false; // of an earlier process with the same pid
  }
}

async function administer(url: string, sql: string): Promise<void> {
  const pool = createPool(url, { connectionsMax: 1 });
  try {
    await pool.query(sql);
  } finally {
    await pool.end();
  }
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
