import { encodeLeaf } from '@spendgate/codec';
import {
  type LaneLease,
  type Pool,
  acquireLane,
  advanceLane,
  fenceLeased,
  inTransaction,
  randomSalts,
  writeLeaves,
} from '@spendgate/store';
import { TEST_ISSUER } from './test-domain.js';

/** Writes audit leaves as a deciding process does: under a fenced lane, numbered densely, in one transaction. */
export class LeafWriter {
  private constructor(
    private readonly pool: Pool,
    readonly lease: LaneLease,
  ) {}

  static async open(pool: Pool, name: string): Promise<LeafWriter> {
    return new LeafWriter(pool, (await acquireLane(pool, name, null)).lease);
  }

  /**
   * @param causes leaf hashes each of the leaves names
   * @param hold keeps the transaction open, the lane locked, until it resolves
   * @returns the leaf hashes
   */
  async write(
    count: number,
    causes: readonly Buffer[] = [],
    hold: Promise<void> = Promise.resolve(),
  ): Promise<Buffer[]> {
    const rows = Array.from({ length: count }, (_, n) => {
      const salt = randomSalts.salt();
      const payload = { n };
      const edges = causes.map((cause) => cause.toString('base64url'));
      const input = {
        domain: TEST_ISSUER,
        type: 'control_act',
        timeMs: Date.now(),
        payload,
        salt,
        causes: edges,
      } as const;
      return { ...encodeLeaf(input), salt };
    });
    await inTransaction(this.pool, async (tx) => {
      const { leafSeq, outboxSeq } = await fenceLeased(tx, this.lease);
      const next = await writeLeaves(tx, this.lease, leafSeq, rows);
      await advanceLane(tx, this.lease, { leafSeq: next, outboxSeq });
      await hold;
    });
    return rows.map((row) => row.leafHash);
  }
}
