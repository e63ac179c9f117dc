import { apiDocument } from './api-document.js';
import { ROLE_NAMES } from './roles.js';

/** docs/reference/openapi.json: the routes of all roles, as `up` serves them on one port. */
export function referenceDocument(): string {
  return `${JSON.stringify(apiDocument(ROLE_NAMES, 'http://127.0.0.1:8080'), null, 2)}\n`;
}
