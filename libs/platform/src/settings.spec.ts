import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { setting } from './setting.js';
import { describeSettings, readSettings } from './settings.js';

const TABLE = {
  SPENDGATE_DATABASE_URL: setting.url({ secret: true, about: 'PostgreSQL' }),
  SPENDGATE_OUTCOME_DUE_SECONDS: setting.integer({ default: 3600, min: 10, max: 604_800, about: 'seconds' }),
  SPENDGATE_KAFKA_TLS: setting.boolean({ default: false, about: 'encrypt' }),
  SPENDGATE_LEASE: setting.duration({ default: 10_000, min: 1_000, max: 60_000, about: 'lease' }),
  SPENDGATE_KAFKA_SASL_MECHANISM: setting.text({ about: 'SASL', oneOf: ['plain', 'scram-sha-256'] }),
};

function file(content: string): string {
  const name = path.join(mkdtempSync(path.join(tmpdir(), 'spendgate-settings-')), 'value');
  writeFileSync(name, content);
  return name;
}

describe('settings', () => {
  it('give each name a typed value, its default, or nothing', () => {
    const environment = { SPENDGATE_KAFKA_TLS: 'true', SPENDGATE_LEASE: '30s', PATH: '/bin' };
    expect(readSettings(TABLE, environment)).toEqual({
      SPENDGATE_DATABASE_URL: undefined,
      SPENDGATE_OUTCOME_DUE_SECONDS: 3600,
      SPENDGATE_KAFKA_TLS: true,
      SPENDGATE_LEASE: 30_000,
      SPENDGATE_KAFKA_SASL_MECHANISM: undefined,
    });
  });

  it('stop the start at an unknown name, and name the one that was meant', () => {
    expect(() => readSettings(TABLE, { SPENDGATE_DATABASE_ULR: 'x' })).toThrow('did you mean SPENDGATE_DATABASE_URL?');
    expect(() => readSettings(TABLE, { SPENDGATE_XYZ: 'x' })).toThrow('SPENDGATE_XYZ is no setting');
  });

  it('let one environment serve several roles: a name of another role is no mistake, and is not read', () => {
    const own = { SPENDGATE_LEASE: TABLE.SPENDGATE_LEASE };
    expect(readSettings(own, { SPENDGATE_KAFKA_TLS: 'true' }, TABLE)).toEqual({ SPENDGATE_LEASE: 10_000 });
    expect(() => readSettings(own, { SPENDGATE_KAFKA_TSL: 'true' }, TABLE)).toThrow(
      'did you mean SPENDGATE_KAFKA_TLS?',
    );
  });

  it.each([
    ['SPENDGATE_OUTCOME_DUE_SECONDS', '9', 'from 10 to 604800'],
    ['SPENDGATE_OUTCOME_DUE_SECONDS', '604801', 'from 10 to 604800'],
    ['SPENDGATE_OUTCOME_DUE_SECONDS', '1e3', 'whole number'],
    ['SPENDGATE_OUTCOME_DUE_SECONDS', '', 'whole number'],
    ['SPENDGATE_KAFKA_TLS', 'yes', 'true or false'],
    ['SPENDGATE_LEASE', '30', 'like 30s'],
    ['SPENDGATE_LEASE', '2h', 'like 30s'],
    ['SPENDGATE_DATABASE_URL', 'database', 'absolute URL'],
    ['SPENDGATE_KAFKA_SASL_MECHANISM', 'gssapi', 'one of plain, scram-sha-256'],
  ])('stop the start when %s is "%s"', (name, value, reason) => {
    expect(() => readSettings(TABLE, { [name]: value })).toThrow(reason);
  });

  it('are read from a file named by …_FILE, without its last line end, and never from both', () => {
    const name = file('postgresql://a:b@c/d\n');
    const read = readSettings(TABLE, { SPENDGATE_DATABASE_URL_FILE: name });
    expect(read.SPENDGATE_DATABASE_URL).toBe('postgresql://a:b@c/d');
    const both = { SPENDGATE_DATABASE_URL: 'postgresql://x/y', SPENDGATE_DATABASE_URL_FILE: name };
    expect(() => readSettings(TABLE, both)).toThrow('keep one');
    expect(() => readSettings(TABLE, { SPENDGATE_LEASE_FILE: '/nowhere' })).toThrow('SPENDGATE_LEASE_FILE: ENOENT');
  });

  it('report every problem at once', () => {
    const wrong = { SPENDGATE_LEASE: 'x', SPENDGATE_KAFKA_TLS: 'x', SPENDGATE_NO: 'x' };
    expect(() => readSettings(TABLE, wrong)).toThrow(/SPENDGATE_NO[^]*SPENDGATE_KAFKA_TLS[^]*SPENDGATE_LEASE/);
  });

  it('print a secret as its name only, wherever it comes from', () => {
    const password = 'postgresql://user:hunter2@host/db';
    const rows = [
      ...describeSettings(TABLE, { SPENDGATE_DATABASE_URL: password }),
      ...describeSettings(TABLE, { SPENDGATE_DATABASE_URL_FILE: file(password) }),
    ];
    expect(JSON.stringify(rows)).not.toContain('hunter2');
    expect(rows[0]).toEqual({
      name: 'SPENDGATE_DATABASE_URL',
      about: 'PostgreSQL',
      value: '(secret)',
      source: 'environment',
    });
  });

  it('never repeat a refused secret', () => {
    expect(() => readSettings(TABLE, { SPENDGATE_DATABASE_URL: 'hunter2' })).not.toThrow('hunter2');
  });
});
