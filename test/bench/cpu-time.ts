import { readFileSync, readdirSync } from 'node:fs';

/** Clock ticks a second in /proc: USER_HZ, 100 on every Linux we run on (proc(5)). */
const TICKS_PER_SECOND = 100;

interface ProcessTimes {
  readonly parent: number;
  readonly seconds: number;
}

function readTimes(pid: string): ProcessTimes | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    // counted after the command name: 1 is the parent, 11–14 user and system time of the process and its dead children
    const ticks = [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i]), 0);
    return { parent: Number(fields[1]), seconds: ticks / TICKS_PER_SECOND };
  } catch {
    return undefined; // ended between the listing and the reading
  }
}

/** @returns CPU seconds used so far by a process and all its descendants; Linux only */
export function cpuSeconds(root: number): number {
  const all = new Map<number, ProcessTimes>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const times = readTimes(pid);
    if (times !== undefined) all.set(Number(pid), times);
  }
  const isBelow = (pid: number): boolean => {
    if (pid === root) return true;
    const parent = all.get(pid)?.parent;
    return parent !== undefined && parent > 1 && isBelow(parent);
  };
  return [...all].filter(([pid]) => isBelow(pid)).reduce((sum, [, { seconds }]) => sum + seconds, 0);
}
