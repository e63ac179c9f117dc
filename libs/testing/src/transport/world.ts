import type { LoggerService } from '@nestjs/common';
import type { EventTransport, TopicName } from '@spendgate/messaging';
import type { TestDatabase } from '../database.js';

/** A record put into the log past our transport, as a stranger's producer does. */
export interface RawRecord {
  readonly partition: number;
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One log with its database, fresh for a test; what the contract suite needs of an adapter beside the port. */
export interface TransportWorld {
  readonly database: TestDatabase;
  /** Partitions of each topic made here. */
  readonly partitions: number;
  /** A client of its own, as another process would have; the suite stops it. */
  client(logger: LoggerService): EventTransport;
  /** What a child process needs to make the same client. */
  childOptions(): ChildOptions;
  appendRaw(topic: TopicName, records: readonly RawRecord[]): Promise<void>;
  /** Deletes the topic and makes it again, empty. */
  recreateTopic(topic: TopicName, partitions?: number): Promise<void>;
  /** Retention: records below the offset are gone. */
  dropRecordsBelow(topic: TopicName, partition: number, offset: bigint): Promise<void>;
  /** Makes the log itself remember a wrong place for the group, where it remembers any. */
  misleadGroup(group: string, topic: TopicName): Promise<void>;
  close(): Promise<void>;
}

export type ChildOptions =
  | { readonly kind: 'embedded'; readonly databaseUrl: string; readonly partitions: number }
  | {
      readonly kind: 'kafka';
      readonly databaseUrl: string;
      readonly brokers: string;
      readonly prefix: string;
      readonly partitions: number;
    };

/** Short, so that a test of a dead or paused member does not wait long; production has 10 s. */
export const TEST_SESSION_TIMEOUT_MS = 2_000;

export const silentLogger: LoggerService = {
  log: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
