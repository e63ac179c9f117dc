import type { CheckedLeaf } from './pending-leaf.js';

/** New leaves of one lane, in its order. */
export interface CheckedLane {
  readonly leaves: readonly CheckedLeaf[];
}

/**
 * Puts a batch in the order of the tree: each lane keeps its own, and a cause comes before its effects.
 *
 * A leaf that waits for something outside the batch holds its lane back until a later one. Two promises keep the log
 * moving whatever a writer did wrong: a cause that nobody ever wrote is not waited for once everything was read, and a
 * batch is never empty.
 *
 * @param isAbsent says of a cause outside the batch that the tree does not hold it and unread leaves may
 */
export function orderLeaves(lanes: readonly CheckedLane[], isAbsent: (cause: string) => boolean): CheckedLeaf[] {
  const waiting = new Set(lanes.flatMap((lane) => lane.leaves.map((leaf) => leaf.name)));
  const next = lanes.map(() => 0);
  const ordered: CheckedLeaf[] = [];
  const place = (at: number, leaf: CheckedLeaf): void => {
    ordered.push(leaf);
    waiting.delete(leaf.name);
    next[at] = (next[at] ?? 0) + 1;
  };
  const isFree = ({ causes }: CheckedLeaf): boolean => causes.every((cause) => !waiting.has(cause) && !isAbsent(cause));
  for (;;) {
    const before = ordered.length;
    for (const [at, { leaves }] of lanes.entries()) {
      for (let leaf = leaves[next[at] ?? 0]; leaf !== undefined && isFree(leaf); leaf = leaves[next[at] ?? 0]) {
        place(at, leaf);
      }
    }
    if (ordered.length > before) continue;
    // Nothing is free. Some leaf committed first, and all its causes before it: so where nothing could be placed at all,
    // causes are missing that nobody wrote, and are not waited for.
    if (ordered.length === 0 && waitsOutside(lanes, next, isAbsent)) return orderLeaves(lanes, () => false);
    const at = lanes.findIndex(({ leaves }, index) => leaves[next[index] ?? 0] !== undefined);
    const head = lanes[at]?.leaves[next[at] ?? 0];
    if (head === undefined || waitsOutside(lanes, next, isAbsent)) return ordered;
    place(at, head); // a writer named a later leaf as cause
  }
}

/** Whether any lane stands still for a leaf that is not in the batch: then what waits for it comes with a later one. */
function waitsOutside(
  lanes: readonly CheckedLane[],
  next: readonly number[],
  isAbsent: (cause: string) => boolean,
): boolean {
  return lanes.some((lane, index) => lane.leaves[next[index] ?? 0]?.causes.some(isAbsent));
}
