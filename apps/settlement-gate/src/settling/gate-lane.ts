import { DependencyError } from '@spendgate/core';
import type { Clock, Logger } from '@spendgate/platform';
import {
  LaneLost,
  type LaneLease,
  type Pool,
  acquireLeasedLane,
  adoptEndedLanes,
  releaseLane,
  renewLane,
} from '@spendgate/store';

/** A lease survives a stop of the process this long; then another process takes the lane and publishes what is left. */
const TTL_SECONDS = 30;
const RENEW_MS = 10_000;
const ATTEMPTS_MAX = 3;

/**
 * The lane of what this process decides for callers who came without a partition. Taken when first needed, renewed
 * while the process lives; whoever loses it takes a new one, because the epoch fences whatever was under way.
 */
export class GateLane {
  private lease: Promise<LaneLease> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  /** @param taken called with each new lease before its first use: the place to publish what was left unpublished */
  constructor(
    private readonly pool: Pool,
    private readonly prefix: string,
    private readonly logger: Logger,
    private readonly clock: Clock,
    private readonly taken: (lease: LaneLease) => Promise<void> = () => Promise.resolve(),
  ) {}

  /**
   * Runs `act` under the lease. `act` runs again under a new lease when the old one turned out to be lost, so it must
   * decide nothing outside the lane's transaction.
   */
  async run<T>(act: (lease: LaneLease) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const lease = await this.current();
      try {
        return await act(lease);
      } catch (error) {
        if (!(error instanceof LaneLost) || attempt === ATTEMPTS_MAX) throw error;
        this.logger.warn(`lane ${lease.name} was lost; taking another`);
        this.forget();
      }
    }
  }

  /** Gives the lane back, so that the next process need not wait for the lease to end. */
  async stop(): Promise<void> {
    this.stopped = true;
    const lease = await this.lease?.catch(() => undefined);
    this.forget();
    if (lease !== undefined) await releaseLane(this.pool, lease).catch(() => undefined);
  }

  private current(): Promise<LaneLease> {
    if (this.stopped) return Promise.reject(new DependencyError('ERR_STOPPING', 'the gate is stopping'));
    this.lease ??= this.take();
    return this.lease;
  }

  private async take(): Promise<LaneLease> {
    try {
      const lease = await acquireLeasedLane(this.pool, this.prefix, this.owner(), TTL_SECONDS);
      await this.taken(lease);
      this.timer = setInterval(() => void this.renew(lease), RENEW_MS);
      this.timer.unref();
      return lease;
    } catch (error) {
      this.lease = undefined;
      throw error;
    }
  }

  /** Publishes what processes that ended left in their lanes, and gives these lanes back. */
  async adoptEnded(): Promise<void> {
    for (const ended of await adoptEndedLanes(this.pool, this.prefix, this.owner(), TTL_SECONDS)) {
      await this.taken(ended);
      await releaseLane(this.pool, ended);
    }
  }

  private owner(): string {
    return `${process.pid}@${this.clock.nowMs()}`;
  }

  private async renew(lease: LaneLease): Promise<void> {
    try {
      await renewLane(this.pool, lease, TTL_SECONDS);
      await this.adoptEnded();
    } catch (error) {
      if (error instanceof LaneLost) this.forget();
      else this.logger.warn(`lane ${lease.name} could not be renewed: ${String(error)}`);
    }
  }

  private forget(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.lease = undefined;
  }
}
