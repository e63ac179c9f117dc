export * from './attestations.js';
export * from './decision-reads.js';
export * from './find-refusal.js';
export * from './held-artifacts.js';
export { lockHotRows } from './lock-hot-rows.js';
export * from './mandate-levels.js';
export * from './read-hot-state.js';
export * from './stored-decisions.js';
export * from './write-batch.js';
