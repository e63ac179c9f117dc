export { CheckpointStore } from './checkpoint-store.js';
export { createWitnessServer } from './serve-witness.js';
export { Witness } from './witness.js';
export { WITNESS_SETTINGS } from './witness.settings.js';
