import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestDatabase, startTestDatabase } from '@spendgate/testing';
import type { DataSource } from 'typeorm';
import { createDataSource } from '../migrate.js';
import { ENTITIES, MandateEntity } from './index.js';

describe('entities', () => {
  let database: TestDatabase;
  let source: DataSource;
  beforeAll(async () => {
    database = await startTestDatabase();
    source = await createDataSource(database.url).initialize();
  });
  afterAll(async () => {
    await source.destroy();
    await database.close();
  });

  it.each(ENTITIES.map((entity) => [entity.name, entity] as const))(
    '%s names only columns that exist',
    async (_name, entity) => {
      expect(await source.getRepository<object>(entity).find()).toEqual([]);
    },
  );

  it('read an amount as an exact decimal', async () => {
    await database.pool.query(
      `INSERT INTO mandates (mandate_id, version, root_id, path, depth, principal_id, currency, total_limit, claims, token,
         mandate_hash, grantor_kind, grantor_id, valid_until)
       VALUES (gen_random_uuid(), 1, gen_random_uuid(), '{}', 0, 'acme', 'USD', 12345678901234567890.000000000000000001, '',
         '', '', 'principal', 'acme', now())`,
    );
    const [mandate] = await source.getRepository(MandateEntity).find();
    expect(mandate?.totalLimit.toFixed()).toBe('12345678901234567890.000000000000000001');
  });
});
