/** What a drift is about. `spend` is the statistical one, `operator` a person's halt. */
export const CAUSE_KINDS = [
  'policy',
  'identity',
  'environment',
  'lineage',
  'ledger',
  'settlement',
  'audit',
  'domain',
  'spend',
  'operator',
] as const;
export type CauseKind = (typeof CAUSE_KINDS)[number];

/** Facts looked up when a cause is cleared; a document is named by its hash in the act. */
export const EVIDENCE = [
  'fresh_attestation',
  'active_keys',
  'active_policy',
  'books_balanced',
  'document',
  'word',
] as const;
export type Evidence = (typeof EVIDENCE)[number];

interface Clearing {
  /** Role of who may clear it. */
  readonly by: 'operator' | 'approver';
  readonly evidence: Evidence;
  /** What has to happen first, for people. */
  readonly how: string;
}

/**
 * Who may clear a cause, and on what. Where a fact can be looked up, a person's word is not enough: the act is refused
 * until the fact is there. Who moves money for a living does not clear what became of it: that takes an approver.
 */
export const CLEARING: Readonly<Record<CauseKind, Clearing>> = {
  policy: { by: 'approver', evidence: 'active_policy', how: 'activate the policy again by two people' },
  identity: {
    by: 'operator',
    evidence: 'active_keys',
    how: 'take unsigned keys away; change keys by a signed transition',
  },
  environment: { by: 'operator', evidence: 'fresh_attestation', how: 'attest the runtime anew, as a reference value' },
  lineage: { by: 'approver', evidence: 'document', how: 'find out what became of the parent; name the finding' },
  ledger: { by: 'approver', evidence: 'books_balanced', how: 'reconcile until every level adds up' },
  settlement: {
    by: 'approver',
    evidence: 'document',
    how: "reconcile with the rail's report; name the reconciliation",
  },
  audit: { by: 'approver', evidence: 'document', how: 'verify the log; name the report' },
  domain: { by: 'approver', evidence: 'document', how: "compare the peer's heads; name the finding" },
  spend: { by: 'operator', evidence: 'word', how: 'ask the principal whether the spending is meant' },
  operator: { by: 'operator', evidence: 'word', how: 'say why the halt may end' },
};

export type ClearingProblem = 'cause_unknown' | 'role_missing' | 'evidence_missing';

/**
 * Decides whether a person may clear a cause.
 *
 * @param facts of the evidence kinds, those that hold now; a kind that is not in it does not
 */
export function decideClearing(
  kind: string,
  roles: readonly string[],
  facts: ReadonlySet<Evidence>,
): ClearingProblem | null {
  if (!isCauseKind(kind)) return 'cause_unknown';
  const { by, evidence } = CLEARING[kind];
  if (!roles.includes(by)) return 'role_missing';
  return facts.has(evidence) ? null : 'evidence_missing';
}

export function isCauseKind(value: string): value is CauseKind {
  return (CAUSE_KINDS as readonly string[]).includes(value);
}
