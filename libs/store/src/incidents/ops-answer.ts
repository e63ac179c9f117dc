import type { DenialCode } from '@spendgate/core';

/** What an act changed. */
export interface OpsChange {
  readonly kind: string;
  readonly id: string;
  readonly change: string;
}

/** What came of a person's act; told again, marked as replayed, when the same token comes again. */
export interface OpsDone {
  readonly ok: true;
  readonly act: string;
  readonly action: string;
  /** `waiting`: another person must sign; what could be stopped at once is stopped. */
  readonly state: 'done' | 'waiting';
  /** Of a waiting act: what the other person signs for. */
  readonly contentHash: string;
  readonly changes: readonly OpsChange[];
  readonly replayed: boolean;
}

/** `stale`: it moved on since the person looked. `conflict`: it is not to be done as things stand. `forbidden`: not this person. */
export interface OpsRefusal {
  readonly ok: false;
  readonly because: 'unverified' | 'invalid' | 'forbidden' | 'absent' | 'stale' | 'conflict' | 'evidence_missing';
  /** Of an unverified one. */
  readonly code?: DenialCode;
  readonly problem: string;
}
export type OpsAnswer = OpsDone | OpsRefusal;

/** Ends an act and its transaction: nothing of it happened. */
export class OpsRefused extends Error {
  constructor(readonly refusal: OpsRefusal) {
    super(refusal.problem);
  }
}

export function refuseOps(because: OpsRefusal['because'], problem: string): never {
  throw new OpsRefused({ ok: false, because, problem });
}
