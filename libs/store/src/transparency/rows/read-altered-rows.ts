import { type Queryable, query, statement } from '../../statement.js';
import { guarded } from '../../transaction.js';
import { CONTROL_RULES } from './control-rules.js';
import { MONEY_RULES } from './money-rules.js';

/** A row that says something else than the log, a row the log does not know, or one the log has and the table not. */
export interface AlteredRow {
  readonly subject: string;
  /** Column, or `not_in_log`, `row_missing`; `sum`: amounts that do not add up. */
  readonly field: string;
  /** Where the leaf lies that says otherwise; `null`: nowhere. */
  readonly index: number | null;
}

const RULES = [...CONTROL_RULES, ...MONEY_RULES].map(({ name, text }) => ({
  name,
  statement: statement(`altered-${name.replaceAll('_', '-')}`, text),
}));

/**
 * Compares what stands in the tables with what the leaves commit to, a table at a time. Sound only for payloads that
 * open their leaves, in a log that was recomputed.
 *
 * @param limit rows of one table at most
 */
export async function* readAlteredRows(
  db: Queryable,
  limit: number,
): AsyncGenerator<{ readonly table: string; readonly rows: readonly AlteredRow[] }> {
  for (const rule of RULES) {
    const rows = await guarded(() => query<AlteredRow & Record<string, unknown>>(db, rule.statement, [limit]));
    yield { table: rule.name, rows };
  }
}
