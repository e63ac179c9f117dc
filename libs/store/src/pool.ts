import { StartError } from '@spendgate/platform';
import pg from 'pg';
import type { DatabaseRole } from './rights/role-rights.js';

export type Pool = pg.Pool;

export interface PoolOptions {
  /** Connections at most. Each deciding partition needs one; two more serve reads. */
  readonly connectionsMax?: number;
  /** Shown in pg_stat_activity: the role. */
  readonly applicationName?: string;
  /** The role whose rights sessions have, whatever else their login could do; absent: the login's own. */
  readonly role?: DatabaseRole | undefined;
  /** A broken idle connection. The pool replaces it by itself; without a listener the process would end. */
  readonly onIdleError?: (error: Error) => void;
}

const CONNECTIONS_MAX = 10;
const CONNECT_TIMEOUT_MS = 5_000;
/** transaction_timeout, which keeps a stopped process from stalling a domain, came with 17. */
const SERVER_VERSION_MIN = 170_000;

/**
 * Bounds on every session, in milliseconds: a process that stops inside a transaction loses its locks after these,
 * and the next owner goes on. Ours hold locks for about 20 ms.
 */
const SESSION = { idleInTransactionMs: 10_000, lockMs: 10_000, transactionMs: 60_000 };

const INT8 = 20;
const INT8_ARRAY = 1016;

function parseBigints(text: string): bigint[] {
  return text === '{}' ? [] : text.slice(1, -1).split(',').map(BigInt);
}

/** `bigint` columns arrive as JavaScript bigints: an offset or a count is never rounded. The rest as pg does it. */
const TYPES: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === INT8 && format !== 'binary') return BigInt;
    if (oid === INT8_ARRAY && format !== 'binary') return parseBigints;
    const parse: unknown = pg.types.getTypeParser(oid, format);
    return parse;
  },
};

/**
 * Opens a pool. `bigint` columns come back as `bigint`, `numeric` as decimal text, `timestamptz` as `Date`.
 *
 * Connecting fails with {@link StartError} when the server is older than PostgreSQL 17, or the login is no member of the
 * role.
 *
 * @param url PostgreSQL connection URI; a secret
 */
export function createPool(url: string, options: PoolOptions = {}): Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.connectionsMax ?? CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: options.applicationName ?? 'spendgate',
    types: TYPES,
    // eslint-disable-next-line @typescript-eslint/no-misused-promises -- pg-pool waits for it; its types do not say so
    onConnect: (client) => prepareSession(client, options.role),
  });
  pool.on('error', options.onIdleError ?? (() => undefined));
  return pool;
}

async function prepareSession(client: pg.ClientBase, role: DatabaseRole | undefined): Promise<void> {
  const { rows } = await client.query<{ version: number; text: string }>(
    "SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS text",
  );
  const [server] = rows;
  checkServerVersion(server?.version ?? 0, server?.text ?? 'of unknown version');
  if (role !== undefined) await takeRole(client, role);
  await client.query(
    `SET idle_in_transaction_session_timeout = ${SESSION.idleInTransactionMs}; SET lock_timeout = ${SESSION.lockMs}; ` +
      `SET transaction_timeout = ${SESSION.transactionMs}; SET timezone = 'UTC'`,
  );
}

/** @throws {StartError} the role is missing, or not the login's to take */
async function takeRole(client: pg.ClientBase, role: DatabaseRole): Promise<void> {
  try {
    await client.query(`SET ROLE ${role}`);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error; // the connection's fault, and tried again
    throw new StartError(
      `the database login cannot act as ${role}: ${error.message}. ` +
        `Run \`spendgate migrate\` as the owner, then: GRANT ${role} TO the login of SPENDGATE_DATABASE_URL`,
      { cause: error },
    );
  }
}

/**
 * @param version `server_version_num`: 180004 for 18.4 @param text as people write it
 * @throws {StartError} below PostgreSQL 17
 */
export function checkServerVersion(version: number, text: string): void {
  if (version >= SERVER_VERSION_MIN) return;
  throw new StartError(
    `PostgreSQL ${text} is too old: Spendgate needs 17 or newer. ` +
      'Upgrade it, or point SPENDGATE_DATABASE_URL at another server.',
  );
}
