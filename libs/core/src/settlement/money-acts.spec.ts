import { expect, it } from '@jest/globals';
import type { Decimal } from 'decimal.js';
import fc from 'fast-check';
import { capture, decide, inFlow, row } from '../examples/settlement-changes.js';
import * as example from '../examples/settlement-example.js';
import { EXPIRY_MS, JUDGED_MS, SETTLE_BY_MS } from '../examples/settlement-example.js';
import { addToBudget, availableOf, holdEndsAtMs, NO_DELTA, openHold, release } from '../hold.js';
import type { Budget, BudgetDelta } from '../mandates/types.js';
import { decimal, formatMoney, ZERO } from '../money.js';
import { applyOutcome } from './apply-outcome.js';
import type { ArtifactFacts, Hold, OutcomeWitness, OutcomeWord, SettlementState } from './types.js';

/** Two levels of a tree: every spend counts at both. */
const LIMITS = [decimal('30.00'), decimal('20.00')];
const EMPTY: Budget = { held: ZERO, capturing: ZERO, captured: ZERO, refunded: ZERO };
const SLOTS = 4;

interface Moved {
  readonly action: 'capture' | 'refund';
  readonly id: string;
  readonly amount: Decimal;
  readonly of: Moved | null;
  state: SettlementState;
  restored: boolean;
  refunding: Decimal;
  refunded: Decimal;
}

/** A hold with the artifact that rules it and what was settled on it. */
interface Spend {
  hold: Hold;
  status: ArtifactFacts['status'];
  expMs: number;
  readonly settled: Moved[];
}

interface Act {
  readonly act: 'authorize' | 'capture' | 'void' | 'refund' | 'outcome' | 'wait' | 'revoke' | 'suspend' | 'renew' | 'halt' | 'contain' | 'release'; // prettier-ignore
  readonly slot: number;
  readonly nth: number;
  readonly cents: number;
  readonly final: boolean;
  readonly mode: Hold['mode'];
  readonly word: OutcomeWord;
  readonly witness: OutcomeWitness;
}

const acts = fc.array(
  fc.record<Act>({
    // Money moves more often than anything stops it, or there would be little left to stop.
    act: fc.constantFrom(
      ...(['authorize', 'authorize', 'capture', 'capture', 'capture', 'outcome', 'outcome', 'outcome'] as const),
      ...(['authorize', 'capture', 'refund', 'refund', 'refund', 'outcome', 'outcome', 'release', 'release'] as const),
      ...(['void', 'wait', 'revoke', 'suspend', 'renew', 'halt', 'contain'] as const),
    ),
    slot: fc.nat(SLOTS - 1),
    nth: fc.nat(3),
    cents: fc.integer({ min: 1, max: 1_200 }),
    final: fc.boolean(),
    mode: fc.constantFrom('single', 'partial', 'multi'),
    word: fc.constantFrom(
      'completed',
      'completed',
      'failed',
      'failed',
      'unknown',
      'unknown',
      'reversed',
      'charged_back',
    ),
    witness: fc.constantFrom('rail', 'presenter'),
  }),
  { minLength: 30, maxLength: 50, size: 'max' },
);

/** A thousand sequences of dozens of acts: an assertion with a matcher at each step would take minutes. */
function demand(holds: boolean, rule: string): void {
  if (!holds) throw new Error(rule);
}

/** What the gate and the authorizer keep, moved by nothing but their pure functions. */
class World {
  readonly spends: Spend[] = [];
  budgets = LIMITS.map(() => EMPTY);
  scope: 'running' | 'halted' = 'running';
  isContained = false;
  atMs = JUDGED_MS;
  /** Debited because a rail said so, of money that was already given back: no limit could have kept it. */
  late = ZERO;
  readonly granted = new Set<string>();

  do(act: Act): void {
    const amount = decimal((act.cents / 100).toFixed(2));
    const spend = this.spends[act.slot % Math.max(1, this.spends.length)];
    if (act.act === 'authorize') return this.authorize(amount, act.mode);
    if (act.act === 'wait') return this.wait(act.cents * 1_000);
    if (act.act === 'halt') this.scope = 'halted';
    if (act.act === 'contain') this.isContained = true;
    if (act.act === 'release') [this.scope, this.isContained] = ['running', false];
    if (spend === undefined) return;
    if (act.act === 'revoke') spend.status = 'revoked';
    if (act.act === 'suspend' && spend.status === 'valid') spend.status = 'suspended';
    if (act.act === 'renew') this.renew(spend);
    if (act.act === 'capture') this.capture(spend, amount, act.final);
    if (act.act === 'void') this.end(spend);
    if (act.act === 'refund') this.refund(spend, act.nth, decimal((((act.cents % 300) + 1) / 100).toFixed(2)));
    if (act.act === 'outcome') this.report(spend, act);
  }

