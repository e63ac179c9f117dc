import { type Answer, jsonAnswer, keyAgrees, problemOf } from '@spendgate/http-edge';
import { type EventTransport, TOPICS, type TransportRecord } from '@spendgate/messaging';
import type { Clock } from '@spendgate/platform';
import {
  type DecisionView,
  type Pool,
  type Registry,
  findRefusal,
  readDecision,
  readDecisionsByIntent,
} from '@spendgate/store';
import { needsOf } from '../deciding/facts.js';
import { type Candidate, type Refusal, refuse } from '../intake/candidate.js';
import { decodeIntent } from '../intake/decode-intent.js';
import { verifyIntents } from '../intake/verify-intents.js';
import { appendAndWait } from './append-and-wait.js';
import type { DecisionAnswers } from './decision-answers.js';
import type { DecisionWaiters } from './decision-waiters.js';

/** Intents of this process on their way to a decision; more are not tracked, and then simply meet dedup later. */
const IN_FLIGHT_MAX = 100_000;

export interface Submission {
  readonly body: Buffer;
  /** `Idempotency-Key`, if sent: must name the token's `jti`. */
  readonly idempotencyKey: string | undefined;
  readonly traceparent: string | undefined;
  /** `Prefer: wait=N`; 0: do not wait. */
  readonly waitMs: number;
}

export interface SubmitParts {
  readonly pool: Pool;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly transport: EventTransport;
  readonly waiters: DecisionWaiters;
  readonly answers: DecisionAnswers;
  readonly issuer: string;
}

/**
 * The HTTP door of `payment-intents.v1`: decides nothing. It lets in what is in form and verifies, so that rubbish never
 * enters the log, appends it under its key, and waits for what the partition's owner makes of it.
 */
export class SubmitIntent {
  private readonly inFlight = new Map<string, Buffer>();

  constructor(private readonly parts: SubmitParts) {}

  async execute(submission: Submission): Promise<Answer> {
    const verified = await this.verify(submission.body);
    if ('code' in verified) return problemOf(verified.code);
    const { claims, intentId, bodyHash } = verified;
    if (!keyAgrees(submission.idempotencyKey, claims.jti)) return problemOf('malformed', { field: 'Idempotency-Key' });
    const recorded = await this.recorded(intentId);
    if (recorded !== undefined) return this.repeat(recorded, verified);
    const running = this.inFlight.get(intentId);
    if (running !== undefined) return running.equals(bodyHash) ? STILL_RUNNING : problemOf('idempotency_conflict', {});
    if (this.inFlight.size < IN_FLIGHT_MAX) this.inFlight.set(intentId, bodyHash);
    try {
      return await this.append(verified, submission);
    } finally {
      this.inFlight.delete(intentId);
    }
  }

  /** Form and signature, as the owner of the partition will see them again. */
  private async verify(body: Buffer): Promise<Candidate | Refusal> {
    const { registry, clock, issuer } = this.parts;
    const decoded = decodeIntent(atTheDoor(body, clock.nowMs()));
    if (!decoded.ok) return decoded.refusal;
    const facts = await registry.at(needsOf([decoded.value]));
    const [verified] = await verifyIntents([decoded.value], {
      keys: (kid) => facts.key(kid),
      isAgent: (id) => facts.party('agent', id) !== undefined,
      issuer,
      atMs: clock.nowMs(),
    });
    if (verified === undefined) return refuse(decoded.value.record, 'internal_denied').refusal;
    return verified.ok ? verified.value : verified.refusal;
  }

  private async append(candidate: Candidate, submission: Submission): Promise<Answer> {
    const { claims, intentId, record } = candidate;
    const { pool, answers } = this.parts;
    const appended = {
      topic: TOPICS.paymentIntents,
      key: claims.mandate,
      value: record.value,
      id: intentId,
      source: claims.iss,
    };
    const look = async (lane: string, offset: bigint) =>
      (await this.recorded(intentId)) ?? (await findRefusal(pool, lane, offset));
    const found = await appendAndWait(this.parts, appended, submission, look, [intentId]);
    if (found === undefined) return acceptedAnswer(candidate);
    if ('outcome' in found) return answers.answer(found, false);
    const first = found.decisionId === null ? undefined : await readDecision(pool, found.decisionId);
    return first === undefined ? problemOf(found.code, { field: found.field }) : this.repeat(first, candidate);
  }

  private async recorded(intentId: string): Promise<DecisionView | undefined> {
    const [view] = await readDecisionsByIntent(this.parts.pool, [intentId]);
    return view;
  }

  /** Same id and body: the same answer, flagged. Same id and another body: a conflict, and the first stays untouched. */
  private repeat(view: DecisionView, { bodyHash }: Candidate): Promise<Answer> | Answer {
    if (view.bodyHash.equals(bodyHash)) return this.parts.answers.answer(view, true);
    return problemOf('idempotency_conflict', { decision_id: view.decisionId });
  }
}

/** A request has no place in the log yet; only its value is looked at. */
export function atTheDoor(
  value: Buffer,
  appendedAtMs: number,
  topic: TransportRecord['topic'] = TOPICS.paymentIntents,
): TransportRecord {
  return { topic, partition: 0, offset: 0n, key: null, value, headers: {}, appendedAtMs };
}

function acceptedAnswer({ claims, intentId }: Candidate): Answer {
  const location = `/v1/payment-intents/${encodeURIComponent(claims.jti)}?mandate=${claims.mandate}`;
  const body = { outcome: null, intent_id: intentId, jti: claims.jti, retry_after: 1 };
  return jsonAnswer(202, body, { location, 'retry-after': '1' });
}

/** No denial: the first request with this key has not been answered yet. */
const STILL_RUNNING: Answer = {
  status: 409,
  headers: { 'content-type': 'application/problem+json', 'retry-after': '1' },
  body: {
    type: 'about:blank',
    title: 'the same intent is still being decided',
    status: 409,
    retryable: true,
    retry_after: 1,
  },
};
