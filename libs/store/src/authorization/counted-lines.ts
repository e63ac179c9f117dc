import { windowBounds } from '@spendgate/codec';
import {
  type Bounds,
  type CountedTerms,
  type Counter,
  type Mandate,
  type Payee,
  type WindowBounds,
  EACH_COUNTERPARTY,
  countedLimits,
  counterId,
  countersOf,
  decimal,
} from '@spendgate/core';
import type { Pool } from '../pool.js';
import { loadMandates } from '../registry/load-facts.js';
import { query, statement } from '../statement.js';
import { inTransaction } from '../transaction.js';

/** A counted limit of one level, as it stands now. */
export interface CountedLine {
  readonly mandateId: string;
  readonly name: string;
  readonly of: 'amount' | 'count';
  /** Decimal text, major units; of a count the number of spends. */
  readonly limit: string;
  /** `null`: each counterparty has a sum of its own. */
  readonly available: string | null;
  /** First instant at which there may be more again, Unix ms; `null`: of no window. */
  readonly untilMs: number | null;
}

const COUNTERS = statement(
  'counted-lines-counters',
  `SELECT k.mandate_id AS mandate, k.counter, c.starts_ms::float8 AS "startsMs", c.amount::text AS amount, c.count
   FROM unnest($1::uuid[], $2::text[]) AS k (mandate_id, counter) JOIN counters c USING (mandate_id, counter)`,
);

/** The counted limits of a mandate and of every level above it, root first. @param atMs now, Unix ms */
export function readCountedLines(pool: Pool, mandateId: string, atMs: number): Promise<CountedLine[]> {
  return inTransaction(pool, async (tx) => {
    const known = [...(await loadMandates(tx, [mandateId])).values()].filter((each) => each !== 'unknown');
    const limits = known
      .sort((a, b) => a.depth - b.depth)
      .flatMap((mandate) =>
        mandate.countedLimits.map((terms) => ({ one: { ...mandate, countedLimits: [terms] }, terms })),
      );
    const uses = limits.flatMap(({ one, terms }) => countersOf(one, payeeOf(terms)));
    type Row = { mandate: string; counter: string; startsMs: number; amount: string; count: number };
    const rows = await query<Row>(tx, COUNTERS, [uses.map((use) => use.mandate), uses.map((use) => use.counter)]);
    return limits.flatMap(({ one, terms }) => linesOf(one, terms, rows, atMs));
  });
}

function linesOf(
  mandate: Mandate,
  terms: CountedTerms,
  rows: readonly {
    readonly mandate: string;
    readonly counter: string;
    readonly startsMs: number;
    readonly amount: string;
    readonly count: number;
  }[],
  atMs: number,
): CountedLine[] {
  const payee = payeeOf(terms);
  const counters = new Map<string, Counter>();
  const bounds = new Map<string, WindowBounds>() satisfies Bounds;
  for (const use of countersOf(mandate, payee)) {
    const own = rows.filter((row) => counterId(row) === counterId(use));
    counters.set(
      counterId(use),
      own.map((row) => ({ ...row, amount: decimal(row.amount) })),
    );
    const newestMs = own.reduce((newest, { startsMs }) => Math.max(newest, startsMs), 0);
    const at = windowBounds(use.window, Math.max(atMs, newestMs));
    if (at !== null) bounds.set(counterId(use), at);
  }
  return countedLimits(mandate, payee, counters, bounds).map(({ name, of, limit, used, window }) => ({
    mandateId: mandate.id,
    name,
    of,
    limit: limit.toFixed(),
    available: used === 'unknown' || terms.counterparty === EACH_COUNTERPARTY ? null : limit.minus(used).toFixed(),
    untilMs: window?.untilMs ?? null,
  }));
}

/** Somebody whose spends the limit counts. */
function payeeOf({ counterparty, category }: CountedTerms): Payee {
  return { id: counterparty ?? '', category };
}
