export { Buffer } from './buffer.js';
