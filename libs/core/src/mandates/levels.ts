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

export function findWindowExceeded(levels: readonly LevelState[], amount: Decimal, counterparty: string) {
  return findCountedExceeded('window', levels, amount, counterparty);
}

export function findCounterpartyExceeded(levels: readonly LevelState[], amount: Decimal, counterparty: string) {
  return findCountedExceeded('counterparty', levels, amount, counterparty);
}

/** A counter nobody could read stops the spend like a full one. */
function findCountedExceeded(
  kind: CountedLimit['kind'],
  levels: readonly LevelState[],
  amount: Decimal,
  counterparty: string,
): ShownLimit | null {
  for (const { mandate, counted } of levels) {
    for (const entry of counted) {
      if (entry.kind !== kind || !counts(entry, counterparty)) continue;
      const available = entry.used === 'unknown' ? ZERO : entry.limit.minus(entry.used);
      if (!step(entry, amount).lte(available)) return shown(mandate.id, entry.name, entry.limit, available);
    }
  }
  return null;
}

/** The level after a spend was granted: the amount is held, and counted where it counts. */
export function holdAt(level: LevelState, amount: Decimal, counterparty: string): LevelState {
  const { mandate, budget, counted } = level;
  const { capturing, captured, refunded } = budget;
  return {
    mandate,
    budget: { held: budget.held.plus(amount), capturing, captured, refunded },
    counted: counted.length === 0 ? counted : counted.map((entry) => countAt(entry, amount, counterparty)),
  };
}

/** Requirements of every level hold together: a team may ask for more than its organisation. */
export function environmentRequirements(levels: readonly Governed[]): readonly EnvironmentRequirement[] {
  return levels.flatMap(({ mandate }) => (mandate.environment === null ? [] : [mandate.environment]));
}

function countAt(entry: CountedLimit, amount: Decimal, counterparty: string): CountedLimit {
  if (entry.used === 'unknown' || !counts(entry, counterparty)) return entry;
  return { ...entry, used: entry.used.plus(step(entry, amount)) };
}

function counts(entry: CountedLimit, counterparty: string): boolean {
  return entry.counterparty === null || entry.counterparty === counterparty;
}

const ONE = new Decimal(1);
function step(entry: CountedLimit, amount: Decimal): Decimal {
  return entry.of === 'count' ? ONE : amount;
}

function shown(mandate: string, name: string, limit: Decimal, available: Decimal): ShownLimit {
  return { mandate, name, limit: limit.toFixed(), available: available.toFixed() };
}
