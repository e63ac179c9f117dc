import { createRequire } from 'node:module';
import { ByteWriter, varintSize } from './byte-writer.js';

const require = createRequire(import.meta.url);

/** What kafkajs hands to a produce request, as far as it is read here. */
export interface ProduceInput {
  readonly acks: number;
  readonly timeout: number;
  readonly transactionalId?: string;
  /** A 64-bit integer of kafkajs's own class. */
  readonly producerId?: { toString(): string };
  readonly producerEpoch?: number;
  readonly compression?: number;
  readonly topicData: readonly { readonly topic: string; readonly partitions: readonly PartitionData[] }[];
}
interface PartitionData {
  /** kafkajs takes it from the names of an object. */
  readonly partition: number | string;
  readonly firstSequence?: number;
  readonly messages: readonly ProducedMessage[];
}
interface ProducedMessage {
  readonly key?: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly timestamp?: string;
}

/** An encoder of kafkajs, as far as it is read when it becomes part of a larger one. */
interface Encoded {
  readonly buf: Buffer;
  readonly buffer: Buffer;
}
export interface ProduceDefinition {
  protocol: (wanted: { readonly version: number }) => (input: ProduceInput) => {
    readonly request: { readonly encode: () => Promise<Encoded> };
    readonly response: unknown;
  };
}

// The body of a produce request is the same in all these versions; kafkajs speaks none later.
const VERSION_MIN = 3;
const VERSION_MAX = 7;
/** KIP-98: from the base offset to the number of records. */
const BATCH_HEADER_BYTES = 61;
/** Base offset and the length itself, which the length of a batch does not count. */
const BEFORE_LENGTH_BYTES = 12;
const MAGIC = 2;

/**
 * kafkajs 2.2.4 takes 512 bytes for each header of each record, more for each number in it, and copies every byte six
 * times: half of what publishing cost. Here a request is measured and then written once; a spec holds the bytes to
 * those of kafkajs. What we never send (compression, transactions, times, header values other than text) is left to it.
 */
export function encodeProduceAtOnce(): void {
  const definition = require('kafkajs/src/protocol/requests/produce') as ProduceDefinition; // CommonJS without types
  const { protocol } = definition;
  definition.protocol = ({ version }) => {
    const make = protocol({ version });
    if (version < VERSION_MIN || version > VERSION_MAX) return make;
    return (input) => {
      const { request, response } = make(input);
      const encode = (): Promise<Encoded> =>
        isPlain(input) ? Promise.resolve(encodeProduce(input)) : request.encode();
      return { request: { ...request, encode }, response };
    };
  };
}

function isPlain({ compression = 0, transactionalId, topicData }: ProduceInput): boolean {
  if (compression !== 0 || (transactionalId ?? null) !== null) return false;
  return topicData.every(({ partitions }) => partitions.every(({ messages }) => messages.every(isPlainMessage)));
}

function isPlainMessage({ timestamp, headers = {} }: ProducedMessage): boolean {
  return timestamp === undefined && Object.values(headers).every((value) => typeof value === 'string');
}

// CommonJS without types
const crc32c = require('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Buffer) => number;

function encodeProduce(input: ProduceInput): Encoded {
  const { acks, timeout, topicData } = input;
  const measured = topicData.map(({ topic, partitions }) => ({ topic, batches: partitions.map(measureBatch) }));
  const sizes = measured.map(
    ({ topic, batches }) => 2 + Buffer.byteLength(topic) + 4 + batches.reduce((sum, { bytes }) => sum + 8 + bytes, 0),
  );
  const out = new ByteWriter(sizes.reduce((sum, size) => sum + size, 12));
  out.int16(-1).int16(acks).int32(timeout).int32(measured.length); // −1: no transactional id
  for (const { topic, batches } of measured) {
    out.string(topic).int32(batches.length);
    for (const batch of batches) writeBatch(out.int32(Number(batch.partition)).int32(batch.bytes), batch, input);
  }
  const buffer = out.done();
  return { buf: buffer, buffer };
}

/** A record's parts with their sizes in bytes; −1 stands for `null`. */
interface MeasuredRecord {
  readonly key: Buffer | string | null;
  readonly keyBytes: number;
  readonly value: Buffer | string | null;
  readonly valueBytes: number;
  readonly headers: readonly (readonly [name: string, nameBytes: number, value: string, valueBytes: number])[];
  /** Of the record behind its own length. */
  readonly bytes: number;
}
interface MeasuredBatch extends Pick<PartitionData, 'partition' | 'firstSequence'> {
  readonly records: readonly MeasuredRecord[];
  readonly bytes: number;
}

function measureBatch({ partition, firstSequence = 0, messages }: PartitionData): MeasuredBatch {
  const records = messages.map(measureRecord);
  const bytes = records.reduce((sum, record) => sum + varintSize(record.bytes) + record.bytes, BATCH_HEADER_BYTES);
  return { partition, firstSequence, records, bytes };
}

function measureRecord({ key = null, value, headers = {} }: ProducedMessage, index: number): MeasuredRecord {
  const [keyBytes, valueBytes] = [lengthOf(key), lengthOf(value)];
  const measured = Object.entries(headers).map(([name, text]) => {
    const header = String(text); // a text, as isPlain saw
    return [name, Buffer.byteLength(name), header, Buffer.byteLength(header)] as const;
  });
  let bytes = 2 + varintSize(index) + sizeOf(keyBytes) + sizeOf(valueBytes) + varintSize(measured.length);
  for (const [, nameBytes, , textBytes] of measured) bytes += sizeOf(nameBytes) + sizeOf(textBytes);
  return { key, keyBytes, value, valueBytes, headers: measured, bytes };
}

function lengthOf(value: Buffer | string | null): number {
  return value === null ? -1 : Buffer.byteLength(value);
}

function sizeOf(length: number): number {
  return varintSize(length) + Math.max(length, 0);
}

function writeBatch(out: ByteWriter, batch: MeasuredBatch, { producerId, producerEpoch = 0 }: ProduceInput): void {
  const nowMs = BigInt(Date.now()); // the log writes its own time over it
  out
    .int64(0n)
    .int32(batch.bytes - BEFORE_LENGTH_BYTES)
    .int32(0)
    .int8(MAGIC);
  const checksumAt = out.at;
  out
    .int32(0)
    .int16(0)
    .int32(batch.records.length - 1)
    .int64(nowMs)
    .int64(nowMs);
  out
    .int64(BigInt(producerId?.toString() ?? '-1'))
    .int16(producerEpoch)
    .int32(batch.firstSequence ?? 0);
  out.int32(batch.records.length);
  const from = checksumAt + 4;
  batch.records.forEach((record, index) => writeRecord(out, record, index));
  out.patchUInt32(crc32c(out.since(from)), checksumAt);
}

function writeRecord(out: ByteWriter, record: MeasuredRecord, index: number): void {
  out.varint(record.bytes).int8(0).varint(0).varint(index); // no attributes, no time of its own
  out.varintBytes(record.key, record.keyBytes).varintBytes(record.value, record.valueBytes);
  out.varint(record.headers.length);
  for (const [name, nameBytes, value, valueBytes] of record.headers) {
    out.varintBytes(name, nameBytes).varintBytes(value, valueBytes);
  }
}
