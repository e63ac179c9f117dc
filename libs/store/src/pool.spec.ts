import { describe, expect, it } from '@jest/globals';
import { StartError } from '@spendgate/platform';
import { checkServerVersion } from './pool.js';

describe('the database server', () => {
  it('is refused below PostgreSQL 17, with what to do about it', () => {
    expect(() => checkServerVersion(160_009, '16.9')).toThrow(StartError);
    expect(() => checkServerVersion(160_009, '16.9')).toThrow(/16\.9 is too old.*17 or newer.*SPENDGATE_DATABASE_URL/);
    expect(() => checkServerVersion(0, 'of unknown version')).toThrow(StartError);
  });

  it('is accepted from 17 on', () => {
    expect(() => checkServerVersion(170_000, '17.0')).not.toThrow();
    expect(() => checkServerVersion(180_004, '18.4')).not.toThrow();
  });
});
