import { describe, expect, it } from '@jest/globals';
import { denial, DENIALS, type DenialCode, isDenialCode, isRetryable, precedence } from './denials.js';

describe('denials', () => {
  it('names each code once, in snake_case, with a condition and advice', () => {
    const codes = DENIALS.map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const row of DENIALS) {
      expect(row.code).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect([row.when.length > 5, row.next.length > 3]).toEqual([true, true]);
      expect(row.admission ?? row.settlement).not.toBeNull();
    }
  });

  it('answers with a status of an error, save for a parked intent', () => {
    const odd = DENIALS.filter(({ http }) => !(http >= 400 && http < 600)).map(({ code, http }) => [code, http]);
    expect(odd).toEqual([['approval_required', 202]]);
  });

  it('has an order that never changes by accident: form before state, state before money', () => {
    const order: DenialCode[] = [
      'malformed',
      'signature_invalid',
      'trust_unverifiable',
      'flow_revoked',
      'budget_exceeded',
    ];
    const places = order.map(precedence);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(DENIALS.map(({ code }) => precedence(code))).toEqual(DENIALS.map((_, index) => index));
  });

  it('finds a row by its code and knows no others', () => {
    expect(denial('flow_contained')).toMatchObject({ admission: 'deny or park', settlement: 'deny', http: 409 });
    expect([isDenialCode('flow_contained'), isDenialCode('toString'), isDenialCode('')]).toEqual([true, false, false]);
    expect(() => denial('no_such_row' as DenialCode)).toThrow('ERR_UNKNOWN_DENIAL'); // what a damaged row could say
    expect(precedence('no_such_row' as DenialCode)).toBe(DENIALS.length); // and it never wins over a real one
  });

  it('calls retryable only what can heal without another request', () => {
    expect(isRetryable('flow_contained')).toBe(true);
    expect(DENIALS.filter(({ next }) => next === 'final').map(({ code }) => isRetryable(code))).toEqual([false, false]);
  });
});
