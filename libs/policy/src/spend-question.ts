import { type CurrencyTable, minorUnits, parseMoney } from '@spendgate/core';
import type { PolicyRequest } from './types.js';

/** What an agent asks for, as far as a policy may see it. */
export interface AskedSpend {
  readonly agent: string;
  readonly counterparty: string;
  /** As written, major units. */
  readonly amountText: string;
  readonly currency: string;
  readonly mandate: string;
  readonly captureMode: string;
}

/** What the registry adds. */
export interface SpendFacts {
  /** ISO 18245 merchant category; `null`: nobody knows the counterparty. */
  readonly category: string | null;
  /** Of the mandate. */
  readonly principal: string;
  readonly depth: number;
}

/** A spend as a question to a policy set: the attributes of the default schema. */
export function spendQuestion(
  { agent, counterparty, amountText, currency, mandate, captureMode }: AskedSpend,
  { category, principal, depth }: SpendFacts,
  currencies: CurrencyTable,
): PolicyRequest {
  const money = parseMoney(amountText, currency, currencies);
  return {
    principal: agent,
    action: 'spend',
    resource: counterparty,
    context: {
      // An amount that is none is denied under its own code, whatever a policy says to −1.
      amount_minor: typeof money === 'string' ? -1 : minorUnits(money, currencies),
      currency,
      ...(category === null ? {} : { category }),
      mandate,
      principal,
      depth,
      capture_mode: captureMode,
    },
  };
}
