import { isUuid } from '@spendgate/codec';
import { type OutcomeWord, parseMoney } from '@spendgate/core';
import { StartError } from '@spendgate/platform';
import { parseTime } from '../times.js';

const DIRECTIONS = ['capture', 'refund'] as const;
const OUTCOMES: readonly OutcomeWord[] = ['completed', 'failed', 'unknown', 'reversed', 'charged_back'];
/** As of a `settlement-outcome+jwt`: nothing that a terminal or an auditor's page would read as anything but text. */
const SHOWN = /^[^\p{C}\u2028\u2029]{1,140}$/u;

/** One movement of money as a rail reports it. */
export interface RailEntry {
  /** Where in the report, for people. */
  readonly place: string;
  /** As reported; only a settlement id can be one of ours. */
  readonly transfer: string;
  readonly railReference: string | null;
  readonly direction: (typeof DIRECTIONS)[number];
  /** Canonical decimal text, major units. */
  readonly amount: string;
  readonly currency: string;
  readonly outcome: OutcomeWord;
  /** Unix seconds. */
  readonly occurredAt: number;
}

/** The same before anything of it was checked. */
export type RawEntry = Readonly<
  Record<'transfer_id' | 'rail_reference' | 'direction' | 'amount' | 'currency' | 'outcome' | 'occurred_at', string>
>;

/** Refuses a report by the name of what is wrong with it; nothing of it is used then. */
export function refuseReport(place: string, name: string, detail: string): never {
  throw new StartError(`${place}: ${name}: ${detail}; nothing of this report was used`);
}

/** @throws {StartError} naming place and fault */
export function checkEntry(place: string, raw: RawEntry): RailEntry {
  const { transfer_id: transfer, rail_reference: reference, amount, currency } = raw;
  if (!SHOWN.test(transfer)) refuseReport(place, 'transfer_invalid', 'a transfer id is 1 to 140 printed characters');
  if (reference !== '' && !SHOWN.test(reference)) {
    refuseReport(place, 'reference_invalid', 'a rail reference is at most 140 printed characters');
  }
  const money = parseMoney(amount, currency);
  if (typeof money === 'string') refuseReport(place, money, JSON.stringify(`${amount} ${currency}`.slice(0, 80)));
  return {
    place,
    transfer: isUuid(transfer.toLowerCase()) ? transfer.toLowerCase() : transfer,
    railReference: reference === '' ? null : reference,
    direction: oneOf(place, 'direction', DIRECTIONS, raw.direction),
    amount,
    currency,
    outcome: oneOf(place, 'outcome', OUTCOMES, raw.outcome),
    occurredAt: Math.floor(timeOf(place, raw.occurred_at) / 1000),
  };
}

function oneOf<T extends string>(place: string, what: string, words: readonly T[], text: string): T {
  const word = words.find((each) => each === text);
  return word ?? refuseReport(place, `${what}_invalid`, `${JSON.stringify(text.slice(0, 40))} is none of ${words.join(', ')}`); // prettier-ignore
}

function timeOf(place: string, text: string): number {
  try {
    return parseTime(text);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return refuseReport(place, 'occurred_at_invalid', JSON.stringify(text.slice(0, 40)));
  }
}
