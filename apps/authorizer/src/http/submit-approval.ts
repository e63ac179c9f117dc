import { InvariantError } from '@spendgate/core';
import { type Answer, REPLAYED, jsonAnswer, keyAgrees, problemOf } from '@spendgate/http-edge';
import { TOPICS } from '@spendgate/messaging';
import { type DecisionView, findRefusal, readDecision, readIntentStanding } from '@spendgate/store';
import { recomputeStored } from '@spendgate/verifier';
import { type Refusal, refuse } from '../intake/candidate.js';
import { decodeApproval } from '../intake/decode-approval.js';
import { type VerifiedApproval, approverNeeds, verifyApproval } from '../intake/verify-approval.js';
import { appendAndWait } from './append-and-wait.js';
import { type Submission, type SubmitParts, atTheDoor } from './submit-intent.js';

/**
 * The HTTP door for a person's answer to an intent that waits: decides nothing. It appends what verifies under the
 * intent's flow and waits for what the partition's owner makes of it.
 */
export class SubmitApproval {
  constructor(private readonly parts: Omit<SubmitParts, 'answers'>) {}

  /** @param decisionId the decision by which the intent waits */
  async execute(decisionId: string, submission: Submission): Promise<Answer> {
    const verified = await this.verify(submission.body);
    if ('code' in verified) return problemOf(verified.code);
    const { claims, intentId } = verified;
    if (!keyAgrees(submission.idempotencyKey, claims.jti)) return problemOf('malformed', { field: 'Idempotency-Key' });
    const waited = await readDecision(this.parts.pool, decisionId);
    if (waited?.intentId !== intentId) return problemOf('scope_mismatch', { field: 'targets' });
    const newest = await this.newest(verified);
    if (newest.isCounted) return jsonAnswer(200, await this.shown(newest.decisionId), REPLAYED);
    // Two people may look at one decision at once: who comes second answers the one that says the first has approved.
    const isStill = newest.decisionId === decisionId || (newest.awaitsAnother && newest.supersedes === decisionId);
    if (!isStill) return problemOf('intent_replayed', { decision_id: newest.decisionId });
    return this.append(verified, { flowId: waited.flowId, newest: newest.decisionId }, submission);
  }

  /** Form and signature, as the owner of the partition will see them again. */
  private async verify(body: Buffer): Promise<VerifiedApproval | Refusal> {
    const { registry, clock, issuer } = this.parts;
    const record = atTheDoor(body, clock.nowMs());
    const decoded = decodeApproval(record);
    if (!decoded.ok) return decoded.refusal;
    const facts = await registry.at(approverNeeds(decoded.value));
    const verified = await verifyApproval(decoded.value, { facts, issuer, atMs: clock.nowMs() });
    if (!verified.ok) return verified.refusal;
    // Who may approve nothing at all puts nothing into the log.
    const { approver } = verified.value;
    return approver.roles.includes('approver') ? verified.value : refuse(record, 'scope_mismatch', 'action').refusal;
  }

  private async append(
    verified: VerifiedApproval,
    before: { readonly flowId: string; readonly newest: string },
    submission: Submission,
  ): Promise<Answer> {
    const { record, claims, intentId } = verified;
    const { jti: id, iss: source } = claims;
    const appended = { topic: TOPICS.paymentIntents, key: before.flowId, value: record.value, id, source };
    const look = async (lane: string, offset: bigint) => {
      const refusal = await findRefusal(this.parts.pool, lane, offset);
      if (refusal !== undefined) return refusal;
      const { decisionId, isCounted, awaitsAnother } = await this.newest(verified);
      // That another person was counted meanwhile is not what came of this answer.
      const isOurs = decisionId !== before.newest && (isCounted || !awaitsAnother);
      return isOurs ? this.shown(decisionId) : undefined;
    };
    const found = await appendAndWait(this.parts, appended, submission, look, [intentId]);
    if (found === undefined)
      return jsonAnswer(202, { outcome: null, intent_id: intentId, retry_after: 1 }, { 'retry-after': '1' });
    if ('outcome' in found) return jsonAnswer(200, found);
    return problemOf(found.code, { field: found.field, decision_id: found.decisionId });
  }

  /** Where the intent stands, as it concerns this answer. */
  private async newest({ intentId, jws }: VerifiedApproval): Promise<Newest> {
    const standing = await readIntentStanding(this.parts.pool, intentId);
    if (standing === undefined) throw new InvariantError('ERR_STORED_DECISION', `no decision on intent ${intentId}`);
    if (!standing.waits) return { decisionId: standing.decisionId, ...OVER };
    const { decisionId, supersedes, approvals } = standing.row;
    return { decisionId, supersedes, isCounted: approvals.includes(jws), awaitsAnother: approvals.length > 0 };
  }

  /** What came of it. The artifact is the agent's and the settlement service's, so the approver is told its id only. */
  private async shown(id: string): Promise<Shown> {
    const view = await readDecision(this.parts.pool, id);
    if (view === undefined) throw new InvariantError('ERR_STORED_DECISION', `no decision ${id}`);
    const awaits = view.outcome === 'parked' ? recomputeStored(view).result.awaits : null;
    return {
      outcome: view.outcome,
      code: view.code,
      field: view.field,
      ...(awaits === null ? {} : { approvals: awaits }),
      intent_id: view.intentId,
      decision_id: view.decisionId,
      supersedes: view.supersedes,
      artifact_id: view.artifactId,
    };
  }
}

interface Newest {
  readonly decisionId: string;
  /** The decision it took the place of; `null` also when it waits no more. */
  readonly supersedes: string | null;
  /** This very answer is among the approvals it has. */
  readonly isCounted: boolean;
  /** Somebody has approved, and it waits for another. */
  readonly awaitsAnother: boolean;
}

const OVER = { supersedes: null, isCounted: false, awaitsAnother: false };

type Shown = Pick<DecisionView, 'outcome' | 'code' | 'field' | 'supersedes'> & Readonly<Record<string, unknown>>;
