import type { AdmissionFacts, CountedResult, FlowState, Intent } from '@spendgate/core';
import type { Candidate } from '../intake/candidate.js';

/** The decision whose place the one made now takes. */
export interface Superseded {
  readonly decisionId: string;
  readonly attempt: number;
  readonly leafHash: Buffer;
}

/** The decision by which an intent waits. */
export interface Waiting extends Superseded {
  /** First instant at which it waits no more, Unix ms. */
  readonly untilMs: number;
}

/** One intent with what core made of it: all that rows, leaves and events are written from. */
export interface DecidedIntent {
  readonly candidate: Candidate;
  readonly intent: Intent;
  readonly decisionId: string;
  readonly supersedes: Superseded | null;
  /** Of a renewal: the hold that stands. `null`: one is placed. */
  readonly holdId: string | null;
  readonly facts: AdmissionFacts;
  readonly result: CountedResult;
  /** Approvals that stood, first one first, as received. */
  readonly approvals: readonly string[];
  /** State of the flow before this decision; `null` when there is no flow. */
  readonly flowBefore: FlowState | null;
  /** Leaf hashes of what it rests on, base64url: the mandate as registered, the decision it supersedes. */
  readonly causes: readonly string[];
}
