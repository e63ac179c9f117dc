import { Decimal } from 'decimal.js';
import { ISO_4217 } from './currencies.js';
import { InvariantError } from './errors.js';
import { LIMITS } from './limits.js';

/** Digits after the point by currency or asset code. */
export type CurrencyTable = ReadonlyMap<string, number>;

/** An exact, positive amount in major units (ISO 4217: 12.50 USD). Never a JavaScript number. */
export interface Money {
  readonly amount: Decimal;
  readonly currency: string;
}

export type MoneyProblem = 'currency_unsupported' | 'currency_precision' | 'amount_invalid';

/**
 * Every sum of numeric(38,18) values is exact; the library's default of 20 digits would round them silently. Set on the
 * class itself, so that no amount of this process is an inexact one, and printed without an exponent.
 */
Decimal.set({ precision: 80, rounding: Decimal.ROUND_HALF_EVEN, toExpNeg: -40, toExpPos: 60 });

/** The one class amounts are made of: imported from here its settings hold. */
export { Decimal };

export const ZERO: Decimal = new Decimal(0);

/**
 * ISO 4217 and the digital assets a domain configures.
 *
 * @param assets code → digits after the point, 0 to 18. A code of ISO 4217 keeps its own digits.
 * @throws {InvariantError} `ERR_ASSET_INVALID`: settings are read at start, so a bad one stops the start.
 */
export function currencyTable(assets: Readonly<Record<string, number>> = {}): CurrencyTable {
  const entries = Object.entries(assets);
  if (entries.length === 0) return ISO_4217;
  for (const [code, digits] of entries) {
    const fits = Number.isInteger(digits) && digits >= 0 && digits <= LIMITS.amountFractionDigitsMax;
    if (!fits || !/^[A-Z][A-Z0-9]{2,11}$/.test(code) || ISO_4217.has(code)) {
      throw new InvariantError('ERR_ASSET_INVALID', `asset "${code}" with ${digits} digits`);
    }
  }
  return new Map([...ISO_4217, ...entries]);
}

/** Canonical spelling: no sign, no leading zero, no exponent; the point only with digits after it. */
const CANONICAL = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/;

/**
 * Reads an amount in the one spelling each currency has, so that equal amounts are equal bytes: exactly the currency's
 * digits ("12.50" USD, "1250" JPY), greater than zero, at most 20 digits before the point.
 *
 * @returns the money, or the denial code of what is wrong with it.
 */
export function parseMoney(value: string, currency: string, table: CurrencyTable = ISO_4217): Money | MoneyProblem {
  const digits = table.get(currency);
  if (digits === undefined) return 'currency_unsupported';
  // The gate comes before any parsing: an attacker chooses this text and its length.
  if (value.length > LIMITS.amountLengthMax) return 'amount_invalid';
  const parts = CANONICAL.exec(value);
  if (parts === null) return 'amount_invalid';
  const [, whole = '', fraction = ''] = parts;
  if (whole.length > LIMITS.amountIntegerDigitsMax) return 'amount_invalid';
  if (fraction.length > digits) return 'currency_precision';
  if (fraction.length < digits) return 'amount_invalid';
  const amount = new Decimal(value);
  return amount.isZero() ? 'amount_invalid' : { amount, currency };
}

/** @throws {InvariantError} `ERR_CURRENCY_UNKNOWN`: money was parsed with a table, so its currency is in one. */
export function digitsOf(currency: string, table: CurrencyTable = ISO_4217): number {
  const digits = table.get(currency);
  if (digits === undefined) throw new InvariantError('ERR_CURRENCY_UNKNOWN', `no currency "${currency}"`);
  return digits;
}

/** Canonical spelling of an amount, also of zero and of a sum. @throws {InvariantError} `ERR_CURRENCY_UNKNOWN` */
export function formatMoney(amount: Decimal, currency: string, table: CurrencyTable = ISO_4217): string {
  return amount.toFixed(digitsOf(currency, table));
}

/** The amount in minor units (1250 for 12.50 USD): for evaluators that know integers only. */
export function minorUnits(money: Money, table: CurrencyTable = ISO_4217): bigint {
  return BigInt(formatMoney(money.amount, money.currency, table).replace('.', ''));
}

/** An amount from a trusted row: any spelling, zero and trailing zeros allowed. */
export function decimal(value: string): Decimal {
  return new Decimal(value);
}
