import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { partitionOf } from './partitioner.js';

/** kafkajs's own choice for a key, the oracle. */
function kafkajsPartition(key: Buffer, partitions: number): number {
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionId,
    leader: 1,
    partitionErrorCode: 0,
    replicas: [1],
    isr: [1],
  }));
  return Partitioners.DefaultPartitioner()({ topic: 't', partitionMetadata, message: { key, value: null } });
}

describe('partitioner', () => {
  it('places every key where kafkajs places it, at every length and partition count', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 1, max: 1024 }), (bytes, partitions) => {
        const key = Buffer.from(bytes);
        expect(partitionOf(key, partitions)).toBe(kafkajsPartition(key, partitions));
      }),
    );
  });

  it("gives the Java client's partitions for known keys (Utils.murmur2 test vectors)", () => {
    // Utils.murmur2: "21" → -973932308, "foobar" → -790332482; toPositive then modulo.
    expect(partitionOf('21', 2 ** 31 - 1)).toBe((-973932308 & 0x7fffffff) % (2 ** 31 - 1));
    expect(partitionOf('foobar', 2 ** 31 - 1)).toBe((-790332482 & 0x7fffffff) % (2 ** 31 - 1));
  });
});
