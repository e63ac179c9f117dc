import type { Decimal } from 'decimal.js';

/** What a mandate demands of the runtime that spends under it. */
export interface EnvironmentRequirement {
  /** Seconds an attestation result may be old when judged. */
  readonly maxAgeSeconds: number;
  /** Reference values: a measurement that is none of these is drift. */
  readonly measurements: readonly string[];
}

/** One version of a principal's standing grant. Money in major units of `currency`. */
export interface Mandate {
  readonly id: string;
  readonly version: number;
  readonly parent: string | null;
  /**
   * base64url SHA-256 of the parent's signed claims this mandate was granted under. `null` at the root, and where the
   * claims name the parent by id alone.
   */
  readonly parentHash: string | null;
  readonly root: string;
  /** Ids from the root to this mandate, both included. */
  readonly path: readonly string[];
  /** 0 at the root. */
  readonly depth: number;
  /** Who may spend; `null` for a level that only groups others. */
  readonly agent: string | null;
  readonly principal: string;
  readonly currency: string;
  readonly totalLimit: Decimal;
  readonly perTransactionLimit: Decimal | null;
  /** `null`: any registered counterparty. */
  readonly counterparties: readonly string[] | null;
  /** First instant of validity, Unix ms. */
  readonly validFromMs: number;
  /** First instant after it, Unix ms. */
  readonly validUntilMs: number;
  readonly policyId: string;
  /** `null`: the mandate states that no attestation is required. */
  readonly environment: EnvironmentRequirement | null;
  /** A spend above `above` waits for a person. */
  readonly approvals: { readonly above: Decimal } | null;
  /** Seconds an intent may wait on a contained flow; `null`: it is denied at once. */
  readonly parkSeconds: number | null;
  readonly revokedAtMs: number | null;
  /** base64url SHA-256 of this version's signed claims (RFC 8785 form). */
  readonly hash: string;
  /** Hashes of this mandate's earlier versions: a child stays linked when its parent is amended. */
  readonly supersededHashes: readonly string[];
}

/**
 * The money states of one mandate level, major units of its currency, each ≥ 0.
 * available = limit − held − capturing − captured + refunded.
 */
export interface Budget {
  readonly held: Decimal;
  readonly capturing: Decimal;
  readonly captured: Decimal;
  readonly refunded: Decimal;
}

/** A limit beside the total that needs a counter: what a window, or a counterparty, has already taken. */
export interface CountedLimit {
  readonly kind: 'window' | 'counterparty';
  /** Shown in a denial: `per_day`, `counterparty:acme`. */
  readonly name: string;
  readonly of: 'amount' | 'count';
  /** Only spends at this counterparty count; `null`: every spend. */
  readonly counterparty: string | null;
  readonly limit: Decimal;
  /** A counter nobody could read denies. */
  readonly used: Decimal | 'unknown';
}

/** A level of a chain where only the grant matters. */
export interface Governed {
  readonly mandate: Mandate;
}

/** One level of a chain as a decision sees it: the grant and what is left of it. */
export interface LevelState extends Governed {
  readonly budget: Budget;
  /** Empty when the mandate has no limits of this kind. */
  readonly counted: readonly CountedLimit[];
}

/** What a decision changes at every level alike: the amounts to add, major units, signed. */
export interface BudgetDelta {
  readonly held: Decimal;
  readonly capturing: Decimal;
  readonly captured: Decimal;
  readonly refunded: Decimal;
}
