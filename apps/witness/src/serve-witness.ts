import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { Logger } from '@spendgate/platform';
import type { Witness, WitnessAnswer } from './witness.js';

/** A submission is a note and at most 63 hashes. */
const BODY_BYTES_MAX = 65_536;
const REQUEST_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 1_000;
const TEXT = 'text/plain; charset=utf-8';

/** The witness's door: `POST /add-checkpoint`, its key at `/`, and what an orchestrator asks. Nothing else is running here. */
export function createWitnessServer(witness: Witness, logger: Logger): Server {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (request, reply) => {
      answer(witness, request).then(
        ({ status, type, body }) => reply.writeHead(status, { 'content-type': type }).end(body),
        (error: unknown) => fail(reply, logger, error),
      );
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  return server;
}

async function answer(witness: Witness, request: IncomingMessage): Promise<WitnessAnswer> {
  const { method, url } = request;
  if (method === 'GET' && url === '/') return { status: 200, type: TEXT, body: `${witness.verifierKey}\n` };
  if (method === 'GET' && (url === '/livez' || url === '/readyz')) return { status: 200, type: TEXT, body: 'ok\n' };
  if (url !== '/add-checkpoint') return { status: 404, type: TEXT, body: '' };
  if (method !== 'POST') return { status: 405, type: TEXT, body: '' };
  const body = await readBody(request);
  return body === undefined ? { status: 413, type: TEXT, body: '' } : witness.add(body);
}

/** @returns `undefined` for more than a submission can be; what else arrives is not kept */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** A checkpoint that could not be kept was not cosigned. */
function fail(reply: ServerResponse, logger: Logger, error: unknown): void {
  logger.error('a checkpoint could not be cosigned', error);
  if (!reply.headersSent) reply.writeHead(500, { 'content-type': TEXT });
  reply.end();
}
