import type { AdmissionDenial } from '../denials.js';
import type { ActingPerson } from '../recovery/decide-approval.js';
import { isSameApprover } from './approvals.js';
import type { Approver } from './types.js';

/** What a person signed about an intent that waits. Who signed is established before. */
export interface ApprovalAct {
  readonly approver: ActingPerson;
  /** base64url `decision_hash` of the decision by which the intent waited when the person looked at it. */
  readonly changeHash: string;
  readonly says: 'approved' | 'refused';
}

/** A person's approval that stands, while a second one is awaited. */
export interface GivenApproval extends Approver {
  /** base64url `decision_hash` they looked at. */
  readonly changeHash: string;
}

/** The decision by which an intent waits, and who asked. */
export interface AwaitedApproval {
  /** Why it waits. */
  readonly code: string | null;
  /** base64url. */
  readonly decisionHash: string;
  /** The agent, and every principal in whose name it spends: ids of parties. */
  readonly askedBy: readonly string[];
  /** Key the intent was signed with. */
  readonly askedWith: string;
  /** Of others, while it waits for another still. */
  readonly given: readonly GivenApproval[];
}

export interface ApprovalProblem {
  readonly code: AdmissionDenial;
  /** Member of the act the code is about. */
  readonly field: string | null;
}

/**
 * Checks that this person may answer for this intent, and did so for this very decision. It can only refuse the act:
 * whether the intent is authorized is decided afterwards, by the rules every intent meets.
 *
 * Nobody approves what they asked, nor twice, told apart by party and by key: one key enrolled for two names is one key
 * (I10). Who approved may still refuse. Two who looked at the same decision approve the same: the second need not look
 * again at the one that says that the first did.
 *
 * @returns the first problem, or `null`
 */
export function checkApproval(
  { approver, changeHash, says }: ApprovalAct,
  { code, decisionHash, askedBy, askedWith, given }: AwaitedApproval,
): ApprovalProblem | null {
  if (code === 'flow_contained') return { code, field: null }; // it waits for a release, and no approval is one
  if (!approver.roles.includes('approver')) return { code: 'scope_mismatch', field: 'action' };
  if (askedBy.includes(approver.person) || askedWith === approver.kid) return { code: 'scope_mismatch', field: 'iss' };
  if (says === 'approved' && given.some((one) => isSameApprover(one, approver))) {
    return { code: 'scope_mismatch', field: 'same_person' };
  }
  const isSeen = changeHash === decisionHash || given.some((one) => one.changeHash === changeHash);
  if (!isSeen) return { code: 'scope_mismatch', field: 'change_hash' };
  return null;
}
