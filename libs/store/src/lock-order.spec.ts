import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestDatabase, startTestDatabase } from '@spendgate/testing';
import { LOCK_ORDER, lock, locking } from './lock-order.js';
import { inTransaction } from './transaction.js';

/** SQL that takes a lock other statements wait for beyond the rows they write themselves. */
const LOCKS =
  /\bFOR\s+(NO\s+KEY\s+UPDATE|UPDATE|SHARE|KEY\s+SHARE)\b(?!\s+SKIP)|pg_advisory_(xact_)?lock|LOCK\s+TABLE/i;
/** Locks outside the order, each with the reason nobody who holds an ordered lock ever waits for it. */
const APART: Readonly<Record<string, string>> = {
  'migrate.ts': 'taken before any deciding session exists, and alone on its connection',
  'embedded-log/records.ts': 'one statement that commits by itself; its rows are locked in key order',
};

function sources(): string[] {
  const names = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'));
}

describe('the lock order', () => {
  it('is the one of the design: control, lane, flows, budgets, counters, artifacts, holds', () => {
    expect(LOCK_ORDER).toEqual(['control', 'lane', 'flows', 'budgets', 'counters', 'artifacts', 'holds']);
  });

  it('knows every locking statement: each is declared with its level, or listed apart with a reason', () => {
    const undeclared = sources()
      .filter((name) => !(name in APART))
      .filter((name) => {
        const code = readFileSync(path.join(import.meta.dirname, name), 'utf8').replace(/\/\*[^]*?\*\/|\/\/.*$/gm, '');
        const declared = code.replace(/locking\(\s*'\w+',\s*'[\w-]+',\s*(`[^`]*`|'[^']*'|"[^"]*"),?\s*\)/g, '');
        return LOCKS.test(declared);
      });
    expect(undeclared).toEqual([]);
  });

  it('gives each statement a name of its own: a prepared statement of another text would fail at run time', () => {
    const names = sources().flatMap((name) => {
      const code = readFileSync(path.join(import.meta.dirname, name), 'utf8');
      return [
        ...code.matchAll(
          /(?:statement|locking)\((?:\s*'(?:control|lane|flows|budgets|counters|artifacts|holds)',)?\s*'([\w-]+)',/g,
        ),
      ].map((match) => match[1]);
    });
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });
});

describe('taking locks', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startTestDatabase();
    await database.pool.query(
      `INSERT INTO flows SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'activated', 1, 0, '', ''
       FROM generate_series(0, 9) AS n`,
    );
    await database.pool.query('INSERT INTO budgets SELECT flow_id, 0 FROM flows');
  });
  afterAll(() => database.close());

  const flows = locking(
    'flows',
    'spec-flows',
    'SELECT 1 FROM flows WHERE flow_id = ANY ($1) ORDER BY flow_id FOR UPDATE',
  );
  const budgets = locking(
    'budgets',
    'spec-budgets',
    'SELECT 1 FROM budgets WHERE mandate_id = ANY ($1) ORDER BY depth, mandate_id FOR UPDATE',
  );

  it('throws when a transaction takes a level before, or the same one again', async () => {
    const wrong = inTransaction(database.pool, async (tx) => {
      await lock(tx, budgets, [[]]);
      await lock(tx, flows, [[]]);
    });
    await expect(wrong).rejects.toThrow('ERR_LOCK_ORDER');
    const again = inTransaction(database.pool, async (tx) => {
      await lock(tx, flows, [[]]);
      await lock(tx, flows, [[]]);
    });
    await expect(again).rejects.toThrow('ERR_LOCK_ORDER');
  });

  it('starts over with each transaction of a connection', async () => {
    for (let n = 0; n < 30; n += 1) await inTransaction(database.pool, (tx) => lock(tx, flows, [[]]));
  });

  it('lets any number of transactions over overlapping rows through without one deadlock', async () => {
    const before = await deadlocks();
    let attempts = 0;
    const work = Array.from({ length: 60 }, (_, n) => {
      const ids = [n, n * 3 + 1, n * 7 + 2].map(
        (each) => `00000000-0000-4000-8000-${String(each % 10).padStart(12, '0')}`,
      );
      return inTransaction(database.pool, async (tx) => {
        attempts += 1;
        await lock(tx, flows, [ids.reverse()]);
        await lock(tx, budgets, [ids]);
        await tx.query('UPDATE budgets SET held = held + 1 WHERE mandate_id = ANY ($1)', [ids]);
      });
    });
    await Promise.all(work);
    expect(attempts).toBe(60);
    expect(await deadlocks()).toBe(before);
  });

  async function deadlocks(): Promise<bigint | undefined> {
    const sql = 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()';
    return (await database.pool.query<{ deadlocks: bigint }>(sql)).rows[0]?.deadlocks;
  }
});
