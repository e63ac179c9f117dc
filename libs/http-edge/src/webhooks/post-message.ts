import { lookup } from 'node:dns';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { checkWebhookUrl, isPublicAddress } from './endpoint-address.js';

/** From the first byte out to the last header in; a receiver queues, it does not work, before it answers. */
const TIMEOUT_MS = 10_000;
/** Of an answer nothing is used but its status. */
const ANSWER_BYTES_MAX = 65_536;

export interface PostOptions {
  readonly insecure: boolean;
  readonly timeoutMs?: number;
}

/**
 * Sends one message. Redirects are not followed. The address connected to is the one that was judged: a name that
 * resolves to something else a moment later gains nothing (DNS rebinding).
 *
 * @returns the status @throws what kept the message from being answered
 */
export async function postMessage(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
  { insecure, timeoutMs = TIMEOUT_MS }: PostOptions,
): Promise<number> {
  const wrong = checkWebhookUrl(url, insecure);
  if (wrong !== null) throw new Error(wrong);
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  const signal = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      headers: { ...headers, 'content-length': String(body.length) },
      agent: false, // no connection is kept for a stranger
      lookup: insecure ? undefined : publicLookup,
      signal,
    };
    const request = send(url, options, (response) => {
      resolve(response.statusCode ?? 0);
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) response.destroy();
      });
      response.on('error', () => undefined); // cut off after its status was read
    });
    request.on('error', (error) => reject(signal.aborted ? new Error(`no answer within ${timeoutMs} ms`) : error));
    request.end(body);
  });
}

/** Resolves as usual and gives only public addresses on. */
const publicLookup: LookupFunction = (host, options, done) => {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    const [first, ...others] = (error === null ? addresses : []).filter(({ address }) => isPublicAddress(address));
    if (first === undefined) return done(error ?? new Error(`${host} has no public address`), '', 0);
    if (options.all === true) return done(null, [first, ...others]);
    done(null, first.address, first.family);
  });
};
