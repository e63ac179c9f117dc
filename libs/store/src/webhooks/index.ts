export * from './deliveries.js';
