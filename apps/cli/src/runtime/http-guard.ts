import { isIPv6 } from 'node:net';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { PROBLEM_TYPE, problemOf } from '@spendgate/http-edge';
import { type Clock, TokenBuckets } from '@spendgate/platform';

/** What one connection may cost before anything is known of who is at its other end. */
export interface HttpLimits {
  /** Largest body in bytes; the doors refuse earlier by the kind of object. */
  readonly bodyBytesMax: number;
  /** From the first byte of a request to its last, milliseconds: a slow sender is cut off with 408. */
  readonly requestTimeoutMs: number;
  /** A connection on which nothing moves is closed, milliseconds. */
  readonly connectionTimeoutMs: number;
  /** How often connections are held to these times, milliseconds. */
  readonly checkEveryMs: number;
  readonly connectionsMax: number;
}

export const HTTP_LIMITS: HttpLimits = {
  bodyBytesMax: 262_144,
  requestTimeoutMs: 15_000,
  connectionTimeoutMs: 30_000,
  checkEveryMs: 1_000,
  connectionsMax: 10_000,
};

/** Beyond the longest wait an answer may still take this. */
const ANSWER_MARGIN_MS = 5_000;

/** @param answerMs the longest an answer may take: nothing moves on its connection meanwhile */
export function httpAdapter(limits: HttpLimits, answerMs = 0): FastifyAdapter {
  const { bodyBytesMax, requestTimeoutMs, checkEveryMs, connectionsMax } = limits;
  const adapter = new FastifyAdapter({
    bodyLimit: bodyBytesMax,
    trustProxy: false, // a header would let a caller choose the address it is counted under
    requestTimeout: requestTimeoutMs,
    connectionTimeout: Math.max(limits.connectionTimeoutMs, answerMs + ANSWER_MARGIN_MS),
    // Node looks every 30 s by default, so that a slow sender would have three times its time.
    http: { headersTimeout: requestTimeoutMs, connectionsCheckingInterval: checkEveryMs },
  });
  const server = adapter.getInstance().server;
  server.maxConnections = connectionsMax;
  return adapter;
}

/** What an orchestrator asks: refused, it would end a process for being busy. */
const UNCOUNTED = new Set(['/livez', '/readyz', '/metrics']);

/** Counts requests by where they come from, in front of every route of every role, before any byte is looked at. */
export function countSources(app: NestFastifyApplication, clock: Clock, perSecond: number): void {
  const buckets = new TokenBuckets({ perSecond, burst: perSecond });
  const { status, body } = problemOf('rate_limited');
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', (request, reply, done) => {
    const waitMs = UNCOUNTED.has(request.url) ? 0 : buckets.take(sourceOf(request.ip), clock.nowMs());
    if (waitMs === 0) return done();
    const headers = { 'content-type': PROBLEM_TYPE, 'retry-after': String(Math.ceil(waitMs / 1_000)) };
    void reply.code(status).headers(headers).send(JSON.stringify(body));
  });
}

/** A body cut off by its size never reaches a door, so the denial's code is given here, in the form the doors have. */
export function nameOversize(app: NestFastifyApplication): void {
  const { status, body } = problemOf('too_large');
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    const named = String(reply.getHeader('content-type')).startsWith(PROBLEM_TYPE);
    if (reply.statusCode !== status || named) return done(null, payload);
    reply.header('content-type', PROBLEM_TYPE).removeHeader('content-length');
    done(null, JSON.stringify(body));
  });
}

/** One subscriber has a whole /64 of IPv6 addresses (RFC 6177), so its first half is what counts. */
export function sourceOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.toLowerCase().split('%')[0]?.split('::') ?? [];
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  return [...before, ...zeros, ...after]
    .slice(0, 4)
    .map((part) => part.replace(/^0+(?=.)/, ''))
    .join(':');
}
