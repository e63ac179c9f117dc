import { type Answer, jsonAnswer, keyAgrees, problemOf } from '@spendgate/http-edge';
import { TOPICS } from '@spendgate/messaging';
import { type DecisionView, findRefusal, readDecision, readDecisionsByIntent } from '@spendgate/store';
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
    const newest = await this.newest(intentId);
    if (newest !== undefined && newest.decisionId !== decisionId) return replayed(newest);
    return this.append(verified, waited, submission);
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
    { record, claims, intentId }: VerifiedApproval,
    waited: DecisionView,
    submission: Submission,
  ): Promise<Answer> {
    const { pool } = this.parts;
    const { jti: id, iss: source } = claims;
    const appended = { topic: TOPICS.paymentIntents, key: waited.flowId, value: record.value, id, source };
    const look = async (lane: string, offset: bigint) => {
      const newest = await this.newest(intentId);
      const refusal = await findRefusal(pool, lane, offset);
      return refusal ?? (newest?.supersedes === waited.decisionId ? newest : undefined);
    };
    const found = await appendAndWait(this.parts, appended, submission, look, [intentId]);
    if (found === undefined)
      return jsonAnswer(202, { outcome: null, intent_id: intentId, retry_after: 1 }, { 'retry-after': '1' });
    if ('outcome' in found) return jsonAnswer(200, shown(found));
    return problemOf(found.code, { field: found.field, decision_id: found.decisionId });
  }

  private async newest(intentId: string): Promise<DecisionView | undefined> {
    const [view] = await readDecisionsByIntent(this.parts.pool, [intentId]);
    return view;
  }
}

/** What came of it. The artifact is the agent's and the settlement service's, so the approver is told its id only. */
function shown({ intentId, decisionId, supersedes, outcome, code, field, artifactId }: DecisionView) {
  return {
    outcome,
    code,
    field,
    intent_id: intentId,
    decision_id: decisionId,
    supersedes,
    artifact_id: artifactId,
  };
}

function replayed(newest: DecisionView): Answer {
  return problemOf('intent_replayed', { decision_id: newest.decisionId });
}
