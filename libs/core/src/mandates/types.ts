import type { Decimal } from 'decimal.js';
import type { DeclaredSpending } from '../drift/declare-profile.js';

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
  readonly blockedCounterparties: readonly string[];
  /** ISO 18245 merchant categories; `null`: any. */
  readonly categories: readonly string[] | null;
  readonly blockedCategories: readonly string[];
  /** Limits that need a counter: per window, per counterparty, per category. */
  readonly countedLimits: readonly CountedTerms[];
  /** First instant of validity, Unix ms. */
  readonly validFromMs: number;
  /** First instant after it, Unix ms. */
  readonly validUntilMs: number;
  readonly policyId: string;
  /** `null`: the mandate states that no attestation is required. */
  readonly environment: EnvironmentRequirement | null;
  /** A spend above `above` waits for a person, one above `twoAbove` for two; `twoAbove` is `null` where one is enough. */
  readonly approvals: { readonly above: Decimal; readonly twoAbove: Decimal | null } | null;
  /** How its agent spends at most; `null`: not declared here, and watched by what the level above declares, if it does. */
  readonly spending: DeclaredSpending | null;
  /** How many levels below it agents may sign for sub-agents; 0: none. */
  readonly delegationLevels: number;
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

/** Units of a calendar window; a week begins on Monday (ISO 8601). */
export const CALENDAR_UNITS = ['hour', 'day', 'week', 'month'] as const;
export type CalendarUnit = (typeof CALENDAR_UNITS)[number];

/** How a limit divides time: by the calendar of an IANA zone, or the last so many seconds at any moment. */
export type LimitWindow = { readonly unit: CalendarUnit; readonly zone: string } | { readonly seconds: number };

/** In place of a counterparty: each has a sum of its own. No party id can be spelled so. */
export const EACH_COUNTERPARTY = '*';

/** One limit of a mandate that needs a counter. At most one of `counterparty` and `category` is given. */
export interface CountedTerms {
  /** `null`: in total. */
  readonly window: LimitWindow | null;
  /** Only spends at this counterparty count; {@link EACH_COUNTERPARTY}: at each by itself; `null`: at any. */
  readonly counterparty: string | null;
  /** Only spends at counterparties of this ISO 18245 category count; `null`: of any. */
  readonly category: string | null;
  /** Major units; `null`: no limit on the sum. */
  readonly amount: Decimal | null;
  /** Spends authorized; `null`: no limit on their number. */
  readonly count: number | null;
}

/**
 * Where a spend stands in a window, Unix ms: facts, made outside of core, because a calendar is a table that changes.
 * What entered at or after `fromMs` counts against the limit; the spend itself enters at `bucketMs`.
 */
export interface WindowBounds {
  readonly fromMs: number;
  readonly bucketMs: number;
  /** First instant at which less may count; `null`: never. */
  readonly untilMs: number | null;
}

/** A counted limit as it bears on one spend: what it has already taken. */
export interface CountedLimit {
  /** Which denial it gives: a limit of one counterparty or category, or one of time alone. */
  readonly kind: 'window' | 'counterparty';
  /** Shown in a denial: `per_day`, `counterparty:acme/per_day`, `category:5411/count`. */
  readonly name: string;
  readonly of: 'amount' | 'count';
  readonly limit: Decimal;
  /** A counter nobody could read denies. */
  readonly used: Decimal | 'unknown';
  /** `null`: nobody could say, and `used` is unknown. */
  readonly window: WindowBounds | null;
}

/** Who is paid, as far as limits ask. */
export interface Payee {
  readonly id: string;
  /** ISO 18245 merchant category; `null`: not known, which no rule about categories lets pass. */
  readonly category: string | null;
}

/** A level of a chain where only the grant matters. */
export interface Governed {
  readonly mandate: Mandate;
}

/** One level of a chain as a decision sees it: the grant and what is left of it. */
export interface LevelState extends Governed {
  readonly budget: Budget;
  /** Those that bear on the spend in hand; empty when the mandate has no limits of this kind. */
  readonly counted: readonly CountedLimit[];
}

/** What a decision changes at every level alike: the amounts to add, major units, signed. */
export interface BudgetDelta {
  readonly held: Decimal;
  readonly capturing: Decimal;
  readonly captured: Decimal;
  readonly refunded: Decimal;
}
