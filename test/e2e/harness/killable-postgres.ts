import { type EmbeddedPostgres, startEmbeddedPostgres } from '@spendgate/platform';
import { freePort, until } from './processes.js';

/** A real PostgreSQL that comes back at the same address after a kill -9. */
export interface KillablePostgres {
  readonly url: string;
  /** kill -9 of the postmaster: its sessions end without a word, and the next start recovers from the write-ahead log. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startKillablePostgres(folder: string): Promise<KillablePostgres> {
  const port = String(await freePort());
  const start = (): Promise<EmbeddedPostgres> => startEmbeddedPostgres({ folder, settings: { port } });
  let server = await start();
  return {
    url: server.tcpUrl.replace(/:\d+\//, `:${port}/`),
    kill: async () => {
      process.kill(server.pid, 'SIGKILL');
      await server.ended;
    },
    // Until the last session has noticed, PostgreSQL refuses to start on the shared memory it still uses.
    restart: () =>
      until('PostgreSQL to recover', async () => {
        server = await start();
        return true;
      }),
    stop: () => server.stop(),
  };
}
