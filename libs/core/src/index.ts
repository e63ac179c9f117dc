export {};
export * from './errors.js';
