import { createPublicKey, verify } from 'node:crypto';
import { type IncomingHttpHeaders, type Server, createServer } from 'node:http';
import type { Signer } from '@spendgate/artifact';
import { until } from './until.js';

/** A message as a webhook's receiver has it. */
export interface HookMessage {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly json: { readonly type: string; readonly data: Readonly<Record<string, unknown>> };
}

/** The receiver of webhooks, on a free port of this machine. */
export class TestHook {
  received: HookMessage[] = [];
  /** What it answers; a redirect would lead to itself. */
  answer = 200;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async open(): Promise<TestHook> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        hook.received.push({ headers: request.headers, body, json: JSON.parse(body) as HookMessage['json'] }); // as: ours
        response.writeHead(hook.answer, { location: '/again' }).end();
      });
    }).listen(0, '127.0.0.1');
    await until('the receiver listens', () => server.listening);
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const hook = new TestHook(server, `http://127.0.0.1:${port}/hook`);
    return hook;
  }

  close(): void {
    this.server.close();
  }
}

/** As a receiver does it: the key by its kid, Ed25519 over id, time and the bytes as they came (Standard Webhooks). */
export function isSignedHook({ headers, body }: HookMessage, key: Signer | undefined): boolean {
  const [version, signature = ''] = String(headers['webhook-signature']).split(',');
  if (key === undefined || version !== 'v1a' || headers['spendgate-key'] !== key.kid) return false;
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  const publicKey = createPublicKey({ key: { ...key.jwk }, format: 'jwk' });
  return verify(null, Buffer.from(signed), publicKey, Buffer.from(signature, 'base64'));
}
