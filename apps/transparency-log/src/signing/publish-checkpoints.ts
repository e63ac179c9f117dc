import { eventHeaders, sha256Text } from '@spendgate/codec';
import { type EventTransport, TOPICS } from '@spendgate/messaging';
import type { Clock, Logger } from '@spendgate/platform';

/** Media type of a C2SP checkpoint. */
export const CHECKPOINT_TYPE = 'text/plain; charset=utf-8';
const RETRY_MS = 1_000;

/**
 * Puts checkpoints on `checkpoints.v1` under the log's name. The topic is compacted and each checkpoint contains all
 * before it, so under load only the newest is sent: never more than one on its way, and one waiting.
 *
 * Signing never waits for this: a Kafka that is away delays the announcement, not the log.
 */
export class PublishCheckpoints {
  private waiting: string | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;
  private wake: (() => void) | undefined;

  constructor(
    private readonly transport: EventTransport,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly log: { readonly origin: string; readonly issuer: string },
    private readonly everyMs: number,
  ) {}

  offer(note: string): void {
    this.waiting = note;
    if (!this.stopped) this.running ??= this.drain();
  }

  /** Sends what is waiting, once, and ends. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.wake?.();
    await this.running;
  }

  private async drain(): Promise<void> {
    while (this.waiting !== undefined) {
      const note = this.waiting;
      this.waiting = undefined;
      const sent = await this.send(note);
      if (!sent) this.waiting ??= note;
      if (this.stopped && !sent) break;
      if (!this.stopped) await this.pause(sent ? this.everyMs : RETRY_MS);
    }
    this.running = undefined;
  }

  private async send(note: string): Promise<boolean> {
    const { origin, issuer } = this.log;
    const headers = eventHeaders(TOPICS.checkpoints, {
      id: sha256Text(note),
      source: issuer,
      timeMs: this.clock.nowMs(),
      subject: origin,
    });
    try {
      await this.transport.publish(TOPICS.checkpoints, [{ key: origin, value: Buffer.from(note), headers }]);
      return true;
    } catch (error) {
      this.logger.warn('a checkpoint could not be published; it is served over HTTP and tried again', error);
      return false;
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
