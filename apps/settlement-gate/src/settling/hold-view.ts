import { type Hold, decimal, holdEndsAtMs } from '@spendgate/core';
import type { CaptureMode } from '@spendgate/core';
import type { HoldChange, IssuedArtifact } from '@spendgate/store';

const MODES: Readonly<Record<string, CaptureMode>> = { single: 'single', partial: 'partial', multi: 'multi' };

/** The hold of a stored row, exact. A mode nobody knows allows the least. */
export function holdOf(row: IssuedArtifact): Hold {
  return {
    amount: decimal(row.amount),
    held: decimal(row.held),
    capturing: decimal(row.capturing),
    captured: decimal(row.captured),
    released: decimal(row.released),
    refunded: decimal(row.refunded),
    restored: decimal(row.restored),
    mode: MODES[row.mode] ?? 'single',
    maxCaptures: row.maxCaptures,
    captureCount: row.captureCount,
    ended: row.ended,
  };
}

/** What of a hold is written back after the fold. */
export function holdChange(row: IssuedArtifact, hold: Hold): HoldChange {
  return {
    holdId: row.holdId,
    held: hold.held.toFixed(),
    capturing: hold.capturing.toFixed(),
    captured: hold.captured.toFixed(),
    released: hold.released.toFixed(),
    refunded: hold.refunded.toFixed(),
    restored: hold.restored.toFixed(),
    captureCount: hold.captureCount,
    endsAtMs: holdEndsAtMs(hold, row),
    ended: hold.ended,
  };
}
