import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, closeSync, openSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { StartError } from '../start-error.js';
import type { PostgresFolder } from './folder.js';
import { cleanEnvironment, spawnForm } from './run.js';
import type { RunAs } from './run-as.js';

const READY_WAIT_MS = 60_000; // crash recovery replays the log first
const STOP_WAIT_MS = 30_000;
const POLL_MS = 10;
const LOG_BYTES_MAX = 8 * 1024 * 1024;
const LOG_TAIL_LINES = 8;

/**
 * The watchdog is the server's parent. Its standard input is a pipe only this process holds: when this process ends,
 * also by kill -9, the pipe closes and the server gets SIGINT, its fast shutdown. `$@` is the server's command line.
 */
const WATCHDOG = `
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
( while read -r _; do :; done; kill -INT "$server" ) <&3 >/dev/null 2>&1 &
guard=$!
exec 3<&-
trap '' INT TERM HUP
wait "$server"
code=$?
kill "$guard" 2>/dev/null
exit $code
`;

export interface ServerProcess {
  /** The postmaster's. */
  readonly pid: number;
  /** Resolves with its exit code when the server has ended, wanted or not. */
  readonly ended: Promise<number | null>;
  stop(): Promise<void>;
}

/** Starts the server and waits until it accepts connections. @throws {StartError} with the end of its log */
export async function startServer(
  postgres: string,
  folder: PostgresFolder,
  as: RunAs,
  settings: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const form = spawnForm('/bin/sh', ['-c', WATCHDOG, 'watchdog', postgres, '-D', folder.data, ...options], as);
  const log = openLog(folder.log, as);
  const child = spawn(form.command, form.args, {
    cwd: folder.root,
    env: cleanEnvironment(),
    stdio: ['pipe', log, log],
    detached: true, // Ctrl-C in a terminal reaches this process only; the server goes last
    ...form.ids,
  });
  closeSync(log);
  child.unref();
  child.stdin?.on('error', () => undefined); // the pipe breaks when the server ends first; `ended` says so
  // The pipe must not keep a finished process alive. Node types stdin as a plain stream; a pipe is a socket with unref.
  (child.stdin as unknown as { unref(): void }).unref();
  const ended = new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('exit', (code) => resolve(code));
  });
  const pid = await untilReady(child, folder);
  return { pid, ended, stop: () => stop(child, ended, pid) };
}

function openLog(file: string, as: RunAs): number {
  const big = (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX;
  const log = openSync(file, big ? 'w' : 'a', 0o600);
  if (as.uid !== undefined && as.gid !== undefined) chownSync(file, as.uid, as.gid);
  return log;
}

/** Line 8 of postmaster.pid says "ready" (PostgreSQL's miscadmin.h), the sign pg_ctl waits for as well. */
async function untilReady(child: ChildProcess, folder: PostgresFolder): Promise<number> {
  const deadline = Date.now() + READY_WAIT_MS;
  const file = path.join(folder.data, 'postmaster.pid');
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.pid === undefined) throw new StartError(failure(folder));
    const lines = readLines(file);
    if (lines[7]?.trim() === 'ready') return Number(lines[0]);
    await wait(POLL_MS);
  }
  child.stdin?.end();
  throw new StartError(failure(folder));
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return []; // not written yet
  }
}

function failure(folder: PostgresFolder): string {
  const tail = readLines(folder.log)
    .filter((line) => line !== '')
    .slice(-LOG_TAIL_LINES);
  return `the embedded PostgreSQL did not start; ${folder.log} ends with:\n${tail.join('\n')}`;
}

async function stop(child: ChildProcess, ended: Promise<number | null>, pid: number): Promise<void> {
  child.stdin?.end();
  child.ref();
  const timeout = setTimeout(() => kill(pid), STOP_WAIT_MS);
  await ended;
  clearTimeout(timeout);
}

/** Immediate shutdown after a fast one that hangs: nothing committed is lost, the next start recovers (SIGQUIT). */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGQUIT');
  } catch {
    // it ended meanwhile
  }
}
