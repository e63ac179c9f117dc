import { describe, expect, it } from '@jest/globals';
import { publicUrlOf } from './public-url.js';

const listening = { SPENDGATE_HOST: '127.0.0.1', SPENDGATE_PORT: 8080 };

describe('the public URL of a process', () => {
  it('is what it was told, without a slash at the end', () => {
    expect(publicUrlOf({ ...listening, SPENDGATE_PUBLIC_URL: 'https://pay.example/gate//' })).toBe(
      'https://pay.example/gate',
    );
  });

  it('is the address it listens on when it was told none', () => {
    expect(publicUrlOf({ ...listening, SPENDGATE_PUBLIC_URL: undefined })).toBe('http://127.0.0.1:8080');
    expect(publicUrlOf({ ...listening, SPENDGATE_PUBLIC_URL: undefined, SPENDGATE_HOST: '::1' })).toBe(
      'http://[::1]:8080',
    );
  });
});
