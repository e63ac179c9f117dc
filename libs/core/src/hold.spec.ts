import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import * as hold from './hold.js';
import type { Budget } from './mandates/types.js';
import { decimal, ZERO } from './money.js';
import type { Hold } from './settlement/types.js';

const LIMIT = decimal('1000');
const EMPTY: Budget = { held: ZERO, capturing: ZERO, captured: ZERO, refunded: ZERO };

type Operation = {
  readonly act: 'capture' | 'complete' | 'return' | 'release' | 'refund' | 'restore';
  readonly cents: number;
  readonly final: boolean;
};
const operations = fc.array(
  fc.record<Operation>({
    act: fc.constantFrom('capture', 'complete', 'return', 'release', 'refund', 'restore'),
    cents: fc.integer({ min: 1, max: 2_000 }),
    final: fc.boolean(),
  }),
  { maxLength: 40 },
);
const opened = fc.record({
  amount: fc.integer({ min: 1, max: 100_000 }).map((cents) => decimal((cents / 100).toFixed(2))),
  mode: fc.constantFrom('single' as const, 'partial' as const, 'multi' as const),
});

/** Applies what fits; what does not fit must throw and change nothing. */
function step(before: Hold, { act, cents, final }: Operation): hold.HoldMove {
  const amount = decimal((cents / 100).toFixed(2));
  const moves = {
    capture: () => hold.startCapture(before, amount, final),
    complete: () => hold.completeCapture(before, amount),
    return: () => hold.returnCapture(before, amount),
    release: () => hold.release(before),
    refund: () => hold.completeRefund(before, amount),
    restore: () => hold.restoreRefund(before, amount),
  };
  try {
    return moves[act]();
  } catch (error) {
    expect(String(error)).toContain('ERR_HOLD_IMPOSSIBLE');
    return { hold: before, delta: hold.NO_DELTA };
  }
}

describe('a hold', () => {
  it('I9: whatever happens to it, its parts sum to its amount and each level to its limit', () => {
    fc.assert(
      fc.property(opened, operations, ({ amount, mode }, acts) => {
        let { hold: current, delta } = hold.openHold(amount, { mode, maxCaptures: mode === 'multi' ? 40 : 1 });
        let budget = hold.addToBudget(EMPTY, delta);
        for (const act of acts) {
          ({ hold: current, delta } = step(current, act));
          budget = hold.addToBudget(budget, delta);
          const { held, capturing, captured, released, refunded, restored } = current;
          expect(held.plus(capturing).plus(captured).plus(released).eq(amount)).toBe(true);
          expect([held, capturing, captured, released, refunded].every((part) => part.gte(0))).toBe(true);
          expect(refunded.lte(captured) && restored.lte(refunded) && restored.gte(0)).toBe(true);
          expect([budget.held.eq(held), budget.capturing.eq(capturing)]).toEqual([true, true]);
          expect([budget.captured.eq(captured), budget.refunded.eq(restored)]).toEqual([true, true]);
          const available = hold.availableOf(LIMIT, budget);
          const spent = budget.held.plus(budget.capturing).plus(budget.captured).minus(budget.refunded);
          expect(available.plus(spent).eq(LIMIT)).toBe(true);
          expect(available.eq(LIMIT.minus(amount).plus(released).plus(restored))).toBe(true);
        }
      }),
    );
  });

  it('goes held → capturing → captured, and ends when nothing is left', () => {
    const first = hold.startCapture(
      hold.openHold(decimal('12.50'), { mode: 'multi', maxCaptures: 3 }).hold,
      decimal('10'),
      false,
    );
    expect(first.hold).toMatchObject({ held: decimal('2.5'), capturing: decimal('10'), captureCount: 1, ended: false });
    const done = hold.completeCapture(first.hold, decimal('10'));
    expect(done.hold).toMatchObject({ captured: decimal('10'), ended: false });
    const last = hold.startCapture(done.hold, decimal('2.50'), false);
    expect(hold.completeCapture(last.hold, decimal('2.50')).hold.ended).toBe(true);
  });

  it.each(['single', 'partial'] as const)('releases the rest with the one capture of mode %s', (mode) => {
    const { hold: after, delta } = hold.startCapture(
      hold.openHold(decimal('12.50'), { mode, maxCaptures: 1 }).hold,
      decimal('10'),
      false,
    );
    expect(after).toMatchObject({ held: ZERO, released: decimal('2.5'), capturing: decimal('10') });
    expect(delta).toMatchObject({ held: decimal('-12.5'), capturing: decimal('10') });
  });

  it('releases the rest with a final capture', () => {
    const { hold: after } = hold.startCapture(
      hold.openHold(decimal('12.50'), { mode: 'multi', maxCaptures: 9 }).hold,
      decimal('10'),
      true,
    );
    expect(after).toMatchObject({ held: ZERO, released: decimal('2.5') });
  });

  it('takes back what a rail did not move, unless it has ended meanwhile', () => {
    const taken = hold.startCapture(
      hold.openHold(decimal('5'), { mode: 'single', maxCaptures: 1 }).hold,
      decimal('5'),
      false,
    ).hold;
    expect(hold.returnCapture(taken, decimal('5')).hold).toMatchObject({ held: decimal('5'), captureCount: 0 });
    const ended = hold.release(taken).hold;
    expect(hold.returnCapture(ended, decimal('5')).hold).toMatchObject({
      held: ZERO,
      released: decimal('5'),
      ended: true,
    });
    expect(hold.completeCapture(ended, decimal('5')).hold).toMatchObject({ captured: decimal('5'), ended: true });
  });

  it('stops counting at exp while nothing is captured, then at settle_by', () => {
    const { hold: fresh } = hold.openHold(decimal('5'), { mode: 'multi', maxCaptures: 2 });
    const times = { expiresAtMs: 1_000, settleByMs: 2_000 };
    const after = hold.startCapture(fresh, decimal('1'), false).hold;
    expect([hold.holdEndsAtMs(fresh, times), hold.holdEndsAtMs(after, times)]).toEqual([1_000, 2_000]);
  });
});
