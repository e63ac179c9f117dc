import { type Pool, findIntegrated } from '@spendgate/store';
import type { CheckedLane } from './order-leaves.js';

/** Names kept in memory: causes are mostly young. */
const GENERATION = 65_536;

/** Which leaves are in the tree: the last ones from memory, older ones from the positions. */
export class KnownLeaves {
  private young = new Set<string>();
  private old = new Set<string>();

  constructor(private readonly pool: Pool) {}

  add(name: string): void {
    if (this.young.size >= GENERATION) [this.old, this.young] = [this.young, new Set()];
    this.young.add(name);
  }

  clear(): void {
    this.young.clear();
    this.old.clear();
  }

  /** The causes of a batch that are neither in it nor in the tree. */
  async absentCauses(lanes: readonly CheckedLane[]): Promise<ReadonlySet<string>> {
    const leaves = lanes.flatMap((lane) => lane.leaves);
    const inBatch = new Set(leaves.map((leaf) => leaf.name));
    const absent = new Set<string>();
    for (const { causes } of leaves) {
      for (const cause of causes) {
        if (!inBatch.has(cause) && !this.young.has(cause) && !this.old.has(cause)) absent.add(cause);
      }
    }
    const asked = [...absent].map((cause) => Buffer.from(cause, 'base64url'));
    for (const found of await findIntegrated(this.pool, asked)) absent.delete(found.toString('base64url'));
    return absent;
  }
}
