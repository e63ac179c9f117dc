export { AuthorizeBatch } from './authorize-batch.js';
export { type AuthorizerParts, createAuthorizerParts } from './authorizer-parts.js';
export { AuthorizerModule } from './authorizer.module.js';
export { AUTHORIZER_ROUTES } from './http/routes.js';
export { AUTHORIZER_SETTINGS } from './authorizer.settings.js';
export { EndParkedIntents } from './end-parked-intents.js';
export { RecordObservations } from './record-observations.js';
export { type ReplayDifference, type ReplayReport, replayDecisions } from './replay-decisions.js';

/** Name of the role and of its consumer group. */
export const ROLE = 'authorizer';
