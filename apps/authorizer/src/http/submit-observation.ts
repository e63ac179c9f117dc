import { type Answer, jsonAnswer, keyAgrees, problemOf } from '@spendgate/http-edge';
import { TOPICS } from '@spendgate/messaging';
import { findRefusal, isStandingResult, readLanePlaces } from '@spendgate/store';
import { type Refusal, refuse } from '../intake/candidate.js';
import { type Observation, readObservation } from '../observing/observation.js';
import { attesterNeeds, verifyObservations } from '../observing/verify-observations.js';
import { appendAndWait } from './append-and-wait.js';
import { type Submission, type SubmitParts, atTheDoor } from './submit-intent.js';

/**
 * The HTTP door of `observations.v1`: decides nothing. It appends what verifies under its agent, and waits for what the
 * partition's owner makes of it.
 */
export class SubmitObservation {
  constructor(private readonly parts: Omit<SubmitParts, 'answers'>) {}

  async execute(submission: Submission): Promise<Answer> {
    const verified = await this.verify(submission.body);
    if ('code' in verified) return problemOf(verified.code);
    if (!keyAgrees(submission.idempotencyKey, verified.claims.jti)) {
      return problemOf('malformed', { field: 'Idempotency-Key' });
    }
    return this.append(verified, submission);
  }

  /** Form and signature, as the owner of the partition will see them again. */
  private async verify(body: Buffer): Promise<Observation | Refusal> {
    const { registry, clock, issuer } = this.parts;
    const record = atTheDoor(body, clock.nowMs(), TOPICS.observations);
    const read = readObservation(record);
    if (!read.ok) return read.refusal;
    const facts = await registry.at(attesterNeeds([read.value]));
    const [verified] = await verifyObservations([read.value], { facts, issuer, atMs: clock.nowMs() });
    if (verified === undefined) return refuse(record, 'internal_denied').refusal;
    return verified.ok ? verified.value : verified.refusal;
  }

  private async append({ record, claims }: Observation, submission: Submission): Promise<Answer> {
    const { pool } = this.parts;
    const { iss: source, sub: agent, jti } = claims;
    const appended = { topic: TOPICS.observations, key: agent, value: record.value, id: jti, source };
    const judged = await appendAndWait(this.parts, appended, submission, async (lane, offset) => {
      const [standing] = await readLanePlaces(pool, [lane]);
      return standing !== undefined && standing.next > offset ? { lane, offset } : undefined;
    });
    if (judged === undefined) return jsonAnswer(202, { agent, jti, retry_after: 1 }, { 'retry-after': '1' });
    const refusal = await findRefusal(pool, judged.lane, judged.offset);
    if (refusal !== undefined) return problemOf(refusal.code, { field: refusal.field });
    const recorded = await isStandingResult(pool, agent, record.value?.toString('latin1') ?? '');
    return jsonAnswer(201, { agent, jti, recorded });
  }
}
