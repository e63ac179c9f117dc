import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { dataFolders } from '../runtime/data-folders.js';

/** Memory of a process and all it started. */
export interface TreeMemory {
  readonly pid: number;
  readonly processes: number;
  /** Resident set sizes added up, bytes; pages that processes share count for each of them. */
  readonly rssBytes: number;
  /** The same with shared pages counted once (PSS, proc(5) smaps_rollup), bytes; `undefined` where Linux does not tell. */
  readonly pssBytes: number | undefined;
}

/**
 * Memory of the `up` that runs on a data folder, found by the folder's owner file.
 *
 * @returns `undefined` when none runs there, or this system has no /proc
 */
export function readTreeMemory(data: string): TreeMemory | undefined {
  const owner = readText(path.join(dataFolders(data).database, 'owner'))?.split(' ')[0];
  const pid = Number(owner);
  if (!Number.isInteger(pid) || pid < 1 || readText(`/proc/${pid}/stat`) === undefined) return undefined;
  const parents = parentOfAll();
  const tree = [...parents.keys()].filter((each) => descendsFrom(each, pid, parents));
  const rssBytes = tree.reduce((sum, each) => sum + rssOf(each), 0);
  const shares = tree.map(pssOf);
  const pssBytes = shares.includes(undefined) ? undefined : shares.reduce<number>((sum, each) => sum + (each ?? 0), 0);
  return { pid, processes: tree.length, rssBytes, pssBytes };
}

function parentOfAll(): Map<number, number> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return new Map(
    pids.flatMap((name): [number, number][] => {
      // Field 4 of /proc/<pid>/stat (proc(5)); the command name before it may hold spaces and parentheses.
      const parent = readText(`/proc/${name}/stat`)?.split(') ').at(-1)?.split(' ')[1];
      return parent === undefined ? [] : [[Number(name), Number(parent)]];
    }),
  );
}

function descendsFrom(pid: number, root: number, parents: ReadonlyMap<number, number>): boolean {
  const seen = new Set<number>();
  for (let at: number | undefined = pid; at !== undefined && !seen.has(at); at = parents.get(at)) {
    if (at === root) return true;
    seen.add(at);
  }
  return false;
}

function rssOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readText(`/proc/${pid}/status`) ?? '')?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

function pssOf(pid: number): number | undefined {
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(readText(`/proc/${pid}/smaps_rollup`) ?? '')?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // ended meanwhile, or no such file here
  }
}
