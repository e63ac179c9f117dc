export * from './event-transport.js';
export * from './messaging.settings.js';
export * from './runtime.js';
export * from './topics.js';
