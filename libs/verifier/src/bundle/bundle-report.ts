import type { BundleKind } from '@spendgate/codec';

/** The six statements a bundle proves, in the order they are reported (C10–C15). */
export const STATEMENTS = [
  'authorization',
  'trust_continuity',
  'lineage',
  'enforcement',
  'audit',
  'execution',
] as const;

/** What the bundle of an incident proves: how it was stopped, that it stood still, by whom it went on or ended. */
export const INCIDENT_STATEMENTS = [
  'signal',
  'containment',
  'standstill',
  'people',
  'clearing',
  'closing',
  'trust_continuity',
  'audit',
] as const;

/** What the bundle of a time range proves: that no leaf is missing, and what they add up to. */
export const RANGE_STATEMENTS = ['completeness', 'totals', 'trust_continuity', 'audit'] as const;

export type StatementName = (typeof STATEMENTS | typeof INCIDENT_STATEMENTS | typeof RANGE_STATEMENTS)[number];

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
  /** What the bundle is about; `null`: the file is none. */
  readonly kind: BundleKind | null;
  /** Every statement holds and, when a replay was asked for, it gave the same bytes. */
  readonly valid: boolean;
  readonly statements: readonly StatementReport[];
  /**
   * The same by the five kinds of proof, for an artifact and a settlement: what was withheld from who asked makes one
   * fail, and no statement.
   */
  readonly proofs: readonly ProofReport[];
  /** What somebody might take this file to prove and it does not, in words; for an incident and a range. */
  readonly not_proven: readonly string[];
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
