/** The part of a Fastify request used here. */
export interface EdgeRequest {
  /** Path and query as on the request line. */
  readonly url: string;
}

/** The part of a Fastify reply used here. */
export interface EdgeReply {
  code(status: number): EdgeReply;
  headers(values: Readonly<Record<string, string>>): EdgeReply;
  send(body: string | Buffer): unknown;
}

/** How long a shared cache may keep an answer. Tiles that are full never change. */
export const CACHE = {
  never: 'no-cache',
  minute: 'public, max-age=60',
  forever: 'public, max-age=31536000, immutable',
} as const;

export function sendJson(reply: EdgeReply, body: unknown, cache: string): void {
  reply.code(200).headers({ 'content-type': 'application/json', 'cache-control': cache }).send(JSON.stringify(body));
}

export function sendBytes(reply: EdgeReply, type: string, body: string | Buffer, cache: string): void {
  reply.code(200).headers({ 'content-type': type, 'cache-control': cache }).send(body);
}

const TITLES: Readonly<Record<number, string>> = { 400: 'Bad Request', 404: 'Not Found', 503: 'Service Unavailable' };

/** RFC 9457. @param detail what was wrong with the request, or what is not there yet */
export function sendProblem(reply: EdgeReply, status: 400 | 404 | 503, detail: string): void {
  reply
    .code(status)
    .headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' })
    .send(JSON.stringify({ type: 'about:blank', title: TITLES[status], status, detail }));
}

/** A count or index in a query or path: decimal, no sign, no leading zero, exact. */
export function parseCount(text: unknown): number | undefined {
  if (typeof text !== 'string' || !/^(0|[1-9]\d{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
