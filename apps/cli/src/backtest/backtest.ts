import { type DriftThresholds, LEARNED_EVENTS_MIN } from '@spendgate/core';
import { StartError } from '@spendgate/platform';
import type { Point } from './forecast.js';
import { type Columns, type HistoryRow, readRows } from './read-rows.js';
import { type SeriesBaseline, learnSeries } from './series-baseline.js';
import { type AfterHalt, type Judged, SeriesWatch } from './series-watch.js';

/** Flows of one file: each keeps a state of fixed size. */
const FLOWS_MAX = 1_000_000;
/** Rows learned from at most. */
const LEARN_MAX = 65_536;

export interface BacktestOptions {
  readonly file: string;
  readonly columns: Columns;
  /** Leading share of each flow's rows that its baseline is learned from, 0 to 1. */
  readonly learn: number;
  readonly thresholds: DriftThresholds;
  readonly afterHalt: AfterHalt;
}

export interface JudgedRow extends Judged {
  readonly row: HistoryRow;
}

export interface BacktestSummary {
  rows: number;
  missing: number;
  learned: number;
  flows: number;
  /** Flows judged by what the leading rows of all flows showed, because their own were too few. */
  pooled: number;
  warn: number;
  halt: number;
  /** Timestamp of the first halt, as written. */
  first_halt: string | null;
}

const SILENT: Judged = { score: 0, evidence: 0, verdict: 'none' };

/** Where one flow stands: learning still, or watched. */
interface FlowRun {
  readonly window: number;
  points: Point[] | null;
  watch: SeriesWatch | null;
}

/**
 * Runs the detectors over history, a few rows at a time, in the order of the file. A baseline is learned from the
 * leading window of a flow and then frozen: later rows never teach it. Rows of the window get no verdict.
 *
 * The file is read twice, because a share of the rows is known only when they have been counted.
 *
 * @throws {StartError} what `readRows` cannot read; too many flows
 */
export class Backtest {
  readonly summary: BacktestSummary = {
    rows: 0,
    missing: 0,
    learned: 0,
    flows: 0,
    pooled: 0,
    warn: 0,
    halt: 0,
    first_halt: null,
  };
  private readonly flows = new Map<string, FlowRun>();
  private pool: { readonly window: number; points: Point[]; baseline: SeriesBaseline | null } | undefined;

  constructor(private readonly options: BacktestOptions) {}

  async *run(onProgress: (done: number, total: number) => void): AsyncGenerator<readonly JudgedRow[]> {
    const counts = await this.count();
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    this.pool = { window: this.windowOf(total), points: [], baseline: null };
    for await (const rows of readRows(this.options.file, this.options.columns)) {
      yield rows.map((row) => this.judge(row, counts));
      onProgress(this.summary.rows, total);
    }
  }

  private async count(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for await (const rows of readRows(this.options.file, this.options.columns)) {
      for (const { flow, amount } of rows) counts.set(flow, (counts.get(flow) ?? 0) + (amount === null ? 0 : 1));
      if (counts.size > FLOWS_MAX) throw new StartError(`more than ${FLOWS_MAX} flows in one file`);
    }
    return counts;
  }

  private windowOf(rows: number): number {
    return Math.min(LEARN_MAX, Math.max(LEARNED_EVENTS_MIN, Math.ceil(rows * this.options.learn)));
  }

  private judge(row: HistoryRow, counts: ReadonlyMap<string, number>): JudgedRow {
    const { summary } = this;
    summary.rows += 1;
    if (row.amount === null) {
      summary.missing += 1;
      return { row, ...SILENT };
    }
    const judged = this.judgePoint(row.flow, { atMs: row.atMs, amount: row.amount }, counts);
    if (judged.verdict === 'warn') summary.warn += 1;
    if (judged.verdict === 'halt') {
      summary.halt += 1;
      summary.first_halt ??= row.timestamp;
    }
    return { row, ...judged };
  }

  private judgePoint(flow: string, point: Point, counts: ReadonlyMap<string, number>): Judged {
    this.pooled(point);
    const run = this.flowRun(flow, counts.get(flow) ?? 0);
    if (run.points !== null && run.points.length < run.window) {
      run.points.push(point);
      this.summary.learned += 1;
      return SILENT;
    }
    run.watch ??= this.watchOf(run);
    run.points = null;
    return run.watch?.judge(run.window === 0 ? { ...point, atMs: null } : point) ?? SILENT;
  }

  /** A flow with fewer rows than a window keeps none: what all flows showed serves. */
  private flowRun(flow: string, rows: number): FlowRun {
    const known = this.flows.get(flow);
    if (known !== undefined) return known;
    const window = this.windowOf(rows);
    const isOwn = rows > window;
    const run: FlowRun = { window: isOwn ? window : 0, points: isOwn ? [] : null, watch: null };
    this.flows.set(flow, run);
    this.summary.flows += 1;
    if (!isOwn) this.summary.pooled += 1;
    return run;
  }

  private watchOf({ points }: FlowRun): SeriesWatch | null {
    const baseline = points === null ? (this.pool?.baseline ?? null) : learnSeries(points);
    return baseline === null ? null : new SeriesWatch(baseline, this.options.thresholds, this.options.afterHalt);
  }

  /** The leading rows of the file, whatever their flow; without times, which mean nothing across flows. */
  private pooled({ amount }: Point): void {
    const { pool } = this;
    if (pool === undefined || pool.baseline !== null) return;
    pool.points.push({ atMs: null, amount });
    if (pool.points.length < pool.window) return;
    pool.baseline = learnSeries(pool.points);
    pool.points = [];
  }
}
