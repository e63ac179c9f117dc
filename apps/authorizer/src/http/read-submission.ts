import { type EdgeRequest, headerOf, jsonAnswer, waitSecondsOf } from '@spendgate/http-edge';
import type { Submission } from './submit-intent.js';

export const UNSUPPORTED = {
  ...jsonAnswer(415, { type: 'about:blank', title: 'send one signed object as application/jwt', status: 415 }),
  headers: { 'content-type': 'application/problem+json' },
};

/** One signed object with how it was sent; `undefined`: the body is something else, see {@link UNSUPPORTED}. */
export function readSubmission(request: EdgeRequest, waitSecondsMax: number): Submission | undefined {
  const type = headerOf(request, 'content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/jwt' || !Buffer.isBuffer(request.body)) return undefined;
  return {
    body: request.body,
    idempotencyKey: headerOf(request, 'idempotency-key'),
    traceparent: headerOf(request, 'traceparent'),
    waitMs: waitSecondsOf(headerOf(request, 'prefer'), waitSecondsMax) * 1000,
  };
}
