/** How many may pass at once, and how many may stand before it. */
export interface TurnstileBounds {
  readonly atOnceMax: number;
  readonly waitingMax: number;
}

/**
 * Bounds work done for callers nobody has identified yet, so that however many they are, they cannot take every
 * database connection from those whose requests are being decided.
 */
export class Turnstile {
  private passing = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly bounds: TurnstileBounds) {}

  /** @returns `undefined` at once when too many are waiting: nothing was done. A throw of `work` is passed on. */
  run<T>(work: () => Promise<T>): Promise<T> | undefined {
    const { atOnceMax, waitingMax } = this.bounds;
    if (this.passing >= atOnceMax && this.waiting.length >= waitingMax) return undefined;
    return this.pass(work);
  }

  private async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.passing < this.bounds.atOnceMax) this.passing += 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift(); // takes this one's place: the number passing stays
      if (next === undefined) this.passing -= 1;
      else next();
    }
  }
}
