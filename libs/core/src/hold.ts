import { InvariantError } from './errors.js';
import type { Budget, BudgetDelta } from './mandates/types.js';
import { Decimal, ZERO } from './money.js';
import type { Hold } from './settlement/types.js';

/**
 * The money states of a hold: held → capturing → captured, or back to held, or released; captured → refunded.
 * Each move gives the hold afterwards and what every mandate level adds to its budget: the same amounts at each level.
 */
export interface HoldMove {
  readonly hold: Hold;
  readonly delta: BudgetDelta;
}

export const NO_DELTA: BudgetDelta = { held: ZERO, capturing: ZERO, captured: ZERO, refunded: ZERO };

export function openHold(amount: Decimal, terms: Pick<Hold, 'mode' | 'maxCaptures'>): HoldMove {
  const { mode, maxCaptures } = terms;
  const money = {
    amount,
    held: amount,
    capturing: ZERO,
    captured: ZERO,
    released: ZERO,
    refunded: ZERO,
    restored: ZERO,
  };
  return { hold: { ...money, mode, maxCaptures, captureCount: 0, ended: false }, delta: { ...NO_DELTA, held: amount } };
}

/** held → capturing. @param final nothing will follow: what stays held is released with it. */
export function startCapture(hold: Hold, amount: Decimal, final: boolean): HoldMove {
  demand(amount.lte(hold.held), 'capture above what is held');
  const rest = final || hold.mode !== 'multi' ? hold.held.minus(amount) : ZERO;
  const taken = {
    ...hold,
    held: hold.held.minus(amount).minus(rest),
    capturing: hold.capturing.plus(amount),
    released: hold.released.plus(rest),
    captureCount: hold.captureCount + 1,
  };
  return { hold: taken, delta: { ...NO_DELTA, held: amount.plus(rest).neg(), capturing: amount } };
}

/** capturing → captured: the rail moved the money. */
export function completeCapture(hold: Hold, amount: Decimal): HoldMove {
  demand(amount.lte(hold.capturing), 'completion above what is in capture');
  const capturing = hold.capturing.minus(amount);
  const ended = hold.ended || (hold.held.isZero() && capturing.isZero());
  return {
    hold: { ...hold, capturing, captured: hold.captured.plus(amount), ended },
    delta: { ...NO_DELTA, capturing: amount.neg(), captured: amount },
  };
}

/** capturing → held, or released when the hold has ended meanwhile: the rail did not move the money. */
export function returnCapture(hold: Hold, amount: Decimal): HoldMove {
  demand(amount.lte(hold.capturing), 'return above what is in capture');
  const back = hold.ended ? ZERO : amount;
  const returned = {
    ...hold,
    held: hold.held.plus(back),
    capturing: hold.capturing.minus(amount),
    released: hold.released.plus(amount).minus(back),
    captureCount: hold.captureCount - 1,
  };
  return { hold: returned, delta: { ...NO_DELTA, held: back, capturing: amount.neg() } };
}

/**
 * A capture that was returned, and moved after all: taken from what is held, then from what was released. The rail says
 * money moved, so it is debited also where the hold has less left, and `captured` may then exceed the hold's amount.
 */
export function lateCapture(hold: Hold, amount: Decimal): HoldMove {
  const fromHeld = Decimal.min(hold.held, amount);
  const held = hold.held.minus(fromHeld);
  const late = {
    ...hold,
    held,
    captured: hold.captured.plus(amount),
    released: Decimal.max(ZERO, hold.released.minus(amount).plus(fromHeld)),
    captureCount: hold.captureCount + 1,
    ended: hold.ended || (held.isZero() && hold.capturing.isZero()),
  };
  return { hold: late, delta: { ...NO_DELTA, held: fromHeld.neg(), captured: amount } };
}

/** held → released, and the hold ends: a void, an expiry, a revocation. What is in capture waits for its outcome. */
export function release(hold: Hold): HoldMove {
  const rest = hold.held;
  const released = { ...hold, held: ZERO, released: hold.released.plus(rest), ended: true };
  return { hold: released, delta: { ...NO_DELTA, held: rest.neg() } };
}

/** captured → refunded: somebody who may say so reports the money returned. The limits stay used. */
export function completeRefund(hold: Hold, amount: Decimal): HoldMove {
  demand(hold.refunded.plus(amount).lte(hold.captured), 'refund above what was captured');
  return { hold: { ...hold, refunded: hold.refunded.plus(amount) }, delta: NO_DELTA };
}

/** What was refunded counts against no limit any more: a rail has seen the money return. */
export function restoreRefund(hold: Hold, amount: Decimal): HoldMove {
  demand(hold.restored.plus(amount).lte(hold.refunded), 'restoring more than was refunded');
  return { hold: { ...hold, restored: hold.restored.plus(amount) }, delta: { ...NO_DELTA, refunded: amount } };
}

/** Ended with nothing captured and nothing in capture: it leaves the windows and counterparty sums it entered. */
export function isUncaptured({ ended, capturing, captured }: Pick<Hold, 'ended' | 'capturing' | 'captured'>): boolean {
  return ended && capturing.isZero() && captured.isZero();
}

/** When what is still held stops counting: `exp` while nothing is captured, then `settle_by`. Unix ms. */
export function holdEndsAtMs(hold: Hold, times: { readonly expiresAtMs: number; readonly settleByMs: number }): number {
  return hold.captureCount === 0 ? times.expiresAtMs : times.settleByMs;
}

/**
 * available + held + capturing + captured − refunded = limit. May be negative after an amendment narrowed the limit.
 */
export function availableOf(limit: Decimal, budget: Budget): Decimal {
  return limit.minus(budget.held).minus(budget.capturing).minus(budget.captured).plus(budget.refunded);
}

export function addToBudget(budget: Budget, delta: BudgetDelta): Budget {
  return {
    held: budget.held.plus(delta.held),
    capturing: budget.capturing.plus(delta.capturing),
    captured: budget.captured.plus(delta.captured),
    refunded: budget.refunded.plus(delta.refunded),
  };
}

function demand(holds: boolean, what: string): void {
  if (!holds) throw new InvariantError('ERR_HOLD_IMPOSSIBLE', what);
}
