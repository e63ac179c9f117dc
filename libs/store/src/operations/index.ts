export * from './list-decisions.js';
export * from './list-keys.js';
export * from './list-mandates.js';
export * from './list-parked.js';
export * from './list-parties.js';
