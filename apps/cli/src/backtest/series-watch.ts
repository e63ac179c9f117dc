import { type DriftThresholds, type Rank, BETS_PER_STREAM, WEALTH_ONE, inTail, settleBet } from '@spendgate/core';
import { type Point, deviation } from './forecast.js';
import type { Sample } from './sample.js';
import type { SeriesBaseline } from './series-baseline.js';

const STREAMS = 4;
const LENGTH = STREAMS * BETS_PER_STREAM;
/** Evidence a series without drift reaches now and then. */
const CHANCE = 30;
/** Spreads from the middle within which a row is nothing strange; far beyond, more of it says no more. */
const FAR = 3;
const FAR_MAX = 1e9;

export interface Judged {
  /** Finite, ≥ 0, higher for stranger rows. */
  readonly score: number;
  readonly evidence: number;
  readonly verdict: 'none' | 'warn' | 'halt';
}

/** What to do after a halt: begin anew under the same baseline, as after a revalidation, or stay halted. */
export type AfterHalt = 'restart' | 'stay';

/**
 * Runs the core's bets over one series: the surprise, level, roughness and time gap of each row in place of a flow's
 * amount, gap, counterparty and denial. The bets are the same and fair under the same condition.
 */
export class SeriesWatch {
  private readonly wealth = new Float64Array(LENGTH);
  private last: { readonly deviation: number; readonly atMs: number | null } | null = null;
  private readonly level = new Block();
  private readonly rough = new Block();
  private rows = 0;
  private isHalted = false;

  constructor(
    private readonly baseline: SeriesBaseline,
    private readonly thresholds: DriftThresholds,
    private readonly afterHalt: AfterHalt,
  ) {}

  /** Judges the next row. */
  judge(point: Point): Judged {
    const { forecast, spreads } = this.baseline;
    const away = deviation(forecast, point);
    const surprise = away - forecast.carry * (this.last?.deviation ?? away);
    this.observe(point, away, surprise);
    this.last = { deviation: away, atMs: point.atMs };
    const evidence = this.evidence();
    const far = Math.max(Math.abs(surprise) / spreads.surprise, Math.abs(away) / spreads.level);
    // a row strange in itself counts at once; evidence below a few dozen is what chance gives
    const score = Math.log10(1 + evidence / CHANCE) + Math.log10(1 + (Math.min(far, FAR_MAX) / FAR) ** 2);
    return { score, evidence, verdict: this.verdictOn(evidence) };
  }

  private observe({ atMs }: Point, away: number, surprise: number): void {
    const { baseline } = this;
    this.rows += 1;
    this.settle(0, baseline.surprise, baseline.surprise.rank(surprise, this.seed(0)));
    const level = this.level.add(away, baseline.levelRows);
    if (level !== null) this.settle(1, baseline.level, this.rankLevel(level));
    const rough = this.rough.add(Math.abs(surprise), baseline.roughRows);
    if (rough !== null) this.settle(2, baseline.roughness, baseline.roughness.rank(rough, this.seed(2)));
    const before = this.last?.atMs ?? null;
    if (baseline.gap === null || atMs === null || before === null || atMs < before) return;
    this.settle(3, baseline.gap, baseline.gap.rank(atMs - before, this.seed(3)));
  }

  private rankLevel(level: number): Rank {
    const { level: sample, wanders } = this.baseline;
    if (wanders === null) return sample.rank(level, this.seed(1));
    // within the widened range: the middle, which is in no tail
    const whole = 65_536;
    return { whole, place: level < wanders.low ? 0 : level > wanders.high ? whole : whole / 2 };
  }

  private settle(stream: number, { bets }: Sample, rank: Rank): void {
    let at = stream * BETS_PER_STREAM;
    for (const bet of bets) {
      this.wealth[at] = settleBet(this.wealth[at] ?? 0, inTail(rank, bet) ? bet.win : bet.lose);
      at += 1;
    }
  }

  private evidence(): number {
    let sum = 0;
    for (const each of this.wealth) sum += each;
    return sum / (LENGTH * WEALTH_ONE);
  }

  private verdictOn(evidence: number): Judged['verdict'] {
    const { warn, halt } = this.thresholds;
    if (evidence >= halt) {
      if (this.afterHalt === 'restart') this.wealth.fill(0);
      else this.isHalted = true;
      return 'halt';
    }
    if (this.isHalted) return 'halt';
    return evidence >= warn ? 'warn' : 'none';
  }

  /** 30 bits that depend on the row alone: the same file gives the same bytes. */
  private seed(stream: number): number {
    let mixed = Math.imul(this.rows * STREAMS + stream + 1, 0x9e3779b1);
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return (mixed ^ (mixed >>> 16)) >>> 2;
  }
}

/** The mean of a run of numbers, once for each full run. */
class Block {
  private sum = 0;
  private count = 0;

  add(value: number, size: number): number | null {
    this.sum += value;
    this.count += 1;
    if (this.count < size) return null;
    const mean = this.sum / this.count;
    this.sum = 0;
    this.count = 0;
    return mean;
  }
}
