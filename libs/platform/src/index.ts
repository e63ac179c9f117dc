export { type Clock, systemClock } from './clock.js';
export { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from './embedded-postgres.js';
export { StartError } from './start-error.js';
