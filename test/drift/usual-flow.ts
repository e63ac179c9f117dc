import { type DriftEvent, type SpendingProfile, declareProfile } from '@spendgate/core';
import { Draws, eventOf } from './draws.js';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** A Thursday, midnight UTC. */
const START_MS = 1_767_225_600_000;
/** Intents of a usual day. */
export const USUAL_DAY = 48;
/** Days a baseline is learned over, and days of usual spending before an attack begins. */
export const LEARNED_DAYS = 30;

/** What one intent is made of before it is an event. */
export interface Draft {
  readonly amount: number;
  readonly gapMs: number;
  readonly counterparty: string;
  readonly isDenied: boolean;
}

/** An agent's flow: about 48 intents from 8 to 20 UTC, around 20.00, mostly at the same shops, one in fifty denied. */
export class UsualFlow {
  private atMs: number;
  private fresh = 0;

  constructor(readonly draws: Draws) {
    this.atMs = START_MS + 8 * HOUR_MS;
  }

  draft(): Draft {
    const { draws } = this;
    return {
      amount: draws.logNormal(20, 2),
      gapMs: draws.logNormal(12, 2) * 60_000,
      counterparty: draws.chance(0.03) ? this.newcomer() : `shop-${Math.floor(12 * draws.next() ** 2)}`,
      isDenied: draws.chance(0.02),
    };
  }

  newcomer(): string {
    this.fresh += 1;
    return `newcomer-${this.fresh}`;
  }

  /** The usual next intent: what would fall after closing time happens the next morning. */
  usual(change: Partial<Draft> = {}): DriftEvent {
    const draft = { ...this.draft(), ...change };
    const next = this.atMs + draft.gapMs;
    const day = Math.floor(next / DAY_MS) * DAY_MS;
    const isOpen = next >= day + 8 * HOUR_MS && next < day + 20 * HOUR_MS;
    const morning = (next < day + 8 * HOUR_MS ? day : day + DAY_MS) + 8 * HOUR_MS + this.draws.next() * 0.5 * HOUR_MS;
    return this.at(isOpen ? next : morning, draft);
  }

  /** An intent at any hour, so long after the one before. */
  anyHour(gapMs: number, change: Partial<Draft> = {}): DriftEvent {
    return this.at(this.atMs + gapMs, { ...this.draft(), ...change });
  }

  /** The clock, for attacks that choose their hour. */
  get nowMs(): number {
    return this.atMs;
  }

  private at(atMs: number, { amount, counterparty, isDenied }: Draft): DriftEvent {
    this.atMs = Math.floor(atMs);
    const text = Math.max(0.01, amount).toFixed(2);
    return eventOf(this.draws, { amount: text, counterparty, iatMs: this.atMs, isDenied });
  }
}

/** What the mandate of such a flow would declare. */
export const USUAL_PROFILE: SpendingProfile = declareProfile({
  amounts: [
    { bound: '50.00', share: 9_000 },
    { bound: '100.00', share: 850 },
    { bound: '200.00', share: 150 },
  ],
  gapsSeconds: [
    { bound: '5', share: 50 },
    { bound: '60', share: 450 },
    { bound: '180', share: 4_500 },
    { bound: '600', share: 5_000 },
  ],
  newCounterparties: 500,
  denials: 300,
  quiet: [0],
  quietShare: 20,
  counterparties: Array.from({ length: 12 }, (_, n) => `shop-${n}`),
});
