import type { AdmissionFacts, CountedResult, FlowState, Intent } from '@spendgate/core';
import type { Candidate } from '../intake/candidate.js';

/** The decision by which an intent waits: the one made now supersedes it. */
export interface Waiting {
  readonly decisionId: string;
  readonly attempt: number;
  /** First instant at which it waits no more, Unix ms. */
  readonly untilMs: number;
  readonly leafHash: Buffer;
}

/** One intent with what core made of it: all that rows, leaves and events are written from. */
export interface DecidedIntent {
  readonly candidate: Candidate;
  readonly intent: Intent;
  readonly decisionId: string;
  readonly waiting: Waiting | null;
  readonly facts: AdmissionFacts;
  readonly result: CountedResult;
  /** State of the flow before this decision; `null` when there is no flow. */
  readonly flowBefore: FlowState | null;
  /** Leaf hashes of what it rests on, base64url: the mandate as registered, the decision it supersedes. */
  readonly causes: readonly string[];
}
