import type { LoggerService } from '@nestjs/common';
import type { Clock } from '@spendgate/platform';
import { fence, inTransaction, type LaneLease, type Pool } from '@spendgate/store';
import { DeadLetters } from './dead-letters.js';
import type { EventTransport, TransportRecord } from './event-transport.js';

/** What both transports are made with. */
export interface TransportOptions {
  readonly pool: Pool;
  readonly logger: LoggerService;
  readonly clock: Clock;
  /** The domain's issuer: `ce_source` of dead letters. */
  readonly source: string;
  /** Partitions of a topic that has more than one. */
  readonly partitions: number;
  /** Partitions handled side by side. */
  readonly partitionsAtOnce: number;
  /** Bytes fetched per partition at a time. */
  readonly batchBytesMax: number;
  /** A member silent for this long loses its partitions. */
  readonly sessionTimeoutMs: number;
}

export const SESSION_TIMEOUT_MS_DEFAULT = 10_000;

/**
 * What becomes of a record that is a defect of ours when its subscription has no way of its own: a dead letter with the
 * error's code, then the lane moves past it. In this order, so that a crash in between loses neither.
 */
export function defectEnder(
  transport: Pick<EventTransport, 'publish'>,
  { pool, clock, source }: TransportOptions,
): (record: TransportRecord, lane: LaneLease, defect: Error) => Promise<void> {
  const deadLetters = new DeadLetters(transport, clock, source);
  return async (record, lane, defect) => {
    await deadLetters.report(record, codeOf(defect));
    await inTransaction(pool, (tx) => fence(tx, lane, record.offset, record.offset));
  };
}

function codeOf(defect: Error): string {
  return 'code' in defect && typeof defect.code === 'string' ? defect.code : 'ERR_UNEXPECTED';
}
