import type { CauseKind } from '../recovery/causes.js';

/** What shows that something a flow rests on has broken: deterministic, so a replay finds the same. */
export interface DriftSignal {
  readonly kind: CauseKind;
  /** Id of the rule that found it; never renamed. */
  readonly rule: string;
  /** Plain JSON for people and for the leaf. */
  readonly evidence: Readonly<Record<string, string | number | null>>;
}
