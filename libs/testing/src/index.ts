export { type TestDatabase, startTestDatabase } from './database.js';
