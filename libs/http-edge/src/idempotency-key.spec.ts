import { describe, expect, it } from '@jest/globals';
import { keyAgrees, waitSecondsOf, waited } from './idempotency-key.js';
import { jsonAnswer } from './problem.js';

describe('Idempotency-Key', () => {
  it('may be absent, the bare id, or the id as an RFC 9651 String', () => {
    for (const header of [undefined, 'order-1', '"order-1"']) expect(keyAgrees(header, 'order-1')).toBe(true);
    expect(keyAgrees('"a\\"b\\\\c"', 'a"b\\c')).toBe(true);
  });

  it.each([
    'order-2',
    '"order-1',
    'order-1"',
    '""',
    '',
    '"order-1", "order-1"',
    "'order-1'",
    '"order-1";a=1',
    ' order-1',
  ])('disagrees when it is %p', (header) => {
    expect(keyAgrees(header, 'order-1')).toBe(false);
  });
});

describe('Prefer', () => {
  it.each([
    ['wait=10', 10],
    ['WAIT=10', 10],
    ['respond-async, wait=10', 10],
    ['wait="10"', 10],
    ['wait=5, wait=9', 5],
    ['return=minimal; wait=3', 3],
    ['wait=4000000', 30],
    ['wait=-1', 0],
    ['wait=1.5', 0],
    ['await=9', 0],
    ['wait', 0],
    [undefined, 0],
  ])('%p asks for a wait of %d seconds (RFC 7240 §4.3)', (header, seconds) => {
    expect(waitSecondsOf(header, 30)).toBe(seconds);
  });

  it('is answered with the wait that was honoured, when one was (RFC 7240 §3)', () => {
    expect(waited(jsonAnswer(200, {}), 3_000).headers['preference-applied']).toBe('wait=3');
    expect(waited(jsonAnswer(200, {}), 0).headers).not.toHaveProperty('preference-applied');
  });
});
