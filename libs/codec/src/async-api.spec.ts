import { describe, expect, it } from '@jest/globals';
import { asyncApi } from './async-api.js';
import { EVENTS } from './events/events.js';

const text = JSON.stringify(asyncApi({ version: '1.2.3', prefix: 'acme.' }));
const document = JSON.parse(text) as Record<string, Record<string, unknown>>; // plain JSON by construction

describe('AsyncAPI document', () => {
  it('has a channel and an operation for each topic, under its prefix', () => {
    expect(document).toMatchObject({ asyncapi: '3.0.0', info: { version: '1.2.3' } });
    expect(Object.keys(document['channels'] ?? {})).toEqual(Object.keys(EVENTS));
    expect(Object.keys(document['operations'] ?? {}).length).toBe(Object.keys(EVENTS).length);
    expect(document['channels']).toMatchObject({ 'payment-intents.v1': { address: 'acme.payment-intents.v1' } });
    expect(document['operations']).toMatchObject({ 'in.payment-intents.v1': { action: 'receive' } });
  });

  it('has every reference resolve within itself', () => {
    const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path);
    expect(references.length).toBeGreaterThan(12);
    for (const path of references.filter((each) => /^(components|channels)/.test(each))) {
      const target = path
        .split('/')
        .reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], document);
      expect([path, typeof target]).toEqual([path, 'object']);
    }
  });

  it('names components with the characters AsyncAPI allows, and states the claims of signed values', () => {
    const components = document['components'] as {
      messages: Record<string, { 'x-claims'?: unknown; contentType: string }>;
    };
    for (const [id, message] of Object.entries(components.messages)) {
      expect(id).toMatch(/^[a-zA-Z0-9.\-_]+$/);
      expect([id, message['x-claims'] !== undefined]).toEqual([id, message.contentType === 'application/jwt']);
    }
  });

  it('is the same document each time', () => {
    expect(JSON.stringify(asyncApi({ version: '1.2.3', prefix: 'acme.' }))).toBe(text);
  });
});
