/**
 * Murmur2 as the Java client and kafkajs use it for keyed records, so that a key lies in the same partition whoever
 * wrote it and whichever transport carries it. 32-bit arithmetic with `Math.imul`; no BigInt on the hot path.
 */
export function murmur2(key: Buffer): number {
  const multiplier = 0x5bd1e995;
  let hash = 0x9747b28c ^ key.length;
  const whole = key.length & ~3;
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(key.readInt32LE(at), multiplier);
    word ^= word >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier);
  }
  const rest = key.length - whole;
  if (rest > 0) {
    hash = Math.imul(hash ^ key.readUIntLE(whole, rest), multiplier);
  }
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
}

/** @returns the partition of a key among `partitions`: murmur2, made positive by clearing the sign bit, modulo. */
export function partitionOf(key: Buffer | string, partitions: number): number {
  return (murmur2(typeof key === 'string' ? Buffer.from(key) : key) & 0x7fffffff) % partitions;
}

/** Spreads records without a key evenly: no order is asked of them. */
export class KeylessSpread {
  private next = 0;

  partition(partitions: number): number {
    this.next = (this.next + 1) % partitions;
    return this.next;
  }
}
