import { decimal, formatMoney } from '@spendgate/core';

/** A stored amount in the one spelling its currency has. @param amount decimal text, major units */
export function spelled(amount: string, currency: string): string {
  return formatMoney(decimal(amount), currency);
}
