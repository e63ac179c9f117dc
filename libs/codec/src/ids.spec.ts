import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { artifactId, decisionId, holdId, intentId, isUuid, outcomeId, settlementId, uuid8 } from './ids.js';

const intent = intentId({ issuer: 'urn:spendgate:test', agent: 'shopper', mandate: 'm', jti: 'j' });

describe('ids', () => {
  it('are UUIDs of version 8 and variant 10, whatever the bytes (RFC 9562 §5.8)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 40 }), (bytes) => {
        const id = uuid8(bytes);
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(isUuid(id)).toBe(true);
      }),
    );
    expect(() => uuid8(new Uint8Array(15))).toThrow(RangeError);
  });

  it('keep the 122 free bits of what they are made of', () => {
    const digest = createHash('sha256').update('["intent","urn:spendgate:test","shopper","m","j"]').digest();
    const kept = digest.subarray(0, 16).toString('hex');
    const id = intent.replaceAll('-', '');
    expect([id.slice(0, 12), id.slice(13, 16), id.slice(17)]).toEqual([
      kept.slice(0, 12),
      kept.slice(13, 16),
      kept.slice(17),
    ]);
  });

  it('are the same for the same inputs and differ when any input differs', () => {
    const name = { issuer: 'urn:a:b', agent: 'a', mandate: 'm', jti: 'j' };
    const ids = [
      intentId(name),
      intentId({ ...name, issuer: 'urn:a:c' }),
      intentId({ ...name, agent: 'b' }),
      intentId({ ...name, mandate: 'n' }),
      intentId({ ...name, jti: 'k' }),
      decisionId(1, intent, 0),
      decisionId(2, intent, 0),
      decisionId(1, intent, 1),
      artifactId(1, intent, 0, 0),
      artifactId(1, intent, 1, 0),
      artifactId(1, intent, 0, 1),
      holdId(1, intent),
      settlementId('a', 'capture', 'x'),
      settlementId('a', 'refund', 'x'),
      settlementId('a', 'capture', 'y'),
      outcomeId('rail', 'x'),
      outcomeId('rail', 'y'),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect(intentId(name)).toBe(ids[0]);
  });

  it('cannot be made equal by moving a character from one input to the next', () => {
    const moved = { issuer: 'urn:spendgate:test', agent: 'shopperm', mandate: '', jti: 'j' };
    expect(intentId(moved)).not.toBe(intent);
  });

  it('sort by append time, so that indexes grow at one end', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 40), fc.nat(2 ** 40), fc.uuid(), fc.uuid(), (a, b, one, other) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        if (low < high) expect(decisionId(low, one, 0) < decisionId(high, other, 0)).toBe(true);
      }),
    );
  });

  it.each([-1, 1.5, NaN, 2 ** 48])('refuse the time %d: it would not fit its 48 bits', (timeMs) => {
    expect(() => decisionId(timeMs, intent, 0)).toThrow(RangeError);
  });
});
