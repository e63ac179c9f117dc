import type { AdmissionFacts, AdmissionResult, FlowState, Intent } from '@spendgate/core';
import type { Candidate } from '../intake/candidate.js';

/** One intent with what core made of it: all that rows, leaves and events are written from. */
export interface DecidedIntent {
  readonly candidate: Candidate;
  readonly intent: Intent;
  readonly decisionId: string;
  readonly facts: AdmissionFacts;
  readonly result: AdmissionResult;
  /** State of the flow before this decision; `null` when there is no flow. */
  readonly flowBefore: FlowState | null;
  /** Leaf hashes of what it rests on, base64url: the mandate as registered. */
  readonly causes: readonly string[];
}
