import { canonicalize, encodeLeaf, sha256 } from '@spendgate/codec';
import { advanceLane, fenceLeased } from '../lanes.js';
import { acquireLeasedLane, releaseLane } from '../leased-lanes.js';
import { type SaltSource, randomSalts, writeLeaves } from '../leaves.js';
import type { Pool } from '../pool.js';
import { inTransaction, readClockMs } from '../transaction.js';

const LANE = 'drift-detector';
const LEASE_SECONDS = 10;

/** What sweeps did since the last digest. */
export interface DigestedSweep {
  /** Flows that were verified, with the last time, Unix ms. */
  readonly verified: ReadonlyMap<string, number>;
  readonly contained: number;
  /** Since when, Unix ms. */
  readonly fromMs: number;
}

/** One leaf over what was verified: count, digest over flow and time in id order. */
export async function writeDigest(
  pool: Pool,
  domain: string,
  owner: string,
  { verified, contained, fromMs }: DigestedSweep,
  salts: SaltSource = randomSalts,
): Promise<void> {
  const flows = [...verified].sort(([a], [b]) => (a < b ? -1 : 1));
  const digest = sha256(canonicalize(flows)).toString('base64url');
  const lease = await acquireLeasedLane(pool, LANE, owner, LEASE_SECONDS);
  try {
    await inTransaction(pool, async (tx) => {
      const lane = await fenceLeased(tx, lease);
      const atMs = await readClockMs(tx);
      const payload = { from_ms: fromMs, until_ms: atMs, flows: flows.length, contained, digest };
      const salt = salts.salt();
      const leaf = encodeLeaf({ domain, type: 'verification_swept', timeMs: atMs, payload, salt, causes: [] });
      const leafSeq = await writeLeaves(tx, lease, lane.leafSeq, [{ ...leaf, salt }]);
      await advanceLane(tx, lease, { leafSeq, outboxSeq: lane.outboxSeq });
    });
  } finally {
    await releaseLane(pool, lease);
  }
}
