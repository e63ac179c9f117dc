/** The six statements a bundle proves, in the order they are reported (C10–C15). */
export const STATEMENTS = [
  'authorization',
  'trust_continuity',
  'lineage',
  'enforcement',
  'audit',
  'execution',
] as const;
export type StatementName = (typeof STATEMENTS)[number];

export interface StatementReport {
  readonly name: StatementName;
  readonly holds: boolean;
  /** Index in the log of the first leaf that is at fault, or that the fault is about; `null`: no leaf in particular. */
  readonly first_bad: number | null;
  /** What was found, for people. */
  readonly detail: string;
}

/** The five kinds of proof a bundle is made of (E10), in the order they are reported. */
export const PROOFS = [
  'governance',
  'trust_continuity',
  'synchronization',
  'authorization_continuity',
  'operational_evidence',
] as const;
export type ProofName = (typeof PROOFS)[number];

export interface ProofReport {
  readonly name: ProofName;
  /** Every statement it rests on holds, and none of its parts is missing. */
  readonly holds: boolean;
  readonly rests_on: readonly StatementName[];
  /** What it is made of and the bundle does not carry, or carries without content. */
  readonly missing: readonly string[];
}

export interface BundleReport {
  /** Every statement holds and, when a replay was asked for, it gave the same bytes. */
  readonly valid: boolean;
  readonly statements: readonly StatementReport[];
  /** The same by the five kinds of proof: what was withheld from who asked makes one fail, and no statement. */
  readonly proofs: readonly ProofReport[];
  /** `'bundle'`: the domain's keys are the bundle's own word, so it proves nothing about who the domain is. */
  readonly trust: 'given' | 'bundle';
  /** Leaves whose payload was redacted or withheld: in the tree, their content unknown. */
  readonly redacted: number;
  /** `null`: not asked for; `'identical'`; else why not: what differs, `'other rules'`, `'withheld'`. */
  readonly replay: string | null;
}

/** Ends a statement: what does not hold and, if it is about one leaf, which. Caught in `verifyBundle`. */
export class BundleFault extends Error {
  constructor(
    /** Index in the log. */
    readonly index: number | null,
    detail: string,
  ) {
    super(detail);
  }
}

/** @throws {BundleFault} always: written as a call so that a check reads as one line */
export function refuse(index: number | null, detail: string): never {
  throw new BundleFault(index, detail);
}
