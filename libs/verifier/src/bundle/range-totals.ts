import type { LeafType, RangeBundle } from '@spendgate/codec';
import { decimal } from '@spendgate/core';
import { type Payload, memberOf, textOf } from './opened-bundle.js';

/** A leaf as far as it is counted. */
export interface CountedLeaf {
  readonly type: string;
  /** What it commits to; `null`: redacted, so that no sum has it. */
  readonly payload: Payload | null;
}
export type RangeTotals = Pick<RangeBundle['proof'], 'counts' | 'sums'>;

/** As the domain writes one, in major units: bounded, so that it can be read. */
const AMOUNT = /^\d{1,20}(\.\d{1,18})?$/;

type Money = { readonly amount: unknown; readonly currency: unknown } | null;
const granted = (said: Payload): Money => ({ amount: said['amount'], currency: said['currency'] });
/** Leaves that say money moved, or may: what they name is added up. */
const MONEY: Readonly<Partial<Record<LeafType, (said: Payload) => Money>>> = {
  settlement_capture_authorized: granted,
  settlement_refund_authorized: granted,
  settlement_void_authorized: granted,
  settlement_outcome_recorded: (said) => {
    const { value, currency } = memberOf(said, 'amount');
    return said['outcome'] === 'completed' && said['applied'] !== false ? { amount: value, currency } : null;
  },
};
const MONEY_OF = new Map<string, (said: Payload) => Money>(Object.entries(MONEY));

/**
 * Counts leaves by type and adds up their amounts by type and currency, exactly. Each list in the order of its names, so
 * that equal leaves give equal bytes. An amount that is none is in no sum.
 */
export function totalsOf(leaves: readonly CountedLeaf[]): RangeTotals {
  const counts = new Map<string, number>();
  const sums = new Map<string, { type: string; currency: string; count: number; amount: ReturnType<typeof decimal> }>();
  for (const { type, payload } of leaves) {
    counts.set(type, (counts.get(type) ?? 0) + 1);
    const money = payload === null ? null : (MONEY_OF.get(type)?.(payload) ?? null);
    const [amount, currency] = [textOf(money?.amount), textOf(money?.currency)];
    if (!AMOUNT.test(amount) || currency === '' || currency.length > 16) continue;
    const name = `${type} ${currency}`;
    const sum = sums.get(name) ?? { type, currency, count: 0, amount: decimal('0') };
    sums.set(name, { ...sum, count: sum.count + 1, amount: sum.amount.plus(decimal(amount)) });
  }
  return {
    counts: inOrder(counts).map(([type, count]) => ({ type, count })),
    sums: inOrder(sums).map(([, sum]) => ({ ...sum, amount: sum.amount.toFixed() })),
  };
}

function inOrder<T>(named: ReadonlyMap<string, T>): [string, T][] {
  return [...named].sort(([a], [b]) => (a < b ? -1 : 1));
}
