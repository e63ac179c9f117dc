import { type Answer, jsonAnswer, keyAgrees, problemOf } from '@spendgate/http-edge';
import { TOPICS } from '@spendgate/messaging';
import { type RenewingArtifact, findRefusal, readDecision, readRenewingArtifact } from '@spendgate/store';
import type { Refusal } from '../intake/candidate.js';
import { decodeRenewal } from '../intake/decode-renewal.js';
import { type VerifiedRenewal, renewerNeeds, verifyRenewal } from '../intake/verify-renewal.js';
import { appendAndWait } from './append-and-wait.js';
import { type Submission, type SubmitParts, atTheDoor } from './submit-intent.js';

/**
 * The HTTP door for renewals: decides nothing. It appends what verifies under the artifact's flow and waits for what the
 * partition's owner makes of it.
 */
export class SubmitRenewal {
  constructor(private readonly parts: SubmitParts) {}

  /** @param artifactId as addressed; the token must mean the same one */
  async execute(artifactId: string, submission: Submission): Promise<Answer> {
    const verified = await this.verify(submission.body);
    if ('code' in verified) return problemOf(verified.code);
    const { claims } = verified;
    if (!keyAgrees(submission.idempotencyKey, claims.jti)) return problemOf('malformed', { field: 'Idempotency-Key' });
    if (claims.artifact.id !== artifactId) return problemOf('scope_mismatch', { field: 'artifact.id' });
    const old = await this.read(verified);
    if (old === undefined) return problemOf('artifact_not_issued', {});
    return old.grantedBy === null ? this.append(verified, old, submission) : this.recorded(old, verified, true);
  }

  /** Form and signature, as the owner of the partition will see them again. */
  private async verify(body: Buffer): Promise<VerifiedRenewal | Refusal> {
    const { registry, clock, issuer } = this.parts;
    const decoded = decodeRenewal(atTheDoor(body, clock.nowMs()));
    if (!decoded.ok) return decoded.refusal;
    const facts = await registry.at(renewerNeeds(decoded.value));
    const verified = await verifyRenewal(decoded.value, { facts, issuer, atMs: clock.nowMs() });
    return verified.ok ? verified.value : verified.refusal;
  }

  private async append(renewal: VerifiedRenewal, old: RenewingArtifact, submission: Submission): Promise<Answer> {
    const { record, claims, renewalId: id } = renewal;
    const { flowId: key, intentId } = old;
    const appended = { topic: TOPICS.paymentIntents, key, value: record.value, id, source: claims.iss };
    const look = async (lane: string, offset: bigint) => {
      const refusal = await findRefusal(this.parts.pool, lane, offset);
      const row = await this.read(renewal);
      return refusal ?? (row === undefined || row.grantedBy === null ? undefined : row);
    };
    const found = await appendAndWait(this.parts, appended, submission, look, [intentId]);
    if (found === undefined) {
      const body = { outcome: null, intent_id: intentId, jti: claims.jti, retry_after: 1 };
      return jsonAnswer(202, body, { 'retry-after': '1' });
    }
    if ('grantedBy' in found) return this.recorded(found, renewal, false);
    const { code, field, decisionId } = found;
    if (decisionId === null) return problemOf(code, { field });
    // The same one was granted between the look above and its place in the log.
    const row = await this.read(renewal);
    return row === undefined ? problemOf(code, { field }) : this.recorded(row, renewal, true);
  }

  private read({ claims, renewalId }: VerifiedRenewal): Promise<RenewingArtifact | undefined> {
    return readRenewingArtifact(this.parts.pool, claims.artifact.id, renewalId);
  }

  /** Same id and body: the decision on record. Same id and another body: a conflict, and the first stays untouched. */
  private async recorded(row: RenewingArtifact, { bodyHash }: VerifiedRenewal, replayed: boolean): Promise<Answer> {
    const { grantedBy, grantedBody } = row;
    if (grantedBody?.equals(bodyHash) !== true) return problemOf('idempotency_conflict', { decision_id: grantedBy });
    const decision = grantedBy === null ? undefined : await readDecision(this.parts.pool, grantedBy);
    return decision === undefined ? problemOf('internal_denied', {}) : this.parts.answers.answer(decision, replayed);
  }
}
