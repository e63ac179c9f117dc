import { mkdirSync, mkdtempSync, chownSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findPostgresBinaries } from './postgres/binaries.js';
import { DATABASE, SUPERUSER, prepareFolder } from './postgres/folder.js';
import { takeFolder } from './postgres/owner.js';
import { type RunAs, chooseRunAs } from './postgres/run-as.js';
import { startServer } from './postgres/server.js';
import { StartError } from './start-error.js';

export interface EmbeddedPostgresOptions {
  /** Holds everything of this database; created when absent. */
  readonly folder: string;
  /** Server settings over ours. Tests and benchmarks only: a running domain keeps fsync and synchronous_commit on. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedPostgres {
  /** Over the Unix socket, with the password: for this machine's processes. A secret. */
  readonly url: string;
  /** The same database over loopback TCP. A secret. */
  readonly tcpUrl: string;
  readonly pid: number;
  /** Resolves when the server has ended, wanted or not. */
  readonly ended: Promise<number | null>;
  /** Fast shutdown: sessions are ended, everything committed is on disk. */
  stop(): Promise<void>;
}

/** sun_path holds 108 bytes (unix(7)); PostgreSQL adds `/.s.PGSQL.65535`. */
const SOCKET_FOLDER_BYTES_MAX = 90;

const SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  listen_addresses: '127.0.0.1',
  unix_socket_permissions: '0700',
  max_connections: '100',
  shared_buffers: '128MB',
  work_mem: '8MB',
  maintenance_work_mem: '64MB',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  wal_level: 'replica', // `spendgate backup` streams a base backup
  random_page_cost: '1.1',
  jit: 'off', // statements are short; compiling them costs more than it saves
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
};

/**
 * Starts a real PostgreSQL 18 of our own on a folder, and ends it with this process, however that ends.
 *
 * @throws {StartError} when the platform has no build, the folder is in use, belongs to another major or cannot be reached
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const root = path.resolve(options.folder);
  const binaries = await findPostgresBinaries();
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const as = chooseRunAs([root, binaries.postgres]);
  const giveBack = await takeFolder(root);
  const sockets = socketFolder(root, as);
  const release = (): void => {
    if (sockets !== root) rmSync(sockets, { recursive: true, force: true });
    giveBack();
  };
  try {
    const folder = await prepareFolder(root, binaries, as);
    const port = await freePort();
    const place = { port: String(port), unix_socket_directories: sockets };
    const server = await startServer(binaries.postgres, folder, as, { ...SETTINGS, ...place, ...options.settings });
    void server.ended.then(release);
    const login = `postgresql://${SUPERUSER}:${folder.password}`;
    return {
      url: `${login}@localhost:${port}/${DATABASE}?host=${encodeURIComponent(sockets)}`,
      tcpUrl: `${login}@127.0.0.1:${port}/${DATABASE}`,
      pid: server.pid,
      ended: server.ended,
      stop: () => server.stop(),
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** The data folder itself when its path is short enough for a socket, else a private folder of the system's temporary one. */
function socketFolder(root: string, as: RunAs): string {
  if (Buffer.byteLength(root) <= SOCKET_FOLDER_BYTES_MAX) return root;
  const folder = mkdtempSync(path.join(tmpdir(), 'spendgate-'));
  if (as.uid !== undefined && as.gid !== undefined) chownSync(folder, as.uid, as.gid);
  return folder;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', (error) => reject(new StartError(`no free loopback port: ${error.message}`)));
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (address === null || typeof address === 'string') reject(new StartError('no free loopback port'));
        else resolve(address.port);
      });
    });
  });
}
