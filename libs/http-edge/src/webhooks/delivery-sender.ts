import { type Clock, type Logger, Sweeper } from '@spendgate/platform';
import {
  type Pool,
  type WebhookDelivery,
  type WebhookSource,
  claimWebhooks,
  deleteWebhook,
  failWebhook,
  purgeWebhooks,
} from '@spendgate/store';

/** Messages under way at once in this process. */
const AT_ONCE_MAX = 32;
const BACKOFF_FIRST_SECONDS = 5;
const BACKOFF_MAX_SECONDS = 3_600;
const PAUSE_MS = 1_000;

export interface DeliveryParts {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A message not delivered within this dies, ms. */
  readonly giveUpMs: number;
  /** Where in (0, 1) a wait lies; tests give their own. */
  readonly jitter?: () => number;
}

/** Why a message was not taken; `final`: asking again is no use. */
export interface DeliveryFailure {
  readonly error: string;
  readonly final: boolean;
}

/**
 * Sends what is queued, again and again until it is taken or its time is over. At least once: a message is deleted after
 * its answer, so a killed sender repeats it, under the same id. Best-effort order: one that fails holds up no other.
 */
export abstract class DeliverySender {
  private readonly sweeper: Sweeper;

  constructor(
    private readonly source: WebhookSource,
    private readonly delivery: DeliveryParts,
  ) {
    this.sweeper = new Sweeper(`${source} webhook`, PAUSE_MS, () => this.run(), delivery.logger);
  }

  start(): void {
    this.sweeper.start();
  }

  /** Finishes what is under way. */
  stop(): Promise<void> {
    return this.sweeper.stop();
  }

  /** @returns whether there is more to do at once */
  async run(): Promise<boolean> {
    const { pool } = this.delivery;
    const more = await this.enqueue();
    if (!this.canSend()) return more;
    const due = await claimWebhooks(pool, this.source, AT_ONCE_MAX);
    await Promise.all(due.map((delivery) => this.deliver(delivery)));
    if (due.length === 0) await purgeWebhooks(pool);
    return more || due.length > 0;
  }

  /** Queues what has come since. @returns whether more waits */
  protected abstract enqueue(): Promise<boolean>;

  /** Whether it has all it needs; while it has not, messages wait. */
  protected abstract canSend(): boolean;

  /** @returns `null`: it was taken, or there is nothing to say any more */
  protected abstract send(delivery: WebhookDelivery): Promise<DeliveryFailure | null>;

  private async deliver(delivery: WebhookDelivery): Promise<void> {
    const { pool, clock, giveUpMs } = this.delivery;
    const failure = await this.send(delivery);
    if (failure === null) return deleteWebhook(pool, delivery);
    const tooOld = clock.nowMs() - delivery.createdAtMs >= giveUpMs;
    const again = failure.final || tooOld ? null : this.waitSeconds(delivery.attempts);
    await failWebhook(pool, delivery, failure.error, again);
  }

  /** Doubling, between half and one and a half of it, so that what failed together does not come together again. */
  private waitSeconds(attempts: number): number {
    const seconds = Math.min(BACKOFF_MAX_SECONDS, BACKOFF_FIRST_SECONDS * 2 ** Math.min(attempts - 1, 20));
    return seconds * (0.5 + (this.delivery.jitter ?? Math.random)());
  }
}
