import type { VerificationKey } from '@spendgate/artifact';
import type { CounterpartyFacts, WideScope } from '@spendgate/core';
import type { RegisteredMandate } from './mandate-row.js';

export const PARTY_KINDS = ['principal', 'agent', 'settlement_service', 'attester', 'person', 'rail'] as const;
export type PartyKind = (typeof PARTY_KINDS)[number];

export interface PartyRef {
  readonly kind: PartyKind;
  readonly id: string;
}

/**
 * Whether the log explains all keys of a party: `broken` when a row was edited, added, moved or taken away by anything
 * but a recorded act. One unexplained key makes all keys of its party doubtful.
 */
export type KeyContinuity = 'verified' | 'broken';

/** A registered key with its owner. Whether it is active is judged by time; a removed one never is. */
export interface RegisteredKey extends VerificationKey {
  readonly partyKind: PartyKind;
  readonly party: string;
  readonly successorKid: string | null;
  readonly isRemoved: boolean;
  readonly continuity: KeyContinuity;
}

export interface PartyFacts {
  readonly kind: PartyKind;
  readonly id: string;
  readonly name: string;
  readonly state: 'active' | 'disabled';
  readonly body: unknown;
  /** Its keys that are not removed, the newest first. */
  readonly keys: readonly RegisteredKey[];
  readonly continuity: KeyContinuity;
}

export interface RegisteredCounterparty extends CounterpartyFacts {
  readonly rail: string;
  readonly accounts: unknown;
}

export interface ActivePolicy {
  readonly policyId: string;
  readonly version: number;
  readonly setHash: string;
  readonly policyText: string;
  readonly schemaText: string;
}

/** What a batch needs to know. Unknown ids are no error: their facts are absent. */
export interface RegistryNeeds {
  readonly kids?: readonly string[];
  readonly parties?: readonly PartyRef[];
  readonly counterparties?: readonly string[];
  /** Each is loaded with all its ancestors. */
  readonly mandates?: readonly string[];
}

/** Facts of one control epoch, by value: what is not found here was looked for and is absent. */
export interface RegistryFacts {
  readonly epoch: bigint;
  key(kid: string): RegisteredKey | undefined;
  party(kind: PartyKind, id: string): PartyFacts | undefined;
  counterparty(id: string): RegisteredCounterparty | undefined;
  /**
   * From the root to the mandate itself. A level whose row is gone is left out, so that the path names more levels than
   * there are (`findChainBreak`); `'unknown'` when a level was edited behind our back.
   */
  chain(mandateId: string): readonly RegisteredMandate[] | 'absent' | 'unknown';
  /** The version in force; all active policies are always loaded. */
  policy(policyId: string): ActivePolicy | undefined;
  /** Whether a halt of this scope stands; all of them are always loaded. */
  isHalted(scope: WideScope, id: string): boolean;
}
