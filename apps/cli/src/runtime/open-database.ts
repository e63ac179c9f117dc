import { runningPostgresUrl, startEmbeddedPostgres } from '@spendgate/platform';
import { type Pool, createPool } from '@spendgate/store';
import { dataFolders } from './data-folders.js';

/** A pool on the configured database, or on the embedded one of a data folder, for verbs that look into it. */
export interface OpenDatabase {
  readonly pool: Pool;
  close(): Promise<void>;
}

/**
 * Opens the database of `SPENDGATE_DATABASE_URL`, else the embedded one: of the process that runs it, or started here.
 *
 * @throws {StartError} there is none yet
 */
export async function openDatabase(data = process.env.SPENDGATE_DATA ?? '.spendgate'): Promise<OpenDatabase> {
  const folder = dataFolders(data).database;
  const url = process.env.SPENDGATE_DATABASE_URL ?? runningPostgresUrl(folder);
  if (url !== undefined) return open(url, () => Promise.resolve());
  const started = await startEmbeddedPostgres({ folder });
  return open(started.url, () => started.stop());
}

function open(url: string, stop: () => Promise<void>): OpenDatabase {
  const pool = createPool(url, { connectionsMax: 4, applicationName: 'spendgate cli' });
  return {
    pool,
    close: async () => {
      await pool.end();
      await stop();
    },
  };
}
