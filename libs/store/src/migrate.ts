import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { ENTITIES } from './entities/index.js';
import { MIGRATIONS } from './migrations/index.js';
import { createPool } from './pool.js';
import { grantRights } from './rights/grant-rights.js';
import { type Queryable, query, statement } from './statement.js';
import { guarded } from './transaction.js';

/** Any 64-bit constant; two `migrate` runs at once take turns. */
const MIGRATE_LOCK = 7_306_077_260_811_700n;

/** TypeORM's view of the database: entities for administration, and migrations. Never used on the hot path. */
export function createDataSource(url: string): DataSource {
  return new DataSource({
    type: 'postgres',
    url,
    entities: ENTITIES,
    migrations: MIGRATIONS,
    migrationsTableName: 'migrations',
    migrationsTransactionMode: 'each',
    synchronize: false,
    logging: false,
  });
}

/**
 * Brings the schema up to this release, forward only, and gives each role of the database its rights. Running it again
 * changes nothing, unless somebody changed the rights.
 *
 * @param url of a database whose user may create tables, and roles where they are missing
 * @returns the names of the migrations run now, in order
 * @throws {StartError} when the server is older than PostgreSQL 17, or roles are missing and cannot be made
 * @throws {DependencyError} when it cannot be reached
 */
export async function migrate(url: string): Promise<string[]> {
  const pool = createPool(url, { connectionsMax: 2, applicationName: 'spendgate migrate' });
  try {
    return await guarded(async () => {
      const client = await pool.connect();
      try {
        await client.query('SELECT pg_advisory_lock($1)', [MIGRATE_LOCK]);
        const run = await runMigrations(url);
        await grantRights(pool);
        return run;
      } finally {
        client.release(true); // ends the session, and with it the lock
      }
    });
  } finally {
    await pool.end();
  }
}

async function runMigrations(url: string): Promise<string[]> {
  const source = await createDataSource(url).initialize();
  try {
    const run = await source.runMigrations();
    return run.map((each) => each.name);
  } finally {
    await source.destroy();
  }
}

const TABLE = statement('migrations-table', "SELECT to_regclass('migrations') IS NOT NULL AS made");
const RUN = statement('migrations-run', 'SELECT name FROM migrations');

/** How the schema of a database compares with this release's; nothing is changed by asking. */
export interface SchemaState {
  /** Migrations this release has and the database has not, in order. */
  readonly pending: readonly string[];
  /** Migrations of a newer release: this one may serve beside it, but must not migrate. */
  readonly unknown: readonly string[];
}

/** @throws {DependencyError} the database cannot be reached */
export async function readSchemaState(db: Queryable): Promise<SchemaState> {
  const known = MIGRATIONS.map((each) => each.name);
  const run = await guarded(async () => {
    const [table] = await query<{ made: boolean }>(db, TABLE);
    return table?.made === true ? query<{ name: string }>(db, RUN) : [];
  });
  const names = new Set(run.map((row) => row.name));
  return {
    pending: known.filter((name) => !names.has(name)),
    unknown: [...names].filter((name) => !known.includes(name)),
  };
}
