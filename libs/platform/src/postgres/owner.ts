import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { StartError } from '../start-error.js';

/** How long a server whose owner died may take to end (its watchdog has told it to). */
const ORPHAN_WAIT_MS = 20_000;
const POLL_MS = 20;

/**
 * Takes a data folder for this process, so that two never run one database.
 *
 * The last word is PostgreSQL's own lock; this one gives a message that says who holds the folder. A holder is named by
 * pid and start time, because pids are reused, above all in containers.
 *
 * @throws {StartError} when another live process owns the folder
 * @returns gives the folder back
 */
export async function takeFolder(root: string): Promise<() => void> {
  const file = path.join(root, 'owner');
  const mine = `${process.pid} ${startedAt(process.pid) ?? ''}`;
  const holder = readHolder(file);
  if (holder !== undefined && holder.pid !== process.pid && startedAt(holder.pid) === holder.started) {
    throw new StartError(
      `${root} is in use by process ${holder.pid}. Stop that process, or start this one with another --data folder.`,
    );
  }
  if (holder?.pid === process.pid && holder.started === startedAt(process.pid)) {
    throw new StartError(`${root} is already in use by this process.`);
  }
  writeFileSync(`${file}.${process.pid}`, mine, { mode: 0o600 });
  renameSync(`${file}.${process.pid}`, file);
  await endOrphan(path.join(root, 'data'));
  if (readFileSync(file, 'utf8') !== mine) throw new StartError(`${root} was taken by another process just now.`);
  return () => rmSync(file, { force: true });
}

function readHolder(file: string): { pid: number; started: string } | undefined {
  const [pid, ...started] = readIfPresent(file)?.trim().split(' ') ?? [];
  return pid === undefined || pid === '' ? undefined : { pid: Number(pid), started: started.join(' ') };
}

/**
 * A postmaster.pid without a live server behind it is removed: PostgreSQL would refuse to start when its pid was given
 * to any other process. A live server without its owner is ending already, and is waited for.
 */
async function endOrphan(data: string): Promise<void> {
  const file = path.join(data, 'postmaster.pid');
  const deadline = Date.now() + ORPHAN_WAIT_MS;
  for (;;) {
    const pid = Number(readIfPresent(file)?.split('\n')[0] ?? Number.NaN);
    if (Number.isNaN(pid)) return;
    if (!isServerOf(pid, data)) return rmSync(file, { force: true });
    if (Date.now() > deadline) {
      throw new StartError(`PostgreSQL (process ${pid}) still runs on ${data}. End it with: kill -INT ${pid}`);
    }
    await wait(POLL_MS);
  }
}

function isServerOf(pid: number, data: string): boolean {
  return commandLine(pid)?.includes(data) ?? false;
}

function commandLine(pid: number): string | undefined {
  return process.platform === 'linux' ? readIfPresent(`/proc/${pid}/cmdline`) : ps(pid, 'command=');
}

/** Identifies one run of a pid: field 22 of /proc/<pid>/stat (proc(5)), or ps's start time elsewhere. */
export function startedAt(pid: number): string | undefined {
  if (process.platform !== 'linux') return ps(pid, 'lstart=');
  // The command name (field 2) may hold spaces and parentheses, so fields are counted after the last one.
  return readIfPresent(`/proc/${pid}/stat`)?.split(') ').at(-1)?.split(' ')[19];
}

function ps(pid: number, column: string): string | undefined {
  try {
    return execFileSync('ps', ['-o', column, '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined; // no such process
  }
}

function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
