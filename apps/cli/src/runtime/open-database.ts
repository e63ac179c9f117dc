import { existsSync } from 'node:fs';
import { StartError, runningPostgresUrl, startEmbeddedPostgres } from '@spendgate/platform';
import { type Pool, createPool, readSchemaState } from '@spendgate/store';
import { dataFolders } from './data-folders.js';

/** A database and where it is (the URL is a secret), for verbs that look into it while the roles run, or without them. */
export interface OpenDatabase {
  readonly pool: Pool;
  readonly url: string;
  close(): Promise<void>;
}

/** The data folder verbs look into when nothing else is said: the one `up` uses. */
export function dataFolder(): string {
  return process.env.SPENDGATE_DATA ?? '.spendgate';
}

/**
 * Opens the database of `SPENDGATE_DATABASE_URL`, else the embedded one of a data folder: of the process that runs it,
 * or started here.
 *
 * @param create make an embedded database where there is none
 * @throws {StartError} there is none
 */
export async function openDatabase(data = dataFolder(), create = false): Promise<OpenDatabase> {
  const folder = dataFolders(data).database;
  const url = process.env.SPENDGATE_DATABASE_URL ?? runningPostgresUrl(folder);
  if (url !== undefined) return open(url, () => Promise.resolve());
  if (!create && !existsSync(folder)) {
    throw new StartError(
      `${folder} does not exist. Start with \`spendgate up\`, or name the folder with SPENDGATE_DATA ` +
        'or the database with SPENDGATE_DATABASE_URL',
    );
  }
  const started = await startEmbeddedPostgres({ folder });
  return open(started.url, () => started.stop());
}

/** Opens a database that has this release's schema, hands it over, and closes it whatever happens. */
export async function withDatabase<T>(act: (pool: Pool) => Promise<T>): Promise<T> {
  const database = await openDatabase();
  try {
    const { pending } = await readSchemaState(database.pool);
    if (pending.length > 0) throw new StartError(`the schema is not this release's: spendgate migrate`);
    return await act(database.pool);
  } finally {
    await database.close();
  }
}

function open(url: string, stop: () => Promise<void>): OpenDatabase {
  const pool = createPool(url, { connectionsMax: 4, applicationName: 'spendgate cli' });
  return {
    pool,
    url,
    close: async () => {
      await pool.end();
      await stop();
    },
  };
}
