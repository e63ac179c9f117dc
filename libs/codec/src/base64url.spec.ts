import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeBase64url, encodeBase64url, isCanonicalBase64url } from './base64url.js';

describe('base64url', () => {
  it('decodes what it encoded, and no other text decodes to the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        const text = encodeBase64url(bytes);
        expect(decodeBase64url(text)).toEqual(Buffer.from(bytes));
        const tail = text.at(-1) ?? '';
        for (const other of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
          const twin = text.slice(0, -1) + other;
          const same = Buffer.from(twin, 'base64url').equals(Buffer.from(bytes));
          if (text !== '' && other !== tail && same) expect(isCanonicalBase64url(twin)).toBe(false);
        }
      }),
    );
  });

  it.each(['QQ==', 'QQ=', 'Q', 'QR', 'QUJ', 'Q Q', 'QQ\n', 'Q+', 'Q/', 'QÄ'])('refuses %j', (text) => {
    expect(decodeBase64url(text)).toBeNull();
  });

  it('takes the empty text as no bytes', () => {
    expect(decodeBase64url('')).toEqual(Buffer.alloc(0));
  });
});
