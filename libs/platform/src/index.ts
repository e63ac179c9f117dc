export { type Clock, systemClock } from './clock.js';
export { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from './embedded-postgres.js';
export { type HealthCheck, HealthRegistry, type HealthReport, type HealthResult } from './health.js';
export { LOG_LEVELS, Logger, type LogLevel, type LoggerOptions } from './logger.js';
export { Metrics } from './metrics.js';
export { type Setting, setting } from './setting.js';
export {
  type Environment,
  SETTING_PREFIX,
  type SettingDescription,
  type SettingTable,
  type SettingValues,
  describeSettings,
  readSettings,
} from './settings.js';
export { Shutdown } from './shutdown.js';
export { StartError } from './start-error.js';
export { Sweeper } from './sweeper.js';
export { type Rate, TokenBuckets } from './token-buckets.js';
export { Turnstile, type TurnstileBounds } from './turnstile.js';
export { runningPostgresUrl } from './postgres/running.js';
