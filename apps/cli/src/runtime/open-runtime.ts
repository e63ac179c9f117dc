import { DomainKeys } from '@spendgate/artifact';
import type { Runtime } from '@spendgate/messaging';
import {
  HealthRegistry,
  Logger,
  type LogLevel,
  Metrics,
  type SettingValues,
  Shutdown,
  readSettings,
  startEmbeddedPostgres,
  systemClock,
} from '@spendgate/platform';
import { Registry, createPool } from '@spendgate/store';
import { dataFolders } from './data-folders.js';
import { chooseIssuer } from './issuer.js';
import type { PROCESS_SETTINGS } from './process.settings.js';
import { openTransport } from './open-transport.js';
import { ROLES, type Role, settingsOf } from './roles.js';

type ProcessSettings = SettingValues<typeof PROCESS_SETTINGS>;

/** A runtime, what ends it in order, and where its database is (a secret: for `migrate` and seeding in this process). */
export interface OpenRuntime {
  readonly runtime: Runtime;
  readonly settings: SettingValues & ProcessSettings;
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
  prepare: (databaseUrl: string, issuer: string, settings: ProcessSettings) => Promise<void>,
): Promise<OpenRuntime> {
  // as: settingsOf joins PROCESS_SETTINGS with the roles' tables, so its values are there
  const settings = readSettings(settingsOf(roles), process.env) as SettingValues & ProcessSettings;
  const issuer = chooseIssuer(settings);
  const logger = Logger.create({ level: settings.SPENDGATE_LOG_LEVEL as LogLevel, role: name }); // as: `oneOf` checked it
  const shutdown = new Shutdown(logger);
  try {
    return await open(roles, name, settings, issuer, logger, shutdown, prepare);
  } catch (error) {
    await shutdown.run('start failed');
    throw error;
  }
}

async function open(
  roles: readonly Role[],
  name: string,
  settings: SettingValues & ProcessSettings,
  issuer: string,
  logger: Logger,
  shutdown: Shutdown,
  prepare: Parameters<typeof openRuntime>[2],
): Promise<OpenRuntime> {
  const folders = dataFolders(settings.SPENDGATE_DATA);
  const databaseUrl = settings.SPENDGATE_DATABASE_URL ?? (await startDatabase(folders.database, logger, shutdown));
  await prepare(databaseUrl, issuer, settings);
  const pool = createPool(databaseUrl, {
    connectionsMax: settings.SPENDGATE_DATABASE_CONNECTIONS,
    applicationName: `spendgate ${name}`,
    onIdleError: (error) => logger.warn(`lost an idle database connection: ${error.message}`),
  });
  shutdown.add('database connections', () => pool.end());
  const domainKeys = await DomainKeys.open(folders.domainKeys, {
    issuer,
    purposes: roles.flatMap((role) => [...ROLES[role].purposes]),
    passphrase: settings.SPENDGATE_KEY_PASSPHRASE,
  });
  const transport = openTransport({ settings, pool, logger, issuer, databaseUrl });
  const metrics = new Metrics();
  metrics.collectProcess();
  const runtime: Runtime = {
    settings,
    clock: systemClock,
    logger,
    pool,
    transport,
    keys: domainKeys.all(),
    registry: new Registry(pool),
    health: new HealthRegistry(),
    metrics,
    domain: { issuer },
  };
  return { runtime, settings, shutdown, databaseUrl };
}

async function startDatabase(folder: string, logger: Logger, shutdown: Shutdown): Promise<string> {
  const database = await startEmbeddedPostgres({ folder });
  shutdown.add('embedded database', () => database.stop());
  void database.ended.then((code) => {
    logger.fatal(`the embedded database ended (${code}): nothing can be decided without it`);
    return shutdown.run('the embedded database ended').then(() => process.exit(1));
  });
  return database.url;
}
