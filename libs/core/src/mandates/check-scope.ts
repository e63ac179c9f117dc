import type { Decimal } from 'decimal.js';
import type { DeclaredSpending } from '../drift/declare-profile.js';
import { LIMITS } from '../limits.js';
import { isSameSum } from './counters.js';
import type { CountedTerms, EnvironmentRequirement, Mandate } from './types.js';

type Wider = (child: Mandate, parent: Mandate) => boolean;

/**
 * The dimensions in which a child must not be wider than its parent (D24: authority never widens), in the order they
 * are reported. Checked when a mandate is created or amended; at use the bound is the minimum over the levels, so a
 * parent narrowed later needs no change below it. How long an intent may wait parked is no width: parking places no
 * hold, and what waited is decided afresh.
 */
const WIDER = {
  principal: (child, parent) => child.principal !== parent.principal,
  depth: (child, parent) => child.depth !== parent.depth + 1 || child.depth >= LIMITS.mandateDepthMax,
  currency: (child, parent) => child.currency !== parent.currency,
  total_limit: (child, parent) => !child.totalLimit.lte(parent.totalLimit),
  per_transaction_limit: (child, parent) => isLarger(child.perTransactionLimit, parent.perTransactionLimit),
  counterparties: (child, parent) => !isSubset(child.counterparties, parent.counterparties),
  blocked_counterparties: (child, parent) =>
    !parent.blockedCounterparties.every((id) => isOut(id, child.counterparties, child.blockedCounterparties)),
  categories: (child, parent) => !isSubset(child.categories, parent.categories),
  blocked_categories: (child, parent) =>
    !parent.blockedCategories.every((id) => isOut(id, child.categories, child.blockedCategories)),
  // Like with like. A child without the limit is bound by its parent's, which its spends count against as well.
  counted_limits: (child, parent) =>
    child.countedLimits.some((own) =>
      parent.countedLimits.some((above) => isSameSum(own, above) && isMore(own, above)),
    ),
  validity: (child, parent) => !(child.validFromMs >= parent.validFromMs && child.validUntilMs <= parent.validUntilMs),
  // Two policies cannot be compared for width, so a child has its parent's.
  policy: (child, parent) => child.policyId !== parent.policyId,
  environment: (child, parent) => isLooser(child.environment, parent.environment),
  approvals: (child, parent) =>
    isLarger(child.approvals?.above ?? null, parent.approvals?.above ?? null) ||
    isLarger(child.approvals?.twoAbove ?? null, parent.approvals?.twoAbove ?? null),
  // A profile of its own would be the agent's to choose where it signs for itself: what is declared above holds below.
  spending: (child, parent) =>
    parent.spending !== null && child.spending !== null && !isSameSpending(child.spending, parent.spending),
  delegation: (child, parent) => child.delegationLevels > Math.max(0, parent.delegationLevels - 1),
} as const satisfies Readonly<Record<string, Wider>>;

export type ScopeDimension = keyof typeof WIDER;

export interface ScopeVerdict {
  /** `null`: not wider anywhere. */
  readonly code: 'scope_escalation' | null;
  readonly dimension: ScopeDimension | null;
}

const WITHIN: ScopeVerdict = { code: null, dimension: null };

/** Whether a child mandate stays within its parent; names the first dimension in which it does not. */
export function checkScope(child: Mandate, parent: Mandate): ScopeVerdict {
  for (const [dimension, wider] of ENTRIES) {
    if (wider(child, parent)) return { code: 'scope_escalation', dimension };
  }
  return WITHIN;
}

export function isNarrower(child: Mandate, parent: Mandate): boolean {
  return checkScope(child, parent) === WITHIN;
}

/**
 * Whether another version of a mandate would be wider than the one in force, by the same dimensions; names the first.
 * It stands at the same place, so the right to delegate is compared as it is and not by a level less.
 */
export function checkNarrowing(amended: Mandate, standing: Mandate): ScopeVerdict {
  for (const [dimension, wider] of ENTRIES) {
    if (
      dimension === 'depth' ? amended.depth !== standing.depth : isWiderVersion(dimension, wider, amended, standing)
    ) {
      return { code: 'scope_escalation', dimension };
    }
  }
  return WITHIN;
}

function isWiderVersion(dimension: ScopeDimension, wider: Wider, amended: Mandate, standing: Mandate): boolean {
  if (dimension === 'delegation') return amended.delegationLevels > standing.delegationLevels;
  return wider(amended, standing);
}

// Object.entries forgets the names of the keys.
const ENTRIES = Object.entries(WIDER) as readonly (readonly [ScopeDimension, Wider])[];

/** By value, list by list: both come of the same schema. */
function isSameSpending(a: DeclaredSpending, b: DeclaredSpending): boolean {
  const text = ({ amounts, gapsSeconds, newCounterparties, denials, quiet, quietShare }: DeclaredSpending): string =>
    JSON.stringify([
      [amounts, gapsSeconds].map((list) => list.map(({ bound, share }) => [bound, share])),
      newCounterparties,
      denials,
      quiet,
      quietShare,
    ]);
  return text(a) === text(b);
}

/** `null` is no limit: wider than any. */
function isLarger(child: Decimal | null, parent: Decimal | null): boolean {
  if (parent === null) return false;
  return child === null || !child.lte(parent);
}

/** A child that leaves one of the two measures open leaves it to its parent. */
function isMore(child: CountedTerms, parent: CountedTerms): boolean {
  const amount = child.amount !== null && parent.amount !== null && !child.amount.lte(parent.amount);
  const count = child.count !== null && parent.count !== null && !(child.count <= parent.count);
  return amount || count;
}

/** What a parent blocks its child must not let in: it blocks it too, or its own list leaves it out. */
function isOut(id: string, allowed: readonly string[] | null, blocked: readonly string[]): boolean {
  return blocked.includes(id) || (allowed !== null && !allowed.includes(id));
}

/** `null` is everyone. */
function isSubset(child: readonly string[] | null, parent: readonly string[] | null): boolean {
  if (parent === null) return true;
  return child !== null && child.every((counterparty) => parent.includes(counterparty));
}

/** Looser: asks for nothing where the parent asks, accepts older evidence, or another measurement. */
function isLooser(child: EnvironmentRequirement | null, parent: EnvironmentRequirement | null): boolean {
  if (parent === null) return false;
  if (child === null || !(child.maxAgeSeconds <= parent.maxAgeSeconds)) return true;
  return !child.measurements.every((measurement) => parent.measurements.includes(measurement));
}
