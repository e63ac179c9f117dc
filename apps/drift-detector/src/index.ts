export { DETECTOR_SETTINGS } from './detector.settings.js';
export { DriftDetector } from './drift-detector.js';
export { DriftDetectorModule, createDetector } from './drift-detector.module.js';

/** The name `serve` and the health page know this service by. */
export const ROLE = 'drift-detector';
