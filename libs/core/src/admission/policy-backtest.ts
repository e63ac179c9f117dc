import { Decimal } from 'decimal.js';
import { counterId, isPerCounterparty } from '../mandates/counters.js';
import type { CountedLimit, LevelState, Mandate } from '../mandates/types.js';
import { type CurrencyTable, ZERO, decimal } from '../money.js';
import { decideIntent } from './decide-intent.js';
import { thawAdmission } from './read-set.js';
import type {
  AdmissionDecision,
  AdmissionFacts,
  AdmissionReadSet,
  AdmissionState,
  Intent,
  PolicyFacts,
} from './types.js';

/** What became of an authorized amount in the record. */
export interface HoldRecord {
  /** When what was never captured stopped counting, Unix ms; `null`: it counts to this day. */
  readonly releasedAtMs: number | null;
  /** Of the amount, what counts on after that: captured, less what a rail gave back. Major units. */
  readonly kept: Decimal;
}

/** A recorded decision: its frozen inputs, what came out, and what became of the money. */
export interface RecordedSpend {
  readonly intent: Intent;
  readonly readSet: AdmissionReadSet;
  readonly outcome: string;
  /** `null`: nothing was held. */
  readonly hold: HoldRecord | null;
}

/** What a policy set may be asked about a recorded spend, as it was known then. */
export interface PolicyQuestion {
  readonly intent: Intent;
  readonly mandate: Mandate;
  /** ISO 18245 merchant category; `null`: nobody knew the counterparty. */
  readonly category: string | null;
  /** The intent's own, with the digits it had then. */
  readonly currencies: CurrencyTable;
}
/** `null`: the other policy has no say here, the recorded verdict holds. */
export type OtherPolicy = (question: PolicyQuestion) => PolicyFacts | null;

/** Amounts that count differently than in the record, for one mandate. Major units, both positive. */
interface Shift {
  /** Authorized now, and not then. */
  added: Decimal;
  /** Authorized then, and not now. */
  removed: Decimal;
}
interface CountedShift {
  readonly bucketMs: number;
  amount: Decimal;
  count: number;
}
/** Part of a removed amount that the record itself gave back later. */
interface Release {
  readonly atMs: number;
  readonly amount: Decimal;
  readonly shifts: readonly Shift[];
  readonly counted: readonly CountedShift[];
}

/**
 * Decides recorded intents again under another policy, in the order of the record and on the spend state that policy
 * would have left: an amount it denies leaves room for later ones, one it grants takes room from them.
 *
 * An amount only the other policy grants counts to the end, as nobody knows what would have become of it. Flow states,
 * approvals and renewals are taken as recorded.
 */
export class PolicyBacktest {
  private readonly shifts = new Map<string, Shift>();
  private readonly counted = new Map<string, Map<number, CountedShift>>();
  private releases: Release[] = [];

  /** @throws {InvariantError} `ERR_READ_SET_DAMAGED` */
  judge({ intent, readSet, outcome, hold }: RecordedSpend, policy: OtherPolicy): AdmissionDecision {
    const { state, facts } = thawAdmission(readSet, intent.currency);
    this.releaseUntil(facts.judgedAtMs);
    const levels = typeof state.levels === 'string' ? state.levels : state.levels.map((each) => this.shifted(each, intent)); // prettier-ignore
    const verdict = ask(policy, intent, state, facts);
    const { decision } = decideIntent(intent, { ...state, levels }, { ...facts, policy: verdict });
    const [then, now] = [outcome === 'authorized', decision.outcome === 'authorized'];
    if (then !== now && typeof levels !== 'string' && facts.renewal === null) this.shift(levels, intent, now, hold);
    return decision;
  }

  private shifted(level: LevelState, intent: Intent): LevelState {
    const { mandate, budget, counted } = level;
    const shift = this.shifts.get(mandate.id);
    if (shift === undefined) return level;
    // What is removed is given back as a refund is: whatever became of it in the record, the sum is right again.
    const held = budget.held.plus(shift.added);
    const refunded = budget.refunded.plus(shift.removed);
    return {
      mandate,
      budget: { ...budget, held, refunded },
      counted: counted.map((entry) => this.shiftedCount(mandate.id, entry, intent)),
    };
  }

  private shiftedCount(mandate: string, entry: CountedLimit, intent: Intent): CountedLimit {
    const { used, window } = entry;
    const shifts = this.counted.get(countedId(mandate, entry, intent));
    if (used === 'unknown' || window === null || shifts === undefined) return entry;
    const within = [...shifts.values()].filter(({ bucketMs: at }) => at >= window.fromMs && at <= window.bucketMs);
    const sum = within.reduce((all, { amount, count }) => all.plus(entry.of === 'count' ? count : amount), used);
    return { ...entry, used: Decimal.max(sum, ZERO) };
  }

  private shift(levels: readonly LevelState[], intent: Intent, isAdded: boolean, hold: HoldRecord | null): void {
    const amount = decimal(intent.amountText);
    const shifts = levels.map(({ mandate }) => {
      const shift = this.shifts.get(mandate.id) ?? { added: ZERO, removed: ZERO };
      if (isAdded) shift.added = shift.added.plus(amount);
      else shift.removed = shift.removed.plus(amount);
      this.shifts.set(mandate.id, shift);
      return shift;
    });
    const sign = isAdded ? 1 : -1;
    const counted = levels.flatMap(({ mandate, counted: entries }) =>
      entries.flatMap(({ window, ...entry }) => {
        if (window === null) return [];
        const bucket = this.bucketOf(countedId(mandate.id, entry, intent), window.bucketMs);
        bucket.amount = bucket.amount.plus(amount.times(sign));
        bucket.count += sign;
        return [bucket];
      }),
    );
    if (isAdded || hold === null || hold.releasedAtMs === null) return;
    this.releases.push({ atMs: hold.releasedAtMs, amount: amount.minus(hold.kept), shifts, counted });
  }

  private bucketOf(id: string, bucketMs: number): CountedShift {
    const buckets = this.counted.get(id) ?? new Map<number, CountedShift>();
    this.counted.set(id, buckets);
    const bucket = buckets.get(bucketMs) ?? { bucketMs, amount: ZERO, count: 0 };
    buckets.set(bucketMs, bucket);
    return bucket;
  }

  /** What the record released by itself is no room the other policy made. */
  private releaseUntil(nowMs: number): void {
    if (!this.releases.some(({ atMs }) => atMs <= nowMs)) return;
    const due = this.releases.filter(({ atMs }) => atMs <= nowMs);
    this.releases = this.releases.filter(({ atMs }) => atMs > nowMs);
    for (const { amount, shifts, counted } of due) {
      for (const shift of shifts) shift.removed = shift.removed.minus(amount);
      // An amount leaves the sums it entered, its count stays: as in the record itself.
      for (const shift of counted) shift.amount = shift.amount.plus(amount);
    }
  }
}

function ask(policy: OtherPolicy, intent: Intent, { levels }: AdmissionState, facts: AdmissionFacts) {
  const mandate = typeof levels === 'string' ? undefined : levels.at(-1)?.mandate;
  if (mandate === undefined) return facts.policy;
  const { counterparty, rules } = facts;
  const category = typeof counterparty === 'string' ? null : counterparty.category;
  return policy({ intent, mandate, category, currencies: rules.currencies }) ?? facts.policy;
}

function countedId(mandate: string, { name }: Pick<CountedLimit, 'name'>, { counterparty }: Intent): string {
  return counterId({ mandate, counter: isPerCounterparty(name) ? `${name} ${counterparty}` : name });
}
