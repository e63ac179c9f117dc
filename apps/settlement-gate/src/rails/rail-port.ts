/** Money a managed rail is asked to move. */
export interface RailTransfer {
  /** The settlement id: the rail's idempotency key. The same id always means the same movement. */
  readonly transferId: string;
  readonly direction: 'capture' | 'refund';
  /** Decimal text, major units. */
  readonly amount: string;
  /** ISO 4217 alphabetic code. */
  readonly currency: string;
  readonly counterparty: string;
}

/** A transfer with the name of the rail that is to make it. */
export interface ManagedTransfer extends RailTransfer {
  readonly rail: string;
}

/** What a rail says happened. `unknown` is an answer too: it never releases and never captures. */
export interface RailReport {
  readonly outcome: 'completed' | 'failed' | 'unknown';
  /** What moved, decimal text in major units; absent: the amount that was asked for. */
  readonly amount?: string;
  readonly railReference: string | null;
  readonly occurredAtMs: number;
}

/** Takes reports that come on their own: after a timeout, or twice. */
export type RailListener = (transferId: string, report: RailReport) => void;

/**
 * A rail the gate calls itself, after the commit that granted the capture, never before. Calls may be repeated after a
 * crash with the same transfer id and must move the money once.
 */
export interface RailPort {
  transfer(transfer: RailTransfer): Promise<RailReport>;
}
