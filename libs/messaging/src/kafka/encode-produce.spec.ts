import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ProduceDefinition, type ProduceInput, encodeProduceAtOnce } from './encode-produce.js';

const require = createRequire(import.meta.url);
const definition = require('kafkajs/src/protocol/requests/produce') as ProduceDefinition; // CommonJS without types
const Long = require('kafkajs/src/utils/long') as { fromValue(value: bigint): { toString(): string } };

const theirs = definition.protocol;
encodeProduceAtOnce();
const ours = definition.protocol;

/** Both write the time of day into each batch: it is held still while a pair is made. */
async function both(input: ProduceInput, version = 7): Promise<[Buffer, Buffer]> {
  const now = Date.now;
  Date.now = () => 1_700_000_000_000;
  try {
    const [a, b] = [theirs({ version })(input), ours({ version })(input)];
    return [(await a.request.encode()).buffer, (await b.request.encode()).buffer];
  } finally {
    Date.now = now;
  }
}

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const text = fc.string({ unit: 'grapheme', maxLength: 200 });
const message = fc.record(
  {
    key: fc.oneof(text, bytes, fc.constant(null)),
    value: fc.oneof(bytes, text, fc.constant(null)),
    headers: fc.dictionary(text, text, { maxKeys: 10 }),
  },
  { requiredKeys: ['value'] },
);
const partition = fc.record({
  partition: fc.oneof(fc.nat(64), fc.nat(64).map(String)),
  firstSequence: fc.nat(2 ** 31 - 1),
  messages: fc.array(message, { minLength: 1, maxLength: 150, size: 'medium' }),
});
const input = fc.record({
  acks: fc.constantFrom(-1, 1),
  timeout: fc.nat(60_000),
  producerId: fc.bigInt({ min: -1n, max: 2n ** 63n - 1n }).map((id) => Long.fromValue(id)),
  producerEpoch: fc.nat(32_767),
  compression: fc.constant(0),
  topicData: fc.array(
    fc.record({
      topic: fc.string({ maxLength: 100 }),
      partitions: fc.array(partition, { minLength: 1, maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});

describe('a produce request', () => {
  it('is byte for byte what kafkajs writes', async () => {
    await fc.assert(
      fc.asyncProperty(input, fc.integer({ min: 3, max: 7 }), async (request, version) => {
        const [a, b] = await both(request, version);
        expect(b.equals(a)).toBe(true);
      }),
    );
  });

  it('is left to kafkajs where it asks for what we never send', async () => {
    const messages = [{ value: 'v', timestamp: '1700000000123' }];
    const partitions = [{ partition: 0, firstSequence: 0, messages }];
    const [a, b] = await both({ acks: -1, timeout: 1, topicData: [{ topic: 't', partitions }] });
    expect(b.equals(a)).toBe(true);
    const headers = { many: ['one', Buffer.from('two')] };
    const several = [{ partition: 0, firstSequence: 0, messages: [{ value: 'v', headers }] }];
    const [c, d] = await both({ acks: -1, timeout: 1, topicData: [{ topic: 't', partitions: several }] });
    expect(d.equals(c)).toBe(true);
  });
});
