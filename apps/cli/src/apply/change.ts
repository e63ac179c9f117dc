import type {
  CounterpartyDeclaration,
  DetectorSettings,
  DomainKeyRow,
  KeyDeclaration,
  MandateDeclaration,
  PartyDeclaration,
  PolicyDeclaration,
} from '@spendgate/store';

/** What a domain file comes to: plain JSON, complete, so that what is approved is what is applied. */
export interface DeclaredChange {
  readonly kind: 'declare';
  readonly domainKeys: readonly Pick<DomainKeyRow, 'kid' | 'purpose' | 'alg' | 'jwk'>[];
  readonly parties: readonly PartyDeclaration[];
  readonly keys: readonly KeyDeclaration[];
  readonly counterparties: readonly CounterpartyDeclaration[];
  readonly policies: readonly PolicyDeclaration[];
  /** `null`: they stay as they are. */
  readonly detectors: DetectorSettings | null;
  /** New mandates and versions, each with its principal's signature. */
  readonly mandates: readonly MandateDeclaration[];
}

/** Mandates to end for good, with all under them: a change of its own, because its locks reach down to the holds. */
export interface RevokingChange {
  readonly kind: 'revoke';
  readonly mandates: readonly string[];
  readonly reason: string;
  /** Party id of who wants them ended: their principal, or a person. */
  readonly by: string;
}

/** A person or principal goes over to a new key, which takes another operator. */
export interface RotatingChange {
  readonly kind: 'rotate';
  /** `key-transition+jwt` by the old key, proven by the new one. */
  readonly token: string;
}

export type Change = DeclaredChange | RevokingChange | RotatingChange;
