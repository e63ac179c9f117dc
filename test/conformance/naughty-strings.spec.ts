import { describe, expect, it } from '@jest/globals';
import {
  canonicalize,
  parseClaims,
  parseStrictJson,
  readRecordHeaders,
  readToken,
  splitCompact,
} from '@spendgate/codec';
import { naughtyStrings } from './published-vectors.js';

const strings = naughtyStrings();
const intent = {
  iss: 'shopper',
  aud: 'urn:spendgate:test',
  iat: 1_000,
  exp: 1_060,
  jti: 'a',
  mandate: '00000000-0000-8000-8000-000000000001',
  amount: { value: '1.00', currency: 'USD' },
  counterparty: 'shop',
  audience: 'service',
  capture: { mode: 'single' },
  reference: 'r',
};

describe('naughty strings', () => {
  it('are all here', () => {
    expect(strings.length).toBe(515);
  });

  it('come back from the parser as they were, as a value and as a member name, or are refused with a code', () => {
    for (const text of strings) {
      const value = parseStrictJson(Buffer.from(JSON.stringify(text)));
      if (value.ok) expect(value.value).toBe(text);
      else expect(['encoding_invalid', 'too_large']).toContain(value.code);
      const member = parseStrictJson(Buffer.from(JSON.stringify({ [text]: 1 })));
      if (member.ok) expect(member.value).toEqual({ [text]: 1 });
    }
  });

  it('have a canonical form that the strict parser reads back', () => {
    for (const text of strings) {
      const parsed = parseStrictJson(Buffer.from(canonicalize({ [text]: text })));
      expect(parsed).toMatchObject(parsed.ok ? { value: { [text]: text } } : { code: 'encoding_invalid' });
    }
  });

  it('as raw records are refused with a code, never thrown on', () => {
    for (const text of strings) {
      expect(splitCompact(Buffer.from(text))).toMatchObject({ ok: false });
      expect(readToken(Buffer.from(text, 'latin1'), ['payment-intent+jwt'])).toMatchObject({ ok: false });
    }
  });

  it('in any claim of an intent are accepted or refused naming a claim, never thrown on', () => {
    for (const text of strings) {
      for (const claim of Object.keys(intent)) {
        const result = parseClaims('payment-intent+jwt', { ...intent, [claim]: text });
        if (!result.ok) expect(result.field.startsWith(claim)).toBe(true);
      }
      const unknown = parseClaims('payment-intent+jwt', { ...intent, [`x${text}`]: 1 });
      expect(unknown).toMatchObject({ ok: false, code: 'unknown_field' });
    }
  });

  it('as record headers give usable text or null', () => {
    for (const text of strings) {
      const headers = readRecordHeaders({ ce_id: text, ce_source: text, traceparent: text, ce_time: text });
      expect(headers.id === null || /^[ -~]{1,512}$/.test(headers.id)).toBe(true);
      expect(headers.traceparent).toBeNull();
    }
  });
});
