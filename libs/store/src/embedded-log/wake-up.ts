import pg from 'pg';
import type { Pool } from '../pool.js';
import { statement } from '../statement.js';

const CHANNEL = 'spendgate_embedded_log';
const RECONNECT_MS = 500;
const NOTIFY = statement('embedded-notify', `SELECT pg_notify('${CHANNEL}', $1)`);

/**
 * Tells readers that a topic has new records. Called after the append has committed: NOTIFY takes a lock over all
 * databases at commit, which would make appends wait for each other. A lost one costs a reader its slow poll.
 */
export async function notifyAppended(pool: Pool, topic: string): Promise<void> {
  await pool.query({ ...NOTIFY, values: [topic] }).catch(() => undefined);
}

/** Listens for appended topics on a connection of its own and calls back; after a lost connection it comes back by itself. */
export class AppendListener {
  private client: pg.Client | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  /**
   * @param url PostgreSQL connection URI
   * @param onAppended called with the topic; with `null` after a reconnection, when anything may have been missed
   */
  constructor(
    private readonly url: string,
    private readonly onAppended: (topic: string | null) => void,
  ) {}

  /** Resolves when it listens, or when the first attempt failed and the next is planned: polling covers the meantime. */
  async start(): Promise<void> {
    const client = new pg.Client({ connectionString: this.url, application_name: 'spendgate listen' });
    client.on('notification', (message) => this.onAppended(message.payload ?? null));
    client.on('error', () => this.again(client));
    client.on('end', () => this.again(client));
    this.client = client;
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      this.onAppended(null);
    } catch {
      this.again(client);
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.client?.end().catch(() => undefined);
  }

  private again(from: pg.Client): void {
    if (this.stopped || from !== this.client) return;
    this.client = undefined;
    void from.end().catch(() => undefined);
    this.timer = setTimeout(() => void this.start(), RECONNECT_MS);
  }
}
