import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, NoAnswerError, type SpendgateClient } from '@spendgate/client';
import { type IntentResult, intentResult } from './intent-result.js';
import { type IntentLine, intentOf } from './plain-intents.js';

/** How long one intent is tried again while the service restarts or asks for patience. */
const PATIENCE_MS = 60_000;
const BACKOFF_MS = { first: 100, most: 2_000 };

/** Rate limited, still being decided, or for the moment not able to decide: asking again is what helps. */
const isTemporary = ({ status, body }: Answer): boolean =>
  status === 429 || status === 503 || (status === 409 && body.code === undefined);

/**
 * Hands one intent to the HTTP door. An intent that got no answer is sent again, which is harmless: its `jti` is its
 * retry key, so whatever became of the first one is the answer.
 *
 * @param waitSeconds 0: resolves as soon as the intent is in the log
 * @throws {NoAnswerError} nothing answered for a minute
 */
export async function publishOverHttp(
  client: SpendgateClient,
  line: IntentLine,
  waitSeconds: number,
): Promise<IntentResult> {
  const token = await client.signIntent(intentOf(line));
  const untilMs = performance.now() + PATIENCE_MS;
  for (let backoffMs = BACKOFF_MS.first; ; backoffMs = Math.min(backoffMs * 2, BACKOFF_MS.most)) {
    const isLast = performance.now() + backoffMs >= untilMs;
    const answer = await client.publish(token, waitSeconds).catch((error: unknown) => {
      if (error instanceof NoAnswerError && !isLast) return undefined;
      throw error;
    });
    if (answer !== undefined && (isLast || !isTemporary(answer))) return intentResult(line.jti, answer);
    await pause(backoffMs);
  }
}
