import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { holdOf, usd } from '../examples/settlement-example.js';
import { addToBudget, availableOf, NO_DELTA } from '../hold.js';
import { decimal, ZERO } from '../money.js';
import { applyOutcome } from './apply-outcome.js';
import type { Hold, OutcomeWitness, OutcomeWord, SettlementAction, SettlementState } from './types.js';

const WORDS: readonly OutcomeWord[] = ['completed', 'failed', 'unknown', 'reversed', 'charged_back'];
const AMOUNT = usd('12.50');
const taken = holdOf('12.50', { held: ZERO, capturing: AMOUNT, captureCount: 1 });
const settled = holdOf('12.50', { held: ZERO, captured: AMOUNT, captureCount: 1, ended: true });
const returned = holdOf('12.50');

function apply(
  action: SettlementAction,
  state: SettlementState,
  hold: Hold,
  outcome: OutcomeWord,
  witness: OutcomeWitness = 'presenter',
  restored = false,
) {
  return applyOutcome({ action, state, amount: AMOUNT, restored }, hold, outcome, witness);
}

/**
 * Action, state and hold before, then the answer to each word in the order of WORDS: the state after it, `+` when it
 * was applied, `!` when it opens a case.
 */
type Row = readonly [SettlementAction, SettlementState, Hold, ...string[]];
const TABLE: readonly Row[] = [
  ['capture', 'capturing', taken, 'captured+', 'returned+', 'unknown+', 'returned+', 'captured+!'],
  ['capture', 'unknown', taken, 'captured+', 'returned+', 'unknown', 'returned+', 'captured+!'],
  ['capture', 'captured', settled, 'captured', 'captured!', 'captured', 'captured!', 'captured!'],
  ['capture', 'returned', returned, 'returned!', 'returned', 'returned', 'returned', 'returned!'],
  ['refund', 'refunding', settled, 'refunded+', 'returned+', 'unknown+', 'returned+', 'refunding!'],
  ['refund', 'unknown', settled, 'refunded+', 'returned+', 'unknown', 'returned+', 'unknown!'],
  ['refund', 'refunded', settled, 'refunded', 'refunded!', 'refunded', 'refunded!', 'refunded!'],
  ['refund', 'returned', settled, 'returned!', 'returned', 'returned', 'returned', 'returned!'],
  ['void', 'released', returned, 'released!', 'released', 'released', 'released!', 'released!'],
];

describe('applyOutcome', () => {
  it.each(TABLE)('answers every word about a %s that is %s', (action, state, hold, ...answers) => {
    const results = WORDS.map((word) => apply(action, state, hold, word));
    expect(results.map((one) => `${one.state}${one.applied ? '+' : ''}${one.opensCase ? '!' : ''}`)).toEqual(answers);
    for (const { applied, delta } of results) if (!applied) expect(delta).toBe(NO_DELTA);
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

  it('I1: a refund restores the limit only when the rail reports it completed, not when its presenter says so', () => {
    const told = apply('refund', 'refunding', settled, 'completed', 'presenter');
    expect(told).toMatchObject({ state: 'refunded', restored: false, delta: NO_DELTA });
    expect([told.hold.refunded.toFixed(), told.hold.restored.toFixed()]).toEqual(['12.5', '0']);
    const moved = apply('refund', 'refunding', settled, 'completed', 'rail');
    expect(moved).toMatchObject({ state: 'refunded', restored: true });
    expect([moved.delta.refunded.toFixed(), moved.hold.restored.toFixed()]).toEqual(['12.5', '12.5']);
    for (const word of ['failed', 'unknown', 'reversed'] as const) {
      expect(apply('refund', 'refunding', settled, word, 'rail').delta.refunded.isZero()).toBe(true);
    }
  });

  it('I1: the rail’s word after the presenter’s restores the limit, once', () => {
    const refunded = { ...settled, refunded: AMOUNT };
    const late = apply('refund', 'refunded', refunded, 'completed', 'rail');
    expect(late).toMatchObject({ applied: true, state: 'refunded', restored: true, opensCase: false });
    expect([late.delta.refunded.toFixed(), late.hold.refunded.toFixed()]).toEqual(['12.5', '12.5']);
    const again = apply('refund', 'refunded', late.hold, 'completed', 'rail', true);
    expect(again).toMatchObject({ applied: false, restored: true, delta: NO_DELTA });
  });

  it('I1: a capture that was returned and moved after all is debited by the word of a rail, whatever the hold has left', () => {
    const late = (hold: Hold, witness: OutcomeWitness = 'rail') =>
      apply('capture', 'returned', hold, 'completed', witness);
    const sums = ({ hold, delta }: ReturnType<typeof late>): string[] =>
      [hold.held, hold.released, hold.captured, delta.held, delta.captured].map((amount) => amount.toFixed());
    expect(late(returned, 'presenter')).toMatchObject({ applied: false, state: 'returned', delta: NO_DELTA });
    expect(late(returned)).toMatchObject({ applied: true, state: 'captured', opensCase: true });
    expect(sums(late(returned))).toEqual(['0', '0', '12.5', '-12.5', '12.5']);
    expect(late(returned).hold.ended).toBe(true);
    const released = { ...returned, held: ZERO, released: AMOUNT, ended: true };
    expect(sums(late(released))).toEqual(['0', '0', '12.5', '0', '12.5']);
    const half = { ...returned, held: usd('2.50'), released: usd('10.00') };
    expect(sums(late(half))).toEqual(['0', '0', '12.5', '-2.5', '12.5']);
    expect(sums(late(settled))).toEqual(['0', '0', '25', '0', '12.5']);
  });

  it('silence moves nothing and never ends: unknown waits for a word of the rail', () => {
    const { hold, delta } = apply('capture', 'capturing', taken, 'unknown');
    expect(hold).toBe(taken);
    expect(delta).toBe(NO_DELTA);
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
