import type { OpsActionClaims } from '@spendgate/codec';
import type { ActingPerson } from '@spendgate/core';
import type { ControlAct } from '../control-lock.js';
import type { OpsChange } from './ops-answer.js';

/** A verified act, about to have its effect. */
export interface OpsMoment {
  readonly act: ControlAct;
  /** What was asked for: of two people's acts the first one's. */
  readonly claims: OpsActionClaims;
  readonly requester: ActingPerson;
  /** The second person, once there is one. */
  readonly approver: ActingPerson | null;
  /** Leaf of the last signature: the cause of everything that follows. */
  readonly leaf: Buffer;
}
export type Effect = (moment: OpsMoment) => Promise<OpsChange[]>;

/** What a kind of act does; `first` is done with the first of two signatures. */
export interface Effects {
  readonly first?: Effect;
  readonly final: Effect;
}
