import { expect, it } from '@jest/globals';
import { TOKENS } from './tokens.js';

it.each(Object.entries(TOKENS))('%s is never signed by a key of webhooks', (_typ, { purposes }) => {
  expect(purposes.length).toBeGreaterThan(0);
  expect(purposes).not.toContain('webhook');
});
