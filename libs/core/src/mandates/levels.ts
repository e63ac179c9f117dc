import { Decimal } from 'decimal.js';
import type { ShownLimit } from '../admission/types.js';
import { availableOf } from '../hold.js';
import { ZERO } from '../money.js';
import type { CountedLimit, EnvironmentRequirement, Governed, LevelState } from './types.js';

/**
 * A spend debits every level of its chain, so the bound in force is the minimum over the levels: a level amended after
 * its children were granted narrows them all at once. Each walk below goes root first and names the first level in the
 * way.
 */
export function effectiveBound(levels: readonly LevelState[]): Decimal | null {
  let least: Decimal | null = null;
  for (const { mandate, budget } of levels) {
    const available = availableOf(mandate.totalLimit, budget);
    const own = Decimal.min(available, mandate.perTransactionLimit ?? available);
    least = least === null ? own : Decimal.min(least, own);
  }
  return least;
}

export function findBudgetExceeded(levels: readonly LevelState[], amount: Decimal): ShownLimit | null {
  for (const { mandate, budget } of levels) {
    const available = availableOf(mandate.totalLimit, budget);
    if (!amount.lte(available)) return shown(mandate.id, 'total', mandate.totalLimit, available);
  }
  return null;
}

export function findPerTransactionExceeded(levels: readonly LevelState[], amount: Decimal): ShownLimit | null {
  for (const { mandate } of levels) {
    const limit = mandate.perTransactionLimit;
    if (limit !== null && !amount.lte(limit)) return shown(mandate.id, 'per_transaction', limit, limit);
  }
  return null;
}

export function findWindowExceeded(levels: readonly LevelState[], amount: Decimal): ShownLimit | null {
  return findCountedExceeded('window', levels, amount);
}

export function findCounterpartyExceeded(levels: readonly LevelState[], amount: Decimal): ShownLimit | null {
  return findCountedExceeded('counterparty', levels, amount);
}

/** A counter nobody could read stops the spend like a full one. */
function findCountedExceeded(
  kind: CountedLimit['kind'],
  levels: readonly LevelState[],
  amount: Decimal,
): ShownLimit | null {
  for (const { mandate, counted } of levels) {
    for (const entry of counted) {
      if (entry.kind !== kind) continue;
      const available = entry.used === 'unknown' ? ZERO : entry.limit.minus(entry.used);
      if (step(entry, amount).lte(available)) continue;
      const untilMs = entry.window?.untilMs ?? null;
      const limit = shown(mandate.id, entry.name, entry.limit, available);
      return untilMs === null ? limit : { ...limit, untilMs };
    }
  }
  return null;
}

/**
 * Whether the sums of a chain can be: what a level holds, captures or has captured is part of what the level above it does.
 * A row that was lowered behind our back would lend its tree money twice.
 */
export function isTreeBalanced(levels: readonly LevelState[]): boolean {
  return levels.every(({ budget }, index) => {
    const above = levels[index - 1]?.budget ?? budget;
    return SUMS.every((sum) => budget[sum].lte(above[sum]));
  });
}
const SUMS = ['held', 'capturing', 'captured', 'refunded'] as const;

/** The level after a spend was granted: the amount is held. What counters took in is kept beside the levels. */
export function holdAt({ mandate, budget, counted }: LevelState, amount: Decimal): LevelState {
  const { capturing, captured, refunded } = budget;
  return { mandate, budget: { held: budget.held.plus(amount), capturing, captured, refunded }, counted };
}

/** Requirements of every level hold together: a team may ask for more than its organisation. */
export function environmentRequirements(levels: readonly Governed[]): readonly EnvironmentRequirement[] {
  return levels.flatMap(({ mandate }) => (mandate.environment === null ? [] : [mandate.environment]));
}

const ONE = new Decimal(1);
function step(entry: CountedLimit, amount: Decimal): Decimal {
  return entry.of === 'count' ? ONE : amount;
}

function shown(mandate: string, name: string, limit: Decimal, available: Decimal): ShownLimit {
  return { mandate, name, limit: limit.toFixed(), available: available.toFixed() };
}
