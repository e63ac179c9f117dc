import { type Counters, type CounterEntry, changeCounter, counterId, decimal } from '@spendgate/core';
import { bigints, integers, smallints, texts, uuids } from '../binary-arrays.js';
import { type Transaction, statement } from '../statement.js';
import { type Write, run } from '../together.js';

/** What a hold entered, as `holds.counters` keeps it: the mandate is named by its depth in the hold's path. */
type StoredEntry = readonly [depth: number, counter: string, slot: number, startsMs: number];

/** @returns JSON text; `null`: the hold entered no counter */
export function storedEntries(entries: readonly CounterEntry[]): string | null {
  if (entries.length === 0) return null;
  return JSON.stringify(entries.map(({ depth, counter, slot, startsMs }) => [depth, counter, slot, startsMs]));
}

/** A hold that ended without a capture, with what it entered. */
export interface UncountedHold {
  readonly path: readonly string[];
  /** What entered: the whole amount of the hold; decimal text, major units. */
  readonly amount: string;
  /** `holds.counters`; `null`: it entered none, or money of it was captured, and then it stays counted. */
  readonly counters: string | null;
}

function entriesOfHold({ path, counters }: UncountedHold): CounterEntry[] {
  if (counters === null) return [];
  const stored = JSON.parse(counters) as StoredEntry[]; // as: our own column, written by storedEntries
  return stored.flatMap(([depth, counter, slot, startsMs]) => {
    const mandate = path[depth];
    return mandate === undefined ? [] : [{ mandate, depth, counter, slot, startsMs }];
  });
}

type Amount = ReturnType<typeof decimal>;
interface Change {
  readonly entry: CounterEntry;
  readonly amount: Amount;
  readonly count: number;
}

/** What a transaction adds to counters and takes out of them, one sum per place. */
export class CounterChanges {
  private readonly changes = new Map<string, Change>();

  get isEmpty(): boolean {
    return this.changes.size === 0;
  }

  /** Counts an authorized amount. */
  enter(entries: readonly CounterEntry[], amount: string): void {
    for (const entry of entries) this.add(entry, decimal(amount), 1);
  }

  /** Takes out what a hold entered that ended without a capture. The number of spends stays: it tells of velocity. */
  leave(hold: UncountedHold): void {
    for (const entry of entriesOfHold(hold)) this.add(entry, decimal(hold.amount).neg(), 0);
  }

  /** Puts back what left: money of the hold moved after all. A bucket that is gone meanwhile counts no more. */
  comeBack(hold: UncountedHold): void {
    for (const entry of entriesOfHold(hold)) this.add(entry, decimal(hold.amount), 0);
  }

  /** The counters that were read, as they stand with these changes; one that was not read is left out. */
  appliedTo(read: Counters): Counters {
    if (this.isEmpty || read.size === 0) return read;
    const counters = new Map(read);
    for (const { entry, amount, count } of this.changes.values()) {
      const id = counterId(entry);
      const counter = counters.get(id);
      if (counter !== undefined) counters.set(id, changeCounter(counter, entry.startsMs, amount, count));
    }
    return counters;
  }

  /** To be run when there are any. */
  write(): Write {
    const changes = [...this.changes.values()];
    return {
      statement: CHANGE,
      values: [
        uuids(changes.map(({ entry }) => entry.mandate)),
        texts(changes.map(({ entry }) => entry.counter)),
        smallints(changes.map(({ entry }) => entry.slot)),
        bigints(changes.map(({ entry }) => BigInt(entry.startsMs))),
        texts(changes.map(({ amount }) => amount.toFixed())),
        integers(changes.map(({ count }) => count)),
      ],
    };
  }

  /** Of two buckets for one place the newer has it: what the older took counts no more. */
  private add(entry: CounterEntry, amount: Amount, count: number): void {
    const place = `${counterId(entry)} ${entry.slot}`;
    const before = this.changes.get(place);
    if (before === undefined || before.entry.startsMs < entry.startsMs) {
      this.changes.set(place, { entry, amount, count });
    } else if (before.entry.startsMs === entry.startsMs) {
      this.changes.set(place, { entry, amount: before.amount.plus(amount), count: before.count + count });
    }
  }
}

// A place that a newer bucket has taken keeps it. What leaves or comes back (no count with it) changes a bucket that is there, and
// makes none. The table's check refuses a sum below zero.
const CHANGE = statement(
  'counters-change',
  `MERGE INTO counters AS b
   USING unnest($1::uuid[], $2::text[], $3::smallint[], $4::bigint[], $5::text[], $6::integer[])
     AS c (mandate_id, counter, slot, starts_ms, amount, count)
   ON b.mandate_id = c.mandate_id AND b.counter = c.counter AND b.slot = c.slot
   WHEN MATCHED AND b.starts_ms = c.starts_ms THEN
     UPDATE SET amount = b.amount + c.amount::numeric, count = b.count + c.count
   WHEN MATCHED AND b.starts_ms < c.starts_ms AND c.count > 0 THEN
     UPDATE SET starts_ms = c.starts_ms, amount = c.amount::numeric, count = c.count
   WHEN NOT MATCHED AND c.count > 0 THEN
     INSERT (mandate_id, counter, slot, starts_ms, amount, count)
     VALUES (c.mandate_id, c.counter, c.slot, c.starts_ms, c.amount::numeric, c.count)`,
);

export async function changeCounters(tx: Transaction, changes: CounterChanges): Promise<void> {
  if (!changes.isEmpty) await run(tx, changes.write());
}
