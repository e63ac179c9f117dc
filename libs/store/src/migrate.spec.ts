import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestDatabase, startTestDatabase } from '@spendgate/testing';
import { migrate } from './migrate.js';

describe('migrate', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startTestDatabase();
  });
  afterAll(() => database.close());

  it('changes nothing when it runs again', async () => {
    expect(await migrate(database.url)).toEqual([]);
  });

  it('stores money as numeric(38,18) in every column that holds an amount', async () => {
    const { rows } = await database.pool.query(
      `SELECT DISTINCT numeric_precision, numeric_scale FROM information_schema.columns
       WHERE table_schema = 'public' AND data_type = 'numeric'`,
    );
    expect(rows).toEqual([{ numeric_precision: 38, numeric_scale: 18 }]);
  });
});
