/** Who signed an act, as registered at the moment it is judged. */
export interface ActingPerson {
  /** Party id. */
  readonly person: string;
  /** Key the act was signed with. */
  readonly kid: string;
  readonly roles: readonly string[];
}

export type ApprovalRefusal = 'requester_not_operator' | 'approver_not_approver' | 'same_person' | 'same_key';

export type ApprovalDecision =
  { readonly outcome: 'granted' } | { readonly outcome: 'refused'; readonly because: ApprovalRefusal };

/**
 * Decides whether two signatures are two people's: an operator asks, an approver approves, and nobody approves their own
 * request. Told apart by person and by key, because one key enrolled for two names is still one key.
 */
export function decideApproval(requester: ActingPerson, approver: ActingPerson): ApprovalDecision {
  const refused = (because: ApprovalRefusal): ApprovalDecision => ({ outcome: 'refused', because });
  if (requester.person === approver.person) return refused('same_person');
  if (requester.kid === approver.kid) return refused('same_key');
  if (!requester.roles.includes('operator')) return refused('requester_not_operator');
  if (!approver.roles.includes('approver')) return refused('approver_not_approver');
  return { outcome: 'granted' };
}
