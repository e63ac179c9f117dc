import { encodeLeaf } from '@spendgate/codec';
import type { VerifiedApproval } from '../intake/verify-approval.js';
import type { ComposedLeaf, Naming } from './compose-decision.js';
import type { Waiting } from './decided-intent.js';

/**
 * The person's act by value, in the transaction of the decision it led to, which names it as a cause. Its own cause is
 * the decision by which the intent waited: that is what the person looked at.
 */
export function approvalLeaf(
  { action, approver, claims, intentId, changeHash, jws, record }: VerifiedApproval,
  waiting: Waiting,
  judgedAtMs: number,
  { issuer, salts }: Pick<Naming, 'issuer' | 'salts'>,
): ComposedLeaf {
  const salt = salts.salt();
  const payload = {
    act: action,
    change_hash: changeHash,
    decision_id: waiting.decisionId,
    origin: { offset: String(record.offset), partition: record.partition, topic: record.topic },
    person: approver.person,
    person_kid: approver.kid,
    reason: claims.reason,
    target: { kind: 'intent', id: intentId },
    token: jws,
  };
  const causes = [waiting.leafHash.toString('base64url')];
  return { ...encodeLeaf({ domain: issuer, type: 'ops_action', timeMs: judgedAtMs, payload, salt, causes }), salt };
}
