import { Decimal } from 'decimal.js';
import { type OtherPolicy, PolicyBacktest, RULES_VERSION, decimal } from '@spendgate/core';
import { type PolicySet, spendQuestion } from '@spendgate/policy';
import {
  type HoldEnd,
  type Pool,
  type StoredDecision,
  inSnapshot,
  readDecisionsAsJudged,
  readHoldEnds,
} from '@spendgate/store';
import { recomputeStored } from '@spendgate/verifier';

/** A recorded decision that another policy would have made differently. */
export interface ChangedDecision {
  readonly decision: string;
  readonly agent: string;
  readonly counterparty: string;
  readonly amount: string;
  readonly currency: string;
  readonly then: string;
  readonly now: string;
}

export interface BacktestTotals {
  readonly checked: number;
  readonly changed: number;
  /** Decided under rules this release does not have. */
  readonly not_recomputable: number;
  /** By currency: decimal text, major units. */
  readonly authorized_then: Readonly<Record<string, string>>;
  readonly authorized_now: Readonly<Record<string, string>>;
}

/** Decides the record again under other policy sets, each decision on the spend state they would have left. */
export class DecisionsBacktest {
  private readonly backtest = new PolicyBacktest();
  private checked = 0;
  private changed = 0;
  private otherRules = 0;
  private readonly then = new Map<string, Decimal>();
  private readonly now = new Map<string, Decimal>();

  /** @param sets by policy id; of a mandate under another policy the recorded verdict holds */
  constructor(private readonly sets: ReadonlyMap<string, PolicySet>) {}

  get totals(): BacktestTotals {
    const { checked, changed, otherRules } = this;
    return {
      checked,
      changed,
      not_recomputable: otherRules,
      authorized_then: textOf(this.then),
      authorized_now: textOf(this.now),
    };
  }

  /** @param fromMs first append time, Unix ms @param toMs first append time no longer included */
  async run(pool: Pool, fromMs: number, toMs: number, onChange: (change: ChangedDecision) => void): Promise<void> {
    await inSnapshot(pool, async (tx) => {
      for await (const page of readDecisionsAsJudged(tx, fromMs, toMs)) {
        const ends = new Map((await readHoldEnds(tx, page)).map((end) => [end.decisionId, end]));
        for (const stored of page) this.judge(stored, ends.get(stored.decisionId), onChange);
      }
    });
  }

  private judge(stored: StoredDecision, end: HoldEnd | undefined, onChange: (change: ChangedDecision) => void): void {
    if (stored.rulesVersion !== RULES_VERSION) {
      this.otherRules += 1;
      return;
    }
    const { intent, result } = recomputeStored(stored);
    const hold = end === undefined ? null : { releasedAtMs: end.releasedAtMs, kept: decimal(end.kept) };
    const recorded = { intent, readSet: result.readSet, outcome: stored.outcome, hold };
    const decision = this.backtest.judge(recorded, (question) => this.ask(question));
    this.checked += 1;
    const { amountText: amount, currency, agent, counterparty } = intent;
    if (stored.outcome === 'authorized') add(this.then, currency, amount);
    if (decision.outcome === 'authorized') add(this.now, currency, amount);
    const [then, now] = [shown(stored), shown(decision)];
    if (then === now) return;
    this.changed += 1;
    onChange({ decision: stored.decisionId, agent, counterparty, amount, currency, then, now });
  }

  private ask({ intent, mandate, category, currencies }: Parameters<OtherPolicy>[0]): ReturnType<OtherPolicy> {
    const set = this.sets.get(mandate.policyId);
    if (set === undefined) return null;
    const asked = { ...intent, captureMode: intent.capture.mode };
    const [verdict] = set.evaluate([spendQuestion(asked, { ...mandate, category }, currencies)]);
    return verdict ?? null;
  }
}

function shown({ outcome, code }: { readonly outcome: string; readonly code: string | null }): string {
  return code === null ? outcome : `${outcome} ${code}`;
}

function add(sums: Map<string, Decimal>, currency: string, amount: string): void {
  sums.set(currency, (sums.get(currency) ?? new Decimal(0)).plus(amount));
}

function textOf(sums: ReadonlyMap<string, Decimal>): Record<string, string> {
  return Object.fromEntries([...sums].map(([currency, sum]) => [currency, sum.toFixed()]));
}
