import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { holdOf, usd } from '../examples/settlement-example.js';
import { addToBudget, availableOf } from '../hold.js';
import { decimal, ZERO } from '../money.js';
import { applyOutcome } from './apply-outcome.js';
import type { Hold, OutcomeWord, SettlementAction, SettlementState } from './types.js';

const WORDS: readonly OutcomeWord[] = ['completed', 'failed', 'unknown', 'reversed', 'charged_back'];
const AMOUNT = usd('12.50');
const taken = holdOf('12.50', { held: ZERO, capturing: AMOUNT, captureCount: 1 });
const settled = holdOf('12.50', { held: ZERO, captured: AMOUNT, captureCount: 1, ended: true });
const returned = holdOf('12.50');

function apply(action: SettlementAction, state: SettlementState, hold: Hold, outcome: OutcomeWord) {
  return applyOutcome({ action, state, amount: AMOUNT }, hold, outcome);
}

/** action, state before, hold before → for each word: state after, applied, opens a case */
type Row = readonly [
  SettlementAction,
  SettlementState,
  Hold,
  Readonly<Record<OutcomeWord, readonly [SettlementState, boolean, boolean]>>,
];
// prettier-ignore
const TABLE: readonly Row[] = [
  ['capture', 'capturing', taken, { completed: ['captured', true, false], failed: ['returned', true, false], unknown: ['unknown', true, false], reversed: ['returned', true, false], charged_back: ['captured', true, true] }],
  ['capture', 'unknown', taken, { completed: ['captured', true, false], failed: ['returned', true, false], unknown: ['unknown', false, false], reversed: ['returned', true, false], charged_back: ['captured', true, true] }],
  ['capture', 'captured', settled, { completed: ['captured', false, false], failed: ['captured', false, true], unknown: ['captured', false, false], reversed: ['captured', false, true], charged_back: ['captured', false, true] }],
  ['capture', 'returned', returned, { completed: ['returned', false, true], failed: ['returned', false, false], unknown: ['returned', false, false], reversed: ['returned', false, false], charged_back: ['returned', false, true] }],
  ['refund', 'refunding', settled, { completed: ['refunded', true, false], failed: ['returned', true, false], unknown: ['unknown', true, false], reversed: ['returned', true, false], charged_back: ['refunding', false, true] }],
  ['refund', 'unknown', settled, { completed: ['refunded', true, false], failed: ['returned', true, false], unknown: ['unknown', false, false], reversed: ['returned', true, false], charged_back: ['unknown', false, true] }],
  ['refund', 'refunded', settled, { completed: ['refunded', false, false], failed: ['refunded', false, true], unknown: ['refunded', false, false], reversed: ['refunded', false, true], charged_back: ['refunded', false, true] }],
  ['void', 'released', returned, { completed: ['released', false, true], failed: ['released', false, false], unknown: ['released', false, false], reversed: ['released', false, true], charged_back: ['released', false, true] }],
];

describe('applyOutcome', () => {
  it.each(TABLE)('answers every word about a %s that is %s', (action, state, hold, words) => {
    for (const word of WORDS) {
      const { state: after, applied, opensCase, delta } = apply(action, state, hold, word);
      expect([word, after, applied, opensCase]).toEqual([word, ...words[word]]);
      if (!applied) expect(Object.values(delta).every((part) => part.isZero())).toBe(true);
    }
  });

  it('moves the money of a capture: captured when completed, held again when not', () => {
    const done = apply('capture', 'capturing', taken, 'completed');
    expect([done.hold.captured.toFixed(), done.hold.ended, done.delta.captured.toFixed()]).toEqual([
      '12.5',
      true,
      '12.5',
    ]);
    const back = apply('capture', 'capturing', taken, 'failed');
    expect([back.hold.held.toFixed(), back.hold.captureCount]).toEqual(['12.5', 0]);
  });

  it('a refund restores the limit only when the rail reports it completed', () => {
    expect(apply('refund', 'refunding', settled, 'completed').delta.refunded.toFixed()).toBe('12.5');
    for (const word of ['failed', 'unknown', 'reversed'] as const) {
      expect(apply('refund', 'refunding', settled, word).delta.refunded.isZero()).toBe(true);
    }
  });

  it('silence moves nothing and never ends: unknown waits for a word of the rail', () => {
    const { hold, delta } = apply('capture', 'capturing', taken, 'unknown');
    expect(hold).toBe(taken);
    expect(Object.values(delta).every((part) => part.isZero())).toBe(true);
  });

  it('I9: repeated and contradicting words in any order keep the sums, and money moves once', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...WORDS), { maxLength: 20 }), (words) => {
        let hold: Hold = taken;
        let state: SettlementState = 'capturing';
        let budget = { held: ZERO, capturing: AMOUNT, captured: ZERO, refunded: ZERO };
        for (const word of words) {
          const result = apply('capture', state, hold, word);
          budget = { ...budget, ...addToBudget(budget, result.delta) };
          ({ hold, state } = result);
        }
        const spent = budget.held.plus(budget.capturing).plus(budget.captured);
        expect(spent.eq(AMOUNT)).toBe(true);
        expect(availableOf(decimal('100'), budget).eq(decimal('100').minus(AMOUNT))).toBe(true);
      }),
    );
  });
});
