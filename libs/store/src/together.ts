import { type Queryable, type Statement, type Transaction, execute } from './statement.js';

/** A write ready to run: its statement and the values for it. */
export interface Write {
  readonly statement: Statement;
  readonly values: readonly unknown[];
}

export async function run(db: Queryable, { statement, values }: Write): Promise<void> {
  await execute(db, statement, values);
}

/** Texts of joined writes, by name; the writes of a name are always the same ones, so its text is constant too. */
const joined = new Map<string, Statement>();

/**
 * Runs writes that do not read each other's rows as one statement (`WITH` of data-modifying parts, PostgreSQL manual
 * §7.8.4): one round trip while locks are held, whatever the number of tables. All parts see the same snapshot.
 *
 * @param name of the joined statement; callers pass the same writes in the same order each time
 */
export async function runTogether(tx: Transaction, name: string, writes: readonly Write[]): Promise<void> {
  const known = joined.get(name) ?? join(name, writes);
  joined.set(name, known);
  await execute(
    tx,
    known,
    writes.flatMap(({ values }) => values),
  );
}

/** Parameters of each part are numbered on from those before it. */
function join(name: string, writes: readonly Write[]): Statement {
  let before = 0;
  const parts = writes.map(({ statement, values }, index) => {
    const text = statement.text.replace(/\$(\d+)/g, (_, number: string) => `$${Number(number) + before}`);
    before += values.length;
    return `w${index} AS (${text})`;
  });
  return { name, text: `WITH ${parts.join(',\n')}\nSELECT 1` };
}
