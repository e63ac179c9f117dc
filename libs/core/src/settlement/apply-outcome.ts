import type { Decimal } from 'decimal.js';
import {
  completeCapture,
  completeRefund,
  type HoldMove,
  lateCapture,
  NO_DELTA,
  restoreRefund,
  returnCapture,
} from '../hold.js';
import type { Hold, OutcomeResult, OutcomeWitness, OutcomeWord, PendingSettlement, SettlementState } from './types.js';

type Move = (hold: Hold, amount: Decimal) => HoldMove;

/** What a word does to a settlement: the state it leads to and the money it moves. */
interface Step {
  readonly to: SettlementState;
  readonly move?: Move;
  readonly opensCase?: true;
}
/** `again` repeats what is known. `contradicts` is recorded, moves nothing, and a person must look. */
type Answer = Step | 'again' | 'contradicts';
type Words = Readonly<Record<OutcomeWord, Answer>>;

const BEFORE_CAPTURE: Words = {
  completed: { to: 'captured', move: completeCapture },
  failed: { to: 'returned', move: returnCapture },
  reversed: { to: 'returned', move: returnCapture },
  // Only money that moved can be charged back: it is captured, and somebody disputes it.
  charged_back: { to: 'captured', move: completeCapture, opensCase: true },
  unknown: { to: 'unknown' },
};
const BEFORE_REFUND: Words = {
  completed: { to: 'refunded', move: completeRefund },
  failed: { to: 'returned' },
  reversed: { to: 'returned' },
  charged_back: 'contradicts',
  unknown: { to: 'unknown' },
};
/** Nothing was asked of a rail, so whatever it says is about money we know nothing of. */
const NEVER_ASKED: Words = {
  completed: 'contradicts',
  failed: 'again',
  reversed: 'contradicts',
  charged_back: 'contradicts',
  unknown: 'again',
};
const SETTLED: Words = {
  completed: 'again',
  failed: 'contradicts',
  // The limit stays used: only a completed refund restores it.
  reversed: 'contradicts',
  charged_back: 'contradicts',
  unknown: 'again',
};
const RETURNED: Words = { ...NEVER_ASKED, reversed: 'again' };
/** A rail that said no money moved, and now says it did: it is gone, so it is debited, and a person must look. */
const LATE: Step = { to: 'captured', move: lateCapture, opensCase: true };

/**
 * The words a rail or service can say, by action and state. The word of the rail ends `unknown`, silence never does. A
 * word that cannot follow a state changes nothing: money that moved against what we decided is for people.
 */
const OUTCOMES: Readonly<Record<PendingSettlement['action'], Readonly<Partial<Record<SettlementState, Words>>>>> = {
  capture: {
    capturing: BEFORE_CAPTURE,
    unknown: { ...BEFORE_CAPTURE, unknown: 'again' },
    captured: SETTLED,
    returned: RETURNED,
  },
  refund: {
    refunding: BEFORE_REFUND,
    unknown: { ...BEFORE_REFUND, unknown: 'again' },
    refunded: SETTLED,
    returned: RETURNED,
  },
  void: {},
};

/**
 * Applies what a rail or service reports to a settlement and its hold. The caller has verified who reports, and that
 * the amount reported is the one granted.
 *
 * @param witness a completed refund gives the limits back only when a rail saw it: on the word of the service alone, it
 *   and an agent could spend one limit again and again. The rail may say so later than the service. Nor does the word of
 *   the service debit a capture that was returned.
 * @throws {InvariantError} `ERR_HOLD_IMPOSSIBLE`: the hold does not hold what the settlement says
 */
export function applyOutcome(
  pending: PendingSettlement,
  hold: Hold,
  outcome: OutcomeWord,
  witness: OutcomeWitness,
): OutcomeResult {
  const { action, state, amount } = pending;
  const isLate = action === 'capture' && state === 'returned' && outcome === 'completed' && witness === 'rail';
  const answer = isLate ? LATE : (OUTCOMES[action][state] ?? NEVER_ASKED)[outcome];
  const after = typeof answer === 'string' ? state : answer.to;
  const moved = (typeof answer === 'string' ? undefined : answer.move?.(hold, amount)) ?? { hold, delta: NO_DELTA };
  const restores = !pending.restored && witness === 'rail' && after === 'refunded' && outcome === 'completed';
  // A refund's own completion moves no level, so what restores is the whole change of the budgets.
  const move = restores ? restoreRefund(moved.hold, amount) : moved;
  const opensCase = typeof answer === 'string' ? answer === 'contradicts' : answer.opensCase === true;
  const applied = typeof answer !== 'string' || restores;
  return { applied, state: after, ...move, restored: pending.restored || restores, opensCase };
}