  private authorize(amount: Decimal, mode: Hold['mode']): void {
    const fits = this.budgets.every((budget, level) => amount.lte(availableOf(LIMITS[level] ?? ZERO, budget)));
    if (!fits || this.spends.length === SLOTS || this.stopped) return;
    const { hold, delta } = openHold(amount, { mode, maxCaptures: mode === 'multi' ? 3 : 1 });
    this.spends.push({ hold, status: 'valid', expMs: EXPIRY_MS, settled: [] });
    this.add(delta);
  }

  private get stopped(): boolean {
    return this.scope === 'halted' || this.isContained;
  }

  private capture(spend: Spend, amount: Decimal, final: boolean): void {
    const id = `capture-${spend.settled.length}`;
    const request = { actionId: id, amountText: formatMoney(amount, 'USD'), final };
    const { decision, hold, delta } = capture({ ...this.facts(spend), request: this.fresh(request) });
    if (decision.outcome === 'denied')
      return demand(hold === spend.hold && delta === NO_DELTA, 'a denial moves nothing');
    demand(spend.status === 'valid' && !this.stopped, 'no capture after a revocation or a halt');
    demand(amount.lte(spend.hold.held), 'no capture above what is held');
    this.granted.add('capture');
    this.keep(spend, hold as Hold, delta); // as: a granted request has its hold
    spend.settled.push(moved('capture', id, amount, null, decision.state));
  }

  private end(spend: Spend): void {
    const { decision, hold, delta } = decide(example.voiding, { ...this.facts(spend), request: this.fresh({}) });
    if (decision.outcome === 'denied') return;
    this.granted.add('void');
    this.keep(spend, hold as Hold, delta);
    spend.status = 'revoked'; // as recordSettlement does
  }

  private refund(spend: Spend, nth: number, amount: Decimal): void {
    const captures = spend.settled.filter(({ action }) => action === 'capture');
    const of = captures[nth % Math.max(1, captures.length)];
    if (of === undefined) return;
    const id = `refund-${spend.settled.length}`;
    const { state, refunded, refunding } = of;
    const taken = { captureId: of.id, service: 'settler', state, amount: of.amount, refunded, refunding };
    const { facts, judgedAtMs } = this.facts(spend);
    const request = this.fresh({ actionId: id, captureId: of.id, amountText: formatMoney(amount, 'USD') });
    const { decision } = decide(example.refund, { facts: { ...facts, capture: taken }, judgedAtMs, request });
    if (decision.outcome === 'denied') return;
    demand(state === 'captured', 'only captured money is refunded');
    this.granted.add('refund');
    of.refunding = refunding.plus(amount);
    spend.settled.push(moved('refund', id, amount, of, decision.state));
  }

  private report(spend: Spend, { nth, word, witness }: Act): void {
    const about = spend.settled.at(-1 - (nth % Math.max(1, spend.settled.length)));
    if (about === undefined) return;
    const result = applyOutcome(about, spend.hold, word, witness);
    if (!result.applied) return demand(result.delta === NO_DELTA, 'what is not applied moves nothing');
    if (about.state === 'returned') this.late = this.late.plus(result.delta.captured);
    this.granted.add(`${about.action} ${about.state}: ${word}`);
    const wasPending = about.state === 'refunding' || about.state === 'unknown';
    if (about.of !== null && word !== 'unknown' && wasPending) {
      about.of.refunding = about.of.refunding.minus(about.amount);
      if (result.state === 'refunded') about.of.refunded = about.of.refunded.plus(about.amount);
    }
    [about.state, about.restored] = [result.state, result.restored];
    this.keep(spend, result.hold, result.delta);
  }

  /** Time passes; what has ended by it gives back what it still held. */
  private wait(ms: number): void {
    this.atMs += ms;
    for (const spend of this.spends) {
      const endsAtMs = holdEndsAtMs(spend.hold, { expiresAtMs: spend.expMs, settleByMs: SETTLE_BY_MS });
      if (spend.hold.ended || this.atMs < endsAtMs) continue;
      const { hold, delta } = release(spend.hold);
      this.keep(spend, hold, delta);
    }
  }

