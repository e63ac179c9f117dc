import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, NoAnswerError, type SpendgateClient } from '@spendgate/client';
import { eventHeaders } from '@spendgate/codec';
import { type EventPublisher, type OutgoingRecord, TOPICS } from '@spendgate/messaging';
import { runBounded } from './bounded.js';
import { type IntentResult, acceptedResult, intentResult } from './intent-result.js';
import { type IntentLine, intentOf } from './plain-intents.js';

/** Intents signed and produced at a time: several Kafka requests' worth, a few MB. */
const BATCH = 2_000;
/** Reads under way at once while waiting for decisions. */
const READS_AT_ONCE = 64;
const POLL_MS = { first: 25, most: 500 };

type ClientOf = (agent: string) => Promise<SpendgateClient>;
type OnResult = (result: IntentResult, index: number) => void;

/**
 * Produces intents to `payment-intents.v1` under their flow's key, then, when asked to wait, reads each decision over
 * HTTP as its agent.
 *
 * @param waitSeconds patience for each decision; 0: every result is `accepted` once Kafka has the record
 */
export async function publishOnKafka(
  publisher: EventPublisher,
  lines: readonly IntentLine[],
  clientOf: ClientOf,
  waitSeconds: number,
  onResult: OnResult,
): Promise<void> {
  const onAppended: OnResult = waitSeconds === 0 ? onResult : () => undefined;
  let appending: Promise<unknown> = Promise.resolve();
  for (let first = 0; first < lines.length; first += BATCH) {
    const batch = lines.slice(first, first + BATCH);
    // While one batch is on its way the next is signed; never more, so that memory and order stay as they are.
    const [records] = await Promise.all([signAll(batch, clientOf), appending]);
    appending = publisher
      .publish(TOPICS.paymentIntents, records)
      .then(() => batch.forEach(({ jti }, at) => onAppended(acceptedResult(jti), first + at)));
  }
  await appending;
  if (waitSeconds === 0) return;
  const read = async (line: IntentLine): Promise<IntentResult> =>
    readDecision(await clientOf(line.agent), line, waitSeconds);
  await runBounded(lines, READS_AT_ONCE, read, onResult);
}

function signAll(lines: readonly IntentLine[], clientOf: ClientOf): Promise<OutgoingRecord[]> {
  return Promise.all(
    lines.map(async (line) => {
      const { agent, jti, mandate } = line;
      const token = await (await clientOf(agent)).signIntent(intentOf(line));
      const naming = { id: `${agent}:${jti}`, source: agent, timeMs: Date.now(), subject: mandate };
      return {
        key: mandate,
        value: Buffer.from(token),
        headers: eventHeaders(TOPICS.paymentIntents, naming),
      };
    }),
  );
}

/** A refused record has no decision, so its intent stays `accepted` here; its code is on `intent-refusals.v1`. */
async function readDecision(
  client: SpendgateClient,
  { jti, mandate }: IntentLine,
  waitSeconds: number,
): Promise<IntentResult> {
  const untilMs = performance.now() + waitSeconds * 1000;
  for (let pollMs = POLL_MS.first; performance.now() < untilMs; pollMs = Math.min(pollMs * 2, POLL_MS.most)) {
    const answer = await client.paymentIntent(jti, mandate).catch(noAnswerYet);
    if (answer !== undefined && answer.status !== 404) return intentResult(jti, answer);
    await pause(pollMs);
  }
  return acceptedResult(jti);
}

/** The service may be restarting: what it decided meanwhile is there when it answers again. */
function noAnswerYet(error: unknown): Answer | undefined {
  if (error instanceof NoAnswerError) return undefined;
  throw error;
}
