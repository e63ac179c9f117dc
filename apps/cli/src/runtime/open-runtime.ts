import { DomainKeys } from '@spendgate/artifact';
import type { Runtime } from '@spendgate/messaging';
import {
  HealthRegistry,
  Logger,
  type LogLevel,
  Metrics,
  Shutdown,
  startEmbeddedPostgres,
  systemClock,
} from '@spendgate/platform';
import { type DatabaseRole, Registry, createPool, readClockMs } from '@spendgate/store';
import { dataFolders } from './data-folders.js';
import { chooseIssuer } from './issuer.js';
import { openTransport } from './open-transport.js';
import { publicUrlOf } from './public-url.js';
import { type ProcessSettings, readProcessSettings } from './read-process-settings.js';
import { ROLES, type Role } from './roles.js';

/** What `prepare` of {@link openRuntime} works on: a database that is up and that nothing uses yet. */
export interface PreparePlace {
  readonly databaseUrl: string;
  readonly issuer: string;
  readonly settings: ProcessSettings;
}

/** A runtime, what ends it in order, and where its database is (a secret: for `migrate` and seeding in this process). */
export interface OpenRuntime {
  readonly runtime: Runtime;
  readonly settings: ProcessSettings;
  readonly shutdown: Shutdown;
  readonly databaseUrl: string;
}

/**
 * Opens everything the given roles run on: settings, database (embedded when none is configured), event transport, and
 * the private keys of just these roles' purposes.
 *
 * @param prepare runs once the database is up and before anything uses it: migrations, seeding
 * @throws {StartError} with the setting or the command that mends it
 */
export async function openRuntime(
  roles: readonly Role[],
  name: string,
  prepare: (place: PreparePlace) => Promise<void>,
): Promise<OpenRuntime> {
  const settings = readProcessSettings(roles);
  const issuer = chooseIssuer(settings);
  const logger = Logger.create({ level: settings.SPENDGATE_LOG_LEVEL as LogLevel, role: name }); // as: `oneOf` checked it
  const shutdown = new Shutdown(logger);
  try {
    const folders = dataFolders(settings.SPENDGATE_DATA);
    const databaseUrl = settings.SPENDGATE_DATABASE_URL ?? (await startDatabase(folders.database, logger, shutdown));
    await prepare({ databaseUrl, issuer, settings });
    const runtime = await buildRuntime(roles, name, { databaseUrl, issuer, settings }, logger, shutdown);
    return { runtime, settings, shutdown, databaseUrl };
  } catch (error) {
    await shutdown.run('start failed');
    throw error;
  }
}

async function buildRuntime(
  roles: readonly Role[],
  name: string,
  { databaseUrl, issuer, settings }: PreparePlace,
  logger: Logger,
  shutdown: Shutdown,
): Promise<Runtime> {
  const pool = createPool(databaseUrl, {
    connectionsMax: settings.SPENDGATE_DATABASE_CONNECTIONS,
    applicationName: `spendgate ${name}`,
    role: databaseRoleOf(roles),
    onIdleError: (error) => logger.warn(`lost an idle database connection: ${error.message}`),
  });
  shutdown.add('database connections', () => pool.end());
  const domainKeys = await DomainKeys.open(dataFolders(settings.SPENDGATE_DATA).domainKeys, {
    issuer,
    purposes: roles.flatMap((role) => [...ROLES[role].purposes]),
    // The first `apply` that declares a webhook in a domain older than them makes it; until the restart messages wait.
    optional: ['webhook'],
    passphrase: settings.SPENDGATE_KEY_PASSPHRASE,
  });
  const metrics = new Metrics();
  metrics.collectProcess();
  const health = new HealthRegistry();
  health.register('database', async () => {
    await readClockMs(pool);
    return { ok: true };
  });
  return {
    settings,
    clock: systemClock,
    logger,
    pool,
    transport: openTransport({ settings, pool, logger, issuer, databaseUrl }),
    keys: domainKeys.all(),
    registry: new Registry(pool),
    health,
    metrics,
    domain: { issuer, publicUrl: publicUrlOf(settings) },
  };
}

/** A process of one role has that role's rights. One of several roles has one pool, and needs them all. */
function databaseRoleOf(roles: readonly Role[]): DatabaseRole | undefined {
  const [role, ...others] = roles;
  return role === undefined || others.length > 0 ? undefined : ROLES[role].database;
}

async function startDatabase(folder: string, logger: Logger, shutdown: Shutdown): Promise<string> {
  const database = await startEmbeddedPostgres({ folder });
  let stopping = false;
  shutdown.add('embedded database', () => {
    stopping = true;
    return database.stop();
  });
  void database.ended.then(async (code) => {
    if (stopping) return;
    logger.fatal(`the embedded database ended (${code}): nothing can be decided without it`);
    await shutdown.run('the embedded database ended');
    process.exit(1);
  });
  return database.url;
}
