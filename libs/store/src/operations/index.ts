export * from './list-decisions.js';
export * from './list-mandates.js';
export * from './list-parties.js';
