import type { Logger } from './logger.js';

/** Runs one piece of work again and again, one at a time, until it is stopped. A failure is logged and tried again. */
export class Sweeper {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;

  /** @param work resolves to whether there is more to do at once */
  constructor(
    private readonly name: string,
    private readonly pauseMs: number,
    private readonly work: () => Promise<boolean>,
    private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  start(): void {
    this.schedule(0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private schedule(delayMs: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.running = this.run();
    }, delayMs);
    this.timer.unref();
  }

  private async run(): Promise<void> {
    let more = false;
    try {
      more = await this.work();
    } catch (error) {
      this.logger.warn(`${this.name} sweep failed and will run again: ${String(error)}`);
    }
    this.schedule(more ? 0 : this.pauseMs);
  }
}
