import type { Answer } from './problem.js';

/** The parts of a Fastify request used here; header names are lower case. */
export interface EdgeRequest {
  readonly method: string;
  /** Path and query as on the request line. */
  readonly url: string;
  readonly ip: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

/** The part of a Fastify reply used here. */
export interface EdgeReply {
  code(status: number): EdgeReply;
  headers(values: Readonly<Record<string, string>>): EdgeReply;
  send(body: string): unknown;
}

/** Sends an answer as it is: no serializer in between decides about its members. */
export function send(reply: EdgeReply, { status, headers, body }: Answer): void {
  reply
    .code(status)
    .headers({ 'cache-control': 'no-store', ...headers })
    .send(JSON.stringify(body));
}

/** One value of a header; several are taken for none, because which of them counts would be a guess. */
export function headerOf(request: EdgeRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}
