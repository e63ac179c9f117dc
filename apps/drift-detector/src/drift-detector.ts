import { sweepAfterMs } from '@spendgate/core';
import { type Clock, type Logger, type Metrics, Sweeper } from '@spendgate/platform';
import {
  type Pool,
  type SweepPlace,
  type SweptFlows,
  type WatchBounds,
  armWatch,
  beatWatch,
  claimWatch,
  lookAtDomain,
  releaseWatch,
  sweepFlows,
  writeDigest,
} from '@spendgate/store';
import { FLEET_PAUSE_MS, FleetWatch } from './fleet-watch.js';

/** Flows visited in one go: a constant number of statements, and locks for a few milliseconds. */
const FLOWS_PER_VISIT = 200;
/** Heartbeats within the bound: several may be lost before a decision misses one. */
const BEATS_PER_BOUND = 5;
/** Another detector takes over while the last heartbeat still counts. */
const LEASE_SHARE = 0.6;
const SWEEP_PAUSE_MS_MAX = 1_000;
const SWEEPS_PER_BOUND = 60;

export interface DetectorOptions extends WatchBounds {
  readonly lapseMs: number;
  /** Names this process among detectors. */
  readonly owner: string;
  readonly issuer: string;
}

interface DetectorParts {
  readonly pool: Pool;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/**
 * Verifies continuously: the domain by a heartbeat, each flow with live artifacts before it is overdue. Exactly one of a
 * domain's detectors is active; decisions deny once none is.
 */
export class DriftDetector {
  /** Tier C. */
  readonly fleet: FleetWatch;
  private active = false;
  private from: SweepPlace | null = null;
  private digest: { verified: Map<string, number>; contained: number; fromMs: number } | undefined;
  private readonly sweepers: readonly Sweeper[];

  constructor(
    private readonly parts: DetectorParts,
    private readonly options: DetectorOptions,
  ) {
    const { logger } = parts;
    this.fleet = new FleetWatch(parts.pool, logger, options);
    const sweepPauseMs = Math.min(SWEEP_PAUSE_MS_MAX, options.flowMs / SWEEPS_PER_BOUND);
    this.sweepers = [
      new Sweeper('watch', options.domainMs / BEATS_PER_BOUND, async () => (await this.beat(), false), logger),
      new Sweeper('flow watch', sweepPauseMs, () => this.visit(), logger),
      new Sweeper('fleet watch', FLEET_PAUSE_MS, async () => (await this.judgeFleet(), false), logger),
    ];
  }

  get isActive(): boolean {
    return this.active;
  }

  /** Resolves when the domain, and every flow that was due, is verified: by this detector, or by another that is active. */
  async start(): Promise<void> {
    await armWatch(this.parts.pool, this.options.owner, this.options);
    await this.beat();
    while (await this.visit()) await this.beat();
    for (const sweeper of this.sweepers) sweeper.start();
  }

  /** Ends after what is under way; another detector takes over at once. */
  async stop(): Promise<void> {
    await Promise.all(this.sweepers.map((sweeper) => sweeper.stop()));
    if (!this.active) return;
    await this.writeDigest();
    await releaseWatch(this.parts.pool, this.options.owner);
  }

  private async beat(): Promise<void> {
    const { pool, logger } = this.parts;
    const { owner, domainMs } = this.options;
    const held = await claimWatch(pool, owner, domainMs * LEASE_SHARE);
    const look = held === undefined ? undefined : await lookAtDomain(pool);
    const before = this.active;
    this.active = held !== undefined && look !== undefined && (await beatWatch(pool, owner, look, held, this.options));
    if (this.active !== before) logger.log(this.active ? 'watching over the domain' : 'another detector is active');
  }

  private async judgeFleet(): Promise<void> {
    if (this.active) await this.fleet.judge();
  }

  /** @returns whether more flows are due */
  private async visit(): Promise<boolean> {
    if (!this.active) return false;
    const { flowMs, lapseMs } = this.options;
    const options = { afterMs: sweepAfterMs(flowMs), lapseMs, limit: FLOWS_PER_VISIT, from: this.from };
    const swept = await this.parts.metrics.wall('flow_watch', () => sweepFlows(this.parts.pool, options));
    this.from = swept.next;
    await this.note(swept);
    return swept.next !== null;
  }

  /** One digest leaf covers what was done in the watch time of a flow; where nothing was done there is none. */
  private async note({ verified, contained }: SweptFlows): Promise<void> {
    const nowMs = this.parts.clock.nowMs();
    if (verified.length > 0 || contained.length > 0) {
      this.digest ??= { verified: new Map(), contained: 0, fromMs: nowMs };
      for (const { flowId, atMs } of verified) this.digest.verified.set(flowId, atMs);
      this.digest.contained += contained.length;
      if (contained.length > 0) this.parts.logger.warn(`${contained.length} flows contained by the sweep`);
    }
    if (this.digest !== undefined && nowMs - this.digest.fromMs >= this.options.flowMs) await this.writeDigest();
  }

  private async writeDigest(): Promise<void> {
    const { digest } = this;
    if (digest === undefined) return;
    this.digest = undefined;
    await writeDigest(this.parts.pool, this.options.issuer, this.options.owner, digest);
  }
}
