import { PROOFS, type ProofName, type ProofReport, type StatementName, type StatementReport } from './bundle-report.js';
import type { OpenedBundle } from './opened-bundle.js';

interface ProofRule {
  readonly restsOn: readonly StatementName[];
  readonly parts: Readonly<Record<string, (opened: OpenedBundle) => boolean>>;
}

/** A leaf of that type whose content is there. */
const leaf =
  (type: string) =>
  ({ leaves }: OpenedBundle): boolean =>
    leaves.some((each) => each.leaf?.type === type && each.payload !== null);

const RULES: Readonly<Record<ProofName, ProofRule>> = {
  // Who set the rules: the policy in force and the grants, each where the log recorded it.
  governance: {
    restsOn: ['trust_continuity', 'lineage', 'audit'],
    parts: { policy: leaf('policy_activated'), mandate: leaf('mandate_registered') },
  },
  // The same keys and the same baseline from before the decision on.
  trust_continuity: {
    restsOn: ['trust_continuity', 'audit'],
    parts: { keys: leaf('key_changed'), baseline: leaf('flow_baseline_set') },
  },
  // The state everybody could see then: the signed head and the status list.
  synchronization: {
    restsOn: ['trust_continuity', 'audit'],
    parts: { status_list: ({ bundle }) => bundle.synchronization.status_list !== null },
  },
  // From the grant by the request and the decision to the artifact, nothing widened on the way.
  authorization_continuity: {
    restsOn: ['authorization', 'lineage', 'enforcement', 'audit'],
    parts: {
      decision: leaf('decision_authorized'),
      artifact: ({ bundle }) => bundle.proof.artifact.token !== null,
    },
  },
  // What was done with it, each step signed by who did it; nothing done is what it says then.
  operational_evidence: {
    restsOn: ['enforcement', 'execution', 'audit'],
    parts: {
      decision: leaf('decision_authorized'),
      receipts: ({ bundle }) => bundle.proof.settlements.every(({ receipt }) => receipt !== null),
    },
  },
};

/** @param opened `null`: the file is no bundle, so every part is missing */
export function judgeProofs(opened: OpenedBundle | null, statements: readonly StatementReport[]): ProofReport[] {
  return PROOFS.map((name) => {
    const { restsOn, parts } = RULES[name];
    const missing = Object.keys(parts).filter((part) => opened === null || parts[part]?.(opened) !== true);
    const stands = restsOn.every((wanted) => statements.some((each) => each.name === wanted && each.holds));
    return { name, holds: stands && missing.length === 0, rests_on: restsOn, missing };
  });
}
