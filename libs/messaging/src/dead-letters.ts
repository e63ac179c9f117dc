import { createHash } from 'node:crypto';
import type { Clock } from '@spendgate/platform';
import type { EventTransport, OutgoingRecord, TransportRecord } from './event-transport.js';
import { TOPICS } from './topics.js';

/** Payload kept in a dead letter; its digest and length tell the rest. */
const PAYLOAD_BYTES_MAX = 4_096;
const KEY_BYTES_MAX = 256;
const HEADERS_MAX = 32;
const HEADER_TEXT_MAX = 256;
/** Dead letters of one source partition: this many at once, then this many a second. What is above is counted. */
const BURST_MAX = 100;
const PER_SECOND = 10;
const REASON_PATTERN = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/** What is said about a record nobody could read as a request. */
export interface DeadLetter {
  readonly v: 1;
  readonly topic: string;
  readonly partition: number;
  /** Decimal text: offsets pass 2^53. */
  readonly offset: string;
  /** A denial code, or the `ERR_` code of our defect. */
  readonly reason: string;
  readonly field?: string;
  /** Base64 of the first 256 bytes. */
  readonly key: string | null;
  readonly tombstone: boolean;
  /** Base64 of the first 4 KiB. */
  readonly payload: string;
  readonly payload_bytes: number;
  /** SHA-256 of the whole payload, base64url. */
  readonly payload_hash: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Dead letters of this partition above the quota since the last one that was written. */
  readonly suppressed: number;
}

interface Quota {
  tokens: number;
  atMs: number;
  suppressed: number;
}

/**
 * Writes what cannot be read as a request to `dead-letters.v1`, bounded in size and in number: someone who sends rubbish
 * must not fill our disk. Call before the batch's commit: after a crash in between a letter may stand twice, never not at
 * all.
 */
export class DeadLetters {
  private readonly quotas = new Map<string, Quota>();

  /** @param source the domain's issuer, `ce_source` of the letters */
  constructor(
    private readonly transport: Pick<EventTransport, 'publish'>,
    private readonly clock: Clock,
    private readonly source: string,
  ) {}

  /** @returns whether a letter was written; `false`: above the quota of its partition, counted in the next one. */
  async report(record: TransportRecord, reason: string, field?: string): Promise<boolean> {
    const suppressed = this.takeToken(`${record.topic}/${record.partition}`);
    if (suppressed === undefined) return false;
    const letter = toDeadLetter(record, reason, field, suppressed);
    await this.transport.publish(TOPICS.deadLetters, [this.toRecord(letter, record)]);
    return true;
  }

  private toRecord(letter: DeadLetter, record: TransportRecord): OutgoingRecord {
    const place = `${record.topic}/${record.partition}`;
    const traceparent = record.headers['traceparent'];
    return {
      key: place,
      value: Buffer.from(JSON.stringify(letter)),
      headers: {
        ce_specversion: '1.0',
        ce_id: `${place}/${record.offset}`,
        ce_source: this.source,
        ce_type: 'spendgate.dead-letter.v1',
        ce_time: new Date(record.appendedAtMs).toISOString(),
        'content-type': 'application/json',
        ...(traceparent === undefined ? {} : { traceparent: traceparent.slice(0, HEADER_TEXT_MAX) }),
      },
    };
  }

  /** A token bucket per partition. @returns letters left out before this one, `undefined` when this one is left out. */
  private takeToken(place: string): number | undefined {
    const nowMs = this.clock.nowMs();
    const quota = this.quotas.get(place) ?? { tokens: BURST_MAX, atMs: nowMs, suppressed: 0 };
    this.quotas.set(place, quota);
    const gained = (Math.max(0, nowMs - quota.atMs) / 1_000) * PER_SECOND;
    quota.tokens = Math.min(BURST_MAX, quota.tokens + gained);
    quota.atMs = nowMs;
    if (quota.tokens < 1) {
      quota.suppressed += 1;
      return undefined;
    }
    quota.tokens -= 1;
    const { suppressed } = quota;
    quota.suppressed = 0;
    return suppressed;
  }
}

function toDeadLetter(
  record: TransportRecord,
  reason: string,
  field: string | undefined,
  suppressed: number,
): DeadLetter {
  const payload = record.value ?? Buffer.alloc(0);
  return {
    v: 1,
    topic: record.topic,
    partition: record.partition,
    offset: String(record.offset),
    reason: REASON_PATTERN.test(reason) ? reason : 'malformed',
    ...(field === undefined ? {} : { field: field.slice(0, HEADER_TEXT_MAX) }),
    key: record.key === null ? null : record.key.subarray(0, KEY_BYTES_MAX).toString('base64'),
    tombstone: record.value === null,
    payload: payload.subarray(0, PAYLOAD_BYTES_MAX).toString('base64'),
    payload_bytes: payload.length,
    payload_hash: createHash('sha256').update(payload).digest('base64url'),
    headers: boundHeaders(record.headers),
    suppressed,
  };
}

function boundHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(headers).slice(0, HEADERS_MAX);
  return Object.fromEntries(
    kept.map(([name, value]) => [name.slice(0, HEADER_TEXT_MAX), value.slice(0, HEADER_TEXT_MAX)]),
  );
}
