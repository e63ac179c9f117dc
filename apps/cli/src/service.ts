import type { Signer } from '@spendgate/artifact';
import { SpendgateClient } from '@spendgate/client';
import { StartError } from '@spendgate/platform';

const DISCOVERY_TIMEOUT_MS = 5_000;

/** Base URL of the running service: `--url`, `SPENDGATE_PUBLIC_URL`, else this machine's port. */
export function serviceUrl(url: string | undefined): string {
  const { SPENDGATE_PUBLIC_URL, SPENDGATE_PORT = '8080' } = process.env;
  return url ?? SPENDGATE_PUBLIC_URL ?? `http://127.0.0.1:${SPENDGATE_PORT}`;
}

/**
 * The issuer a service answers for: `SPENDGATE_ISSUER`, else what its `/.well-known/spendgate` says, which the `log` role
 * and `up` serve.
 *
 * @throws {StartError} nothing answers there
 */
export async function discoverIssuer(url: string): Promise<string> {
  if (process.env.SPENDGATE_ISSUER !== undefined) return process.env.SPENDGATE_ISSUER;
  const document = await getJson(new URL('/.well-known/spendgate', url).href);
  if (typeof document === 'object' && document !== null && 'issuer' in document) {
    if (typeof document.issuer === 'string') return document.issuer;
  }
  throw new StartError(
    `${url} is no Spendgate service: its /.well-known/spendgate names no issuer. Set SPENDGATE_ISSUER`,
  );
}

/** A client that acts as one party. */
export async function clientFor(url: string, party: string, signer: Signer): Promise<SpendgateClient> {
  return new SpendgateClient({ url, issuer: await discoverIssuer(url), party, signer });
}

/** Seconds a person at a terminal waits for what came of a signed object. */
const ANSWER_WAIT_SECONDS = 10;
const ANSWER_TIMEOUT_MS = 15_000;

/**
 * Sends one signed object and waits for what comes of it.
 *
 * @returns the answer's body, a denial's too
 * @throws {StartError} when nothing answers
 */
export async function postAnswer(url: string, path: string, token: string): Promise<Readonly<Record<string, unknown>>> {
  const headers = { 'content-type': 'application/jwt', prefer: `wait=${ANSWER_WAIT_SECONDS}` };
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  try {
    const response = await fetch(new URL(path, url), { method: 'POST', headers, body: token, signal });
    const body: unknown = await response.json();
    return typeof body === 'object' && body !== null ? { ...body } : { answer: body };
  } catch (cause) {
    throw nothingAnswers(url, cause);
  }
}

/** @throws {StartError} when nothing answers, with the two ways to mend it */
export async function getJson(url: string): Promise<unknown> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(DISCOVERY_TIMEOUT_MS) });
    return await response.json();
  } catch (cause) {
    throw nothingAnswers(url, cause);
  }
}

function nothingAnswers(url: string, cause: unknown): StartError {
  return new StartError(`nothing answers at ${url}: start it with \`spendgate up\`, or name it with --url`, { cause });
}
