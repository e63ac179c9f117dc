import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { EVENTS } from './events/events.js';
import { eventSchemas, tokenSchemas } from './schemas.js';
import { TOKENS } from './tokens/tokens.js';

describe('JSON Schema', () => {
  const ajv = new Ajv2020({ strict: true });

  it('is there for every token and every topic with JSON values, valid under draft 2020-12', () => {
    const [tokens, events] = [tokenSchemas(), eventSchemas()];
    expect(Object.keys(tokens)).toEqual(Object.keys(TOKENS));
    const json = Object.entries(EVENTS).filter(([, { form }]) => form === 'json');
    expect(Object.keys(events)).toEqual(json.map(([topic]) => topic));
    for (const schema of [...Object.values(tokens), ...Object.values(events)]) {
      expect(() => ajv.compile({ ...schema })).not.toThrow();
    }
  });

  it('judges as the schema it comes from does', () => {
    const validate = ajv.getSchema('urn:spendgate:schema:token:payment-intent+jwt:1');
    const intent = {
      ...{ iss: 'shopper', aud: 'urn:spendgate:test', iat: 1_000, exp: 1_060, jti: 'a-1', reference: 'r' },
      mandate: '00000000-0000-8000-8000-000000000001',
      amount: { value: '1.00', currency: 'USD' },
      ...{ counterparty: 'shop', audience: 'service', capture: { mode: 'single' } },
    };
    for (const change of [
      {},
      { description: 'x' },
      { surplus: 1 },
      { iat: 1.5 },
      { description: 'a\u202eb' },
      { jti: '' },
    ]) {
      const value = { ...intent, ...change };
      expect(validate?.(value)).toBe(TOKENS['payment-intent+jwt'].schema.safeParse(value).success);
    }
  });

  it('says of every claim of every token what it is, itself or by its members', () => {
    const silent = Object.entries(tokenSchemas()).flatMap(([typ, { properties }]) =>
      Object.entries(properties as Record<string, { description?: string; properties?: object; enum?: unknown[] }>)
        .filter(([, claim]) => claim.description === undefined && claim.properties === undefined && !claim.enum)
        .map(([name]) => `${typ} ${name}`),
    );
    expect(silent).toEqual([]);
  });
});
