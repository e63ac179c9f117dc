import { DependencyError } from '@spendgate/core';
import type { Kafka } from 'kafkajs';

/** Kafka protocol guide: Metadata is API 3; version 12 is the first whose answer is asked for by name and has topic ids. */
const METADATA = { apiKey: 3, apiVersion: 12, apiName: 'Metadata' } as const;

/** What of kafkajs 2.2.4 is used here beside its public part: it knows no topic ids (KIP-516), and we must. */
interface KafkajsBroker {
  readonly versions: Readonly<Record<number, { readonly maxVersion: number }>> | null;
  readonly connectionPool: { send(exchange: Exchange): Promise<TopicIdentity> };
}
interface KafkajsCluster {
  connect(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  disconnect(): Promise<void>;
  readonly brokerPool: { findConnectedBroker(): Promise<KafkajsBroker> };
}
/** kafkajs's Encoder, as far as it looks into one: its memory, and the part of it that is written. */
interface Encoded {
  readonly buf: Buffer;
  readonly buffer: Buffer;
}
interface Exchange {
  readonly request: typeof METADATA & { encode(): Promise<Encoded> };
  readonly response: {
    decode(raw: Buffer): Promise<TopicIdentity>;
    parse(decoded: TopicIdentity): Promise<TopicIdentity>;
  };
}

/** Which log a topic is, and how many partitions it has. */
export interface TopicIdentity {
  /** `cluster id/topic id`: a topic deleted and made again under its name is another log, however long it is. */
  readonly identity: string;
  readonly partitions: number;
}

/** Asks Kafka brokers which log a topic is, over the connection settings of `kafka` (TLS, SASL). Needs Kafka 3.1 or newer. */
export class KafkaIdentity {
  private readonly cluster: KafkajsCluster;

  constructor(kafka: Kafka) {
    this.cluster = clusterOf(kafka);
  }

  /** @param topic full name @throws {DependencyError} when it does not exist, or no Kafka broker answers */
  async read(topic: string): Promise<TopicIdentity> {
    await this.cluster.connect();
    await this.cluster.refreshMetadataIfNecessary(); // kafkajs learns here which Kafka brokers there are
    const broker = await this.cluster.brokerPool.findConnectedBroker();
    if ((broker.versions?.[METADATA.apiKey]?.maxVersion ?? 0) < METADATA.apiVersion) {
      throw new DependencyError('ERR_KAFKA_TOO_OLD', 'the Kafka brokers know no topic ids: 3.1 or newer is needed');
    }
    return broker.connectionPool.send({
      request: { ...METADATA, encode: () => Promise.resolve(asEncoder(encodeRequest(topic))) },
      response: {
        decode: (raw) => Promise.resolve(decodeResponse(raw, topic)),
        parse: (decoded) => Promise.resolve(decoded),
      },
    });
  }

  async stop(): Promise<void> {
    await this.cluster.disconnect();
  }
}

function clusterOf(kafka: Kafka): KafkajsCluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  if (symbol === undefined) throw new Error('this is not kafkajs 2.2.4: kafka-identity.ts must follow the change');
  // The member behind the symbol has no public type; kafkajs itself calls it like this for each client.
  const make = (kafka as unknown as Record<symbol, (options: object) => KafkajsCluster>)[symbol];
  if (make === undefined) throw new Error('kafkajs has no cluster to give');
  return make({ metadataMaxAge: 300_000, allowAutoTopicCreation: false });
}

function asEncoder(buffer: Buffer): Encoded {
  return { buf: buffer, buffer };
}

/** Flexible version: the header and each structure end in tagged fields (none, one zero byte). KIP-482. */
function encodeRequest(topic: string): Buffer {
  const name = Buffer.from(topic);
  const anyId = Buffer.alloc(16);
  return Buffer.concat([
    Buffer.from([0]), // header tags
    Buffer.from([2]), // one topic
    anyId,
    unsignedVarint(name.length + 1),
    name,
    Buffer.from([0, 0, 0, 0]), // topic tags, no automatic creation, no authorized operations, request tags
  ]);
}

function decodeResponse(raw: Buffer, topic: string): TopicIdentity {
  const reader = new Reader(raw);
  reader.tags(); // header
  reader.skip(4); // throttle time
  for (let broker = reader.unsignedVarint() - 1; broker > 0; broker -= 1) {
    reader.skip(4); // node id
    reader.compactText(); // host
    reader.skip(4); // port
    reader.compactText(); // rack
    reader.tags();
  }
  const clusterId = reader.compactText();
  reader.skip(4); // controller
  const topics = reader.unsignedVarint() - 1;
  const errorCode = topics === 1 ? reader.int16() : -1;
  const name = topics === 1 ? reader.compactText() : null;
  if (errorCode !== 0 || name !== topic) {
    throw new DependencyError('ERR_TOPIC_MISSING', `${topic} is not there (Kafka error ${errorCode})`);
  }
  const topicId = reader.bytes(16).toString('base64url');
  reader.skip(1); // internal
  const partitions = reader.unsignedVarint() - 1;
  return { identity: `${clusterId ?? ''}/${topicId}`, partitions };
}

function unsignedVarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return Buffer.from([...bytes, rest]);
}

/** Reads forward; a read past the end throws a RangeError, which fails the request. */
class Reader {
  private at = 0;

  constructor(private readonly buffer: Buffer) {}

  skip(count: number): void {
    this.at += count;
  }

  int16(): number {
    this.at += 2;
    return this.buffer.readInt16BE(this.at - 2);
  }

  bytes(count: number): Buffer {
    this.at += count;
    return this.buffer.subarray(this.at - count, this.at);
  }

  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.buffer.readUInt8(this.at);
      this.at += 1;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  compactText(): string | null {
    const length = this.unsignedVarint() - 1;
    return length < 0 ? null : this.bytes(length).toString();
  }

  tags(): void {
    for (let count = this.unsignedVarint(); count > 0; count -= 1) {
      this.unsignedVarint();
      this.skip(this.unsignedVarint());
    }
  }
}