  /** A new artifact on the same hold, later in time and no wider: what is revoked is never renewed. */
  private renew(spend: Spend): void {
    if (spend.status === 'revoked' || spend.hold.ended || this.stopped) return;
    spend.status = 'valid';
    spend.expMs = Math.min(SETTLE_BY_MS, spend.expMs + 60_000);
  }

  private facts({ hold, status, expMs }: Spend) {
    const { facts: flow } = inFlow(this.isContained ? 'contained' : 'executing');
    const { facts: artifact } = row({ status, expiresAtMs: expMs });
    return { facts: { ...flow, ...artifact, hold, scope: this.scope }, judgedAtMs: this.atMs };
  }

  /** Signed now: what a request is refused for here is never its own age. */
  private fresh<T extends object>(request: T) {
    return { ...request, iatMs: this.atMs, expMs: this.atMs + 60_000 };
  }

  private keep(spend: Spend, hold: Hold, delta: BudgetDelta): void {
    demand(hold.captured.gte(spend.hold.captured) && hold.refunded.gte(spend.hold.refunded), 'captured is gross');
    spend.hold = hold;
    this.add(delta);
  }

  private add(delta: BudgetDelta): void {
    this.budgets = this.budgets.map((budget) => addToBudget(budget, delta));
  }
}

function moved(action: Moved['action'], id: string, amount: Decimal, of: Moved | null, state: SettlementState): Moved {
  return { action, id, amount, of, state, restored: false, refunding: ZERO, refunded: ZERO };
}

function checkHold({ hold, settled }: Spend): void {
  const { amount, held, capturing, captured, released, refunded, restored } = hold;
  demand(
    [held, capturing, captured, released, refunded, restored].every((part) => part.gte(0)),
    'nothing is negative',
  );
  demand(refunded.lte(captured) && restored.lte(refunded), 'what is refunded was captured');
  const parts = held.plus(capturing).plus(captured).plus(released);
  // More than the amount is there only when a rail moved it late, and then nothing of the hold is left to spend.
  demand(parts.eq(amount) || (parts.gt(amount) && held.isZero() && released.isZero()), 'the parts are the amount');
  const captures = settled.filter(({ action }) => action === 'capture');
  const inState = (...states: SettlementState[]): Decimal =>
    captures.filter(({ state }) => states.includes(state)).reduce((sum, each) => sum.plus(each.amount), ZERO);
  demand(capturing.eq(inState('capturing', 'unknown')), 'in capture is what awaits an outcome');
  demand(captured.eq(inState('captured')), 'captured is what was captured');
  demand(
    captures.every((each) => each.refunded.plus(each.refunding).lte(each.amount)),
    'refunds fit their capture',
  );
}

function checkLevels(world: World): void {
  const sum = (part: 'held' | 'capturing' | 'captured' | 'restored'): Decimal =>
    world.spends.reduce((total, { hold }) => total.plus(hold[part]), ZERO);
  for (const [level, budget] of world.budgets.entries()) {
    const limit = LIMITS[level] ?? ZERO;
    demand(
      Object.values(budget).every((part: Decimal) => part.gte(0)),
      'nothing is negative at a level',
    );
    const used = sum('held').plus(sum('capturing')).plus(sum('captured')).minus(sum('restored'));
    demand(availableOf(limit, budget).plus(used).eq(limit), 'available and used are the limit');
    demand(used.lte(limit.plus(world.late)), 'authority never widens');
  }
}

it('I9: any order of capture, void, refund, outcome, expiry, revocation, halt and renewal conserves money', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(acts, (all) => {
      const world = new World();
      for (const act of all) {
        world.do(act);
        world.spends.forEach(checkHold);
        checkLevels(world);
      }
      for (const what of world.granted) seen.add(what);
    }),
    { numRuns: 3_000, seed: 20 },
  );
  // The sequences reach what they are about: every granted act, every word that moves money, and late captures.
  expect([...seen].sort()).toEqual(
    [
      ...['capture', 'void', 'refund', 'capture returned: completed', 'refund refunded: completed'],
      ...['capturing', 'unknown'].flatMap((state) =>
        ['completed', 'failed', 'reversed', 'charged_back'].map((word) => `capture ${state}: ${word}`),
      ),
      ...['refunding', 'unknown'].flatMap((state) =>
        ['completed', 'failed', 'reversed'].map((word) => `refund ${state}: ${word}`),
      ),
      ...['capture capturing: unknown', 'refund refunding: unknown'],
    ].sort(),
  );
});
