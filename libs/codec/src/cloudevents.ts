import { parseTraceParent } from './trace-context.js';

/** Attributes of a CloudEvents 1.0 event, as they travel in Kafka record headers (binary content mode). */
export interface CloudEvent {
  /** With `source` unique: a second event of the same two is the same event. */
  readonly id: string;
  /** Issuer of the domain, or the party that published. */
  readonly source: string;
  readonly type: string;
  readonly timeMs: number;
  /** What it is about: flow, agent or log. */
  readonly subject?: string;
  /** Media type of the record value. */
  readonly contentType: string;
  /** W3C traceparent of the request this came from; a bad one is left out. */
  readonly traceparent?: string | undefined;
}

export type RecordHeaders = Record<string, string>;

const HEADER_CHARS_MAX = 512;

/**
 * Kafka Protocol Binding for CloudEvents 1.0 §3.2: attributes as `ce_…` headers in UTF-8, `content-type` without prefix,
 * the value as it is.
 */
export function cloudEventHeaders(event: CloudEvent): RecordHeaders {
  const headers: RecordHeaders = {
    ce_specversion: '1.0',
    ce_id: event.id,
    ce_source: event.source,
    ce_type: event.type,
    ce_time: new Date(event.timeMs).toISOString(),
    'content-type': event.contentType,
  };
  if (event.subject !== undefined) headers['ce_subject'] = event.subject;
  if (event.traceparent !== undefined && parseTraceParent(event.traceparent) !== null) {
    headers['traceparent'] = event.traceparent;
  }
  return headers;
}

/** Headers of a record, as far as they can be used. Every member may be absent: nothing is decided on a header. */
export interface ReceivedHeaders {
  readonly id: string | null;
  readonly source: string | null;
  readonly type: string | null;
  readonly subject: string | null;
  readonly timeMs: number | null;
  readonly contentType: string | null;
  /** Valid, or null. */
  readonly traceparent: string | null;
  /** Whether this is a CloudEvents 1.0 record in binary mode with all required attributes. */
  readonly complete: boolean;
}

/** Reads what a producer put into the headers. Total: hostile headers give nulls, never a throw. */
export function readRecordHeaders(headers: Readonly<Record<string, string>>): ReceivedHeaders {
  const text = (name: string): string | null => usable(headers[name]);
  const [id, source, type] = [text('ce_id'), text('ce_source'), text('ce_type')];
  const time = Date.parse(headers['ce_time'] ?? '');
  return {
    id,
    source,
    type,
    subject: text('ce_subject'),
    timeMs: Number.isFinite(time) ? time : null,
    contentType: text('content-type'),
    traceparent: parseTraceParent(headers['traceparent']) === null ? null : (headers['traceparent'] ?? null),
    complete: headers['ce_specversion'] === '1.0' && id !== null && source !== null && type !== null,
  };
}

// Printable ASCII only: a header goes to logs and answers.
const USABLE = /^[!-~][ -~]*$/;

function usable(value: string | undefined): string | null {
  return value !== undefined && value.length <= HEADER_CHARS_MAX && USABLE.test(value) ? value : null;
}
