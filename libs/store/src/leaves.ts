import { randomBytes } from 'node:crypto';
import { ROWS_AT_ONCE_MAX, byteas, texts } from './binary-arrays.js';
import type { LaneLease } from './lanes.js';
import { type Transaction, statement } from './statement.js';
import { type Write, run } from './together.js';

/** Where leaf salts come from. A port, because tests need the same bytes twice. */
export interface SaltSource {
  /** 32 bytes nobody can guess: without the salt a commitment says nothing about its payload. */
  salt(): Buffer;
}

const SALT_BYTES = 32;

/** Salts are drawn this many at a time: asking the generator costs more than the bytes do. */
const SALTS_DRAWN = 64;

/** Salts from the system's generator, each handed out once. */
export const randomSalts: SaltSource = (() => {
  let [drawn, at] = [Buffer.alloc(0), 0];
  return {
    salt: () => {
      if (at === drawn.length) [drawn, at] = [randomBytes(SALTS_DRAWN * SALT_BYTES), 0];
      at += SALT_BYTES;
      return drawn.subarray(at - SALT_BYTES, at);
    },
  };
})();

/** An audit leaf as codec encodes it, ready to store. */
export interface LeafRow {
  /** RFC 9162 leaf hash: SHA-256(0x00 ‖ leaf). */
  readonly leafHash: Uint8Array;
  /** RFC 8785 form of {v, domain, type, time, commitment, causes}. */
  readonly leaf: string;
  /** RFC 8785 form; erased with the salt when its retention ends. */
  readonly payload: string;
  readonly salt: Uint8Array;
}

const WRITE = statement(
  'leaves-write',
  `INSERT INTO leaves (lane_id, seq, leaf_hash, leaf, payload, salt)
   SELECT $1::integer, $2::bigint + l.n - 1, l.leaf_hash, l.leaf, l.payload, l.salt
   FROM unnest($3::bytea[], $4::text[], $5::text[], $6::bytea[]) WITH ORDINALITY AS l (leaf_hash, leaf, payload, salt, n)`,
);

/**
 * Writes a transaction's leaves in the order given (causes before effects), numbered from `firstSeq`: the fenced lane's
 * `leafSeq`. Numbers are dense per lane and in commit order, because whoever numbers holds the lane row.
 *
 * @returns the number after the last one, for `advanceLane`
 */
export async function writeLeaves(
  tx: Transaction,
  lease: Pick<LaneLease, 'laneId'>,
  firstSeq: bigint,
  leaves: readonly LeafRow[],
): Promise<bigint> {
  for (let from = 0; from < leaves.length; from += ROWS_AT_ONCE_MAX)
    await run(tx, leavesWrite(lease, firstSeq + BigInt(from), leaves.slice(from, from + ROWS_AT_ONCE_MAX)));
  return firstSeq + BigInt(leaves.length);
}

/** The write of {@link writeLeaves}, to send together with others. */
export function leavesWrite(lease: Pick<LaneLease, 'laneId'>, firstSeq: bigint, leaves: readonly LeafRow[]): Write {
  const values = [
    lease.laneId,
    firstSeq,
    byteas(leaves.map((each) => each.leafHash)),
    texts(leaves.map((each) => each.leaf)),
    texts(leaves.map((each) => each.payload)),
    byteas(leaves.map((each) => each.salt)),
  ];
  return { statement: WRITE, values };
}
