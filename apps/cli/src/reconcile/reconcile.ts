import { type SpendgateClient } from '@spendgate/client';
import { isUuid, outcomeId } from '@spendgate/codec';
import { type GrantedTransfer, type Pool, readGrantedTransfers, readOverdueTransfers, readToldOutcomes } from '@spendgate/store'; // prettier-ignore
import { type Compared, type Finding, compareReport, reportJti } from './compare.js';
import type { RailEntry } from './rail-entry.js';

/** Reports under way at once. */
const AT_ONCE = 16;
/** Overdue settlements named; there being more is told. */
const OVERDUE_MAX = 10_000;

/** One line of a reconciliation. */
export interface Reconciled {
  readonly finding: Finding;
  readonly transfer: string;
  readonly direction: string;
  readonly granted: string | null;
  readonly reported: string | null;
  readonly currency: string;
  readonly outcome: string | null;
  readonly state: string | null;
  readonly rail_reference: string | null;
  readonly place: string | null;
  /** Denial code with which the gate refused the report on it. */
  readonly code: string | null;
}

/** Compares a report with what was granted on its rail. Reads only. */
export async function compareWithGranted(pool: Pool, rail: string, entries: readonly RailEntry[]) {
  const ids = [...new Set(entries.map(({ transfer }) => transfer).filter(isUuid))];
  const granted = new Map((await readGrantedTransfers(pool, rail, ids)).map((row) => [row.settlementId, row]));
  const told = await readToldOutcomes(pool, entries.map((entry) => outcomeId(rail, reportJti(entry)))); // prettier-ignore
  const named = new Set(ids);
  const overdue = (await readOverdueTransfers(pool, rail, OVERDUE_MAX)).filter((row) => !named.has(row.settlementId));
  return { compared: compareReport(rail, entries, granted, told), overdue: overdue.map(silent) };
}

/**
 * Tells the gate what is new, signed by the rail. Words about one transfer go in the order of the report.
 *
 * @throws {NoAnswerError} the gate is away: the same report again goes on where this one ended
 */
export async function tellGate(client: SpendgateClient, compared: readonly Compared[]): Promise<Reconciled[]> {
  const lines = compared.map((each) => line(each));
  const queues = new Map<string, number[]>();
  compared.forEach((each, at) => {
    if (each.isNews) queues.set(each.entry.transfer, [...(queues.get(each.entry.transfer) ?? []), at]);
  });
  const waiting = [...queues.values()].values();
  const worker = async (): Promise<void> => {
    for (const queue of waiting) {
      for (const at of queue) {
        const each = compared[at];
        if (each !== undefined) lines[at] = await tell(client, each);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return lines;
}

async function tell(client: SpendgateClient, each: Compared): Promise<Reconciled> {
  const { entry, granted, jti } = each;
  if (granted === undefined) return line(each);
  const artifact = { reference: { id: granted.artifactId, hash: granted.artifactHash }, currency: granted.currency };
  const { status, body } = await client.reportOutcome(artifact, {
    of: granted.action === 'capture' ? { captureId: granted.actionId } : { refundId: granted.actionId },
    outcome: entry.outcome,
    value: entry.amount,
    ...(entry.railReference !== null && { railReference: entry.railReference }),
    occurredAtSeconds: entry.occurredAt,
    jti,
  });
  if (status >= 400) return { ...line(each), finding: 'refused', code: String(body.code) };
  return { ...line(each), state: String(body.state) };
}

/** A comparison as it is shown. */
export function line({ finding, entry, granted }: Compared): Reconciled {
  return {
    finding,
    transfer: entry.transfer,
    direction: entry.direction,
    granted: granted?.amount ?? null,
    reported: entry.amount,
    currency: entry.currency,
    outcome: entry.outcome,
    state: granted?.state ?? null,
    rail_reference: entry.railReference,
    place: entry.place,
    code: null,
  };
}

function silent({ settlementId, action, amount, currency, state }: GrantedTransfer): Reconciled {
  return {
    finding: 'overdue',
    transfer: settlementId,
    direction: action,
    granted: amount,
    reported: null,
    currency,
    outcome: null,
    state,
    rail_reference: null,
    place: null,
    code: null,
  };
}
