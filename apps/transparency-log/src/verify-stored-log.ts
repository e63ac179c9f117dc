import { type WholeLogVerdict, verifyWholeLog } from '@spendgate/audit-log';
import { type Queryable, readAllCheckpoints, readAllPlacedLeaves, readTiles } from '@spendgate/store';

/**
 * Recomputes the log from the leaves of a database and compares it with the positions, tiles and checkpoints there.
 *
 * Signatures are checked apart, because whoever may edit the database may also hold the key: a log that was rewritten
 * as a whole shows only against a checkpoint someone else kept.
 */
export function verifyStoredLog(db: Queryable): Promise<WholeLogVerdict> {
  return verifyWholeLog({
    async *leaves() {
      for await (const page of readAllPlacedLeaves(db)) {
        yield page.map(({ index, leaf, leafHash }) => ({ index, leaf, storedHash: leafHash }));
      }
    },
    tiles: (needs) => readTiles(db, needs),
    async *checkpoints() {
      for await (const { treeSize, root } of readAllCheckpoints(db)) yield { size: treeSize, root };
    },
  });
}
