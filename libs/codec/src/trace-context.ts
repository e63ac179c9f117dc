/** W3C Trace Context §3.2, version 00. */
export interface TraceParent {
  readonly traceId: string;
  readonly parentId: string;
  readonly sampled: boolean;
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const ZERO_TRACE = '0'.repeat(32);
const ZERO_PARENT = '0'.repeat(16);

/**
 * @returns null for anything but a version 00 `traceparent`: a bad one is dropped and a new trace begun (§4.2), it never
 *   refuses a request
 */
export function parseTraceParent(text: string | undefined): TraceParent | null {
  const match = TRACEPARENT.exec(text ?? '');
  const [, traceId = ZERO_TRACE, parentId = ZERO_PARENT, flags = '00'] = match ?? [];
  if (traceId === ZERO_TRACE || parentId === ZERO_PARENT) return null;
  return { traceId, parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceParent({ traceId, parentId, sampled }: TraceParent): string {
  return `00-${traceId}-${parentId}-${sampled ? '01' : '00'}`;
}
