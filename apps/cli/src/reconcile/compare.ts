import { outcomeId } from '@spendgate/codec';
import { decimal } from '@spendgate/core';
import type { GrantedTransfer } from '@spendgate/store';
import type { RailEntry } from './rail-entry.js';

/**
 * What came of comparing one entry, or one settlement the report is silent about, with what was granted. False: the two
 * do not agree, and somebody must look.
 */
export const FINDINGS = {
  /** The report says what is recorded. */
  confirmed: true,
  /** Money moved as granted; recorded by this report. */
  settled: true,
  /** No money moved, or it came back before it was recorded; the hold has it again. */
  returned: true,
  /** The rail has no final word yet. */
  pending: true,
  /** Another amount moved than was granted: the gate contains the flow. */
  amount_differs: false,
  currency_differs: false,
  direction_differs: false,
  /** Against what is recorded: completed after it was returned (the gate contains the flow), or undone after it moved. */
  contradicts: false,
  charged_back: false,
  /** Money moved under an id this rail was granted nothing for. */
  unauthorized: false,
  /** The same movement once more in this report. */
  duplicate: false,
  /** Granted on this rail, past its time, and not in the report. */
  overdue: false,
  /** The gate did not take the report on it. */
  refused: false,
} as const;
export type Finding = keyof typeof FINDINGS;

/** One entry beside what was granted under its id. */
export interface Compared {
  readonly finding: Finding;
  readonly entry: RailEntry;
  readonly granted: GrantedTransfer | undefined;
  /** Retry key of the report on it. */
  readonly jti: string;
  /** It says something the gate has not been told. */
  readonly isNews: boolean;
}

/** Equal for equal words about one transfer, so that a report sent twice is one report. */
export function reportJti({ transfer, outcome, amount }: RailEntry): string {
  return `report:${transfer}:${outcome}:${amount}`;
}

/**
 * @param granted by settlement id
 * @param told outcome ids that are recorded
 */
export function compareReport(
  rail: string,
  entries: readonly RailEntry[],
  granted: ReadonlyMap<string, GrantedTransfer>,
  told: ReadonlySet<string>,
): Compared[] {
  const seen = new Set<string>();
  return entries.map((entry) => {
    const jti = reportJti(entry);
    const row = granted.get(entry.transfer);
    const finding = seen.has(jti) ? 'duplicate' : row === undefined ? 'unauthorized' : compare(entry, row);
    seen.add(jti);
    const isNews = row !== undefined && speaks(finding, entry) && !told.has(outcomeId(rail, jti));
    return { finding, entry, granted: row, jti, isNews };
  });
}

function compare(entry: RailEntry, granted: GrantedTransfer): Finding {
  const { outcome } = entry;
  const { state } = granted;
  if (entry.direction !== granted.action) return 'direction_differs';
  if (entry.currency !== granted.currency) return 'currency_differs';
  if (!decimal(entry.amount).eq(granted.amount)) return 'amount_differs';
  if (outcome === 'unknown') return 'pending';
  if (outcome === 'charged_back') return 'charged_back';
  const isOpen = state === 'capturing' || state === 'refunding' || state === 'unknown';
  if (outcome === 'completed') {
    if (state === 'returned') return 'contradicts';
    // A refund the service alone has reported restores its limits by the word of the rail, which is news.
    return isOpen || (granted.action === 'refund' && !granted.restored) ? 'settled' : 'confirmed';
  }
  if (isOpen) return 'returned';
  return state === 'returned' ? 'confirmed' : 'contradicts';
}

/** Which findings the gate is told of: words about money it granted, in the amount it granted unless that much moved. */
function speaks(finding: Finding, { outcome }: RailEntry): boolean {
  if (finding === 'amount_differs') return outcome === 'completed';
  return finding === 'settled' || finding === 'returned' || finding === 'contradicts' || finding === 'charged_back';
}
