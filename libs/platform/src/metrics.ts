import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

const BATCH_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
const NS_PER_SECOND = 1e9;

/** Figures of one process, in Prometheus form. Stages and batch sizes are counted from the first day (design 8). */
export class Metrics {
  readonly registry = new Registry();
  private readonly stageSeconds = new Counter({
    name: 'spendgate_stage_seconds_total',
    help: 'time per stage of the hot path; kind "cpu" ran on the main thread, kind "wall" includes waiting',
    labelNames: ['stage', 'kind'],
    registers: [this.registry],
  });
  private readonly batchSizes = new Histogram({
    name: 'spendgate_batch_size',
    help: 'records decided in one transaction',
    labelNames: ['kind'],
    buckets: BATCH_BUCKETS,
    registers: [this.registry],
  });

  /** Event loop, memory and CPU of the process; once per process, so apart from the constructor. */
  collectProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Runs a synchronous stage and counts its main-thread time. */
  cpu<T>(stage: string, act: () => T): T {
    const start = process.hrtime.bigint();
    try {
      return act();
    } finally {
      this.add(stage, 'cpu', start);
    }
  }

  /** Runs an asynchronous stage and counts the time until it settled. */
  async wall<T>(stage: string, act: () => Promise<T>): Promise<T> {
    const start = process.hrtime.bigint();
    try {
      return await act();
    } finally {
      this.add(stage, 'wall', start);
    }
  }

  batch(kind: string, size: number): void {
    this.batchSizes.observe({ kind }, size);
  }

  counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name: `spendgate_${name}`, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  gauge<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    return new Gauge({ name: `spendgate_${name}`, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  /** Text exposition format, for `/metrics`. */
  render(): Promise<string> {
    return this.registry.metrics();
  }

  private add(stage: string, kind: 'cpu' | 'wall', start: bigint): void {
    this.stageSeconds.inc({ stage, kind }, Number(process.hrtime.bigint() - start) / NS_PER_SECOND);
  }
}
