import { DependencyError } from '@spendgate/core';

/** More than this at once would hold the locks longer than 20 ms. */
const ITEMS_MAX = 256;
/** Callers waiting beyond this are turned away at once: an honest 503 instead of a timeout. */
const WAITING_MAX = 10_000;

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets concurrent callers share one run. No timer: an idle one runs at once with a single item, and while a run is
 * under way the next items gather, so the batch size follows the load by itself.
 */
export class MicroBatch<T, R> {
  private waiting: Waiting<T, R>[] = [];
  private running: Promise<void> | undefined;

  /** @param run gives one result per item, in order; a throw fails every item of that run */
  constructor(
    private readonly run: (items: readonly T[]) => Promise<readonly R[]>,
    private readonly itemsMax = ITEMS_MAX,
  ) {}

  /** @throws {DependencyError} `ERR_DOOR_FULL`: too many callers are waiting; nothing was done */
  submit(item: T): Promise<R> {
    if (this.waiting.length >= WAITING_MAX) {
      return Promise.reject(new DependencyError('ERR_DOOR_FULL', `${WAITING_MAX} requests are waiting already`));
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.running ??= this.drain();
    });
  }

  /** Resolves when nothing is waiting or running. */
  async settled(): Promise<void> {
    while (this.running !== undefined) await this.running;
  }

  private async drain(): Promise<void> {
    await Promise.resolve(); // callers of the same tick join the first run
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, this.itemsMax);
      try {
        const results = await this.run(batch.map(({ item }) => item));
        batch.forEach(({ resolve, reject }, index) => {
          const result = results[index];
          if (result === undefined) reject(new RangeError('the run gave fewer results than items'));
          else resolve(result);
        });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.running = undefined;
  }
}
