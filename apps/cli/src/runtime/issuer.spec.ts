import { describe, expect, it } from '@jest/globals';
import { readSettings } from '@spendgate/platform';
import { DEMO_ISSUER, chooseIssuer } from './issuer.js';
import { ROLE_NAMES, settingsOf } from './roles.js';

const choose = (environment: Record<string, string>): string =>
  chooseIssuer(readSettings(settingsOf(ROLE_NAMES), environment));

describe('the issuer', () => {
  it('is the demo domain when nothing real is attached', () => {
    expect(choose({})).toBe(DEMO_ISSUER);
    expect(choose({ SPENDGATE_HOST: '::1' })).toBe(DEMO_ISSUER);
  });

  it('is what SPENDGATE_ISSUER names, on real infrastructure too', () => {
    const real = { SPENDGATE_DATABASE_URL: 'postgresql://db/x', SPENDGATE_KAFKA_BROKERS: 'kafka:9092' };
    expect(choose({ ...real, SPENDGATE_ISSUER: 'https://pay.example' })).toBe('https://pay.example');
  });

  it.each([
    ['SPENDGATE_DATABASE_URL', 'postgresql://db/x'],
    ['SPENDGATE_KAFKA_BROKERS', 'kafka:9092'],
    ['SPENDGATE_HOST', '0.0.0.0'],
  ])('is never the demo domain, whose keys anybody can make, beside %s', (name, value) => {
    expect(() => choose({ [name]: value })).toThrow(`${name} is set, and the demo domain may not run on real`);
    expect(() => choose({ [name]: value, SPENDGATE_ISSUER: DEMO_ISSUER })).toThrow('SPENDGATE_ISSUER=https://');
  });
});

describe('settings', () => {
  it('stop the start with one line per problem, each with a way out', () => {
    const start = (): unknown =>
      readSettings(settingsOf(ROLE_NAMES), { SPENDGATE_PORTT: '1', SPENDGATE_DATABASE_CONNECTIONS: '1' });
    expect(start).toThrow(
      /SPENDGATE_PORTT is no setting; did you mean SPENDGATE_PORT\?\nSPENDGATE_DATABASE_CONNECTIONS: /,
    );
  });
});
