import { setTimeout as pause } from 'node:timers/promises';

/** Callers waiting at once; more are answered 202 at once, which is always true. */
const WAITERS_MAX = 10_000;
/** The owner of the partition may be another process, so a waiter also looks for itself, ever less often. */
const POLL_MIN_MS = 40;
const POLL_MAX_MS = 1_000;

/** Lets the HTTP door wait for what a partition's owner, in this process or another, makes of an intent. */
export class DecisionWaiters {
  private readonly wakes = new Map<string, Set<() => void>>();
  private waiting = 0;

  /** Called after a batch is published, with the keys (intent ids, or `lane@offset` of refusals) it answered. */
  wake(keys: Iterable<string>): void {
    for (const key of keys) for (const wake of this.wakes.get(key) ?? []) wake();
  }

  /**
   * Looks until there is an answer or the time is over. `look` runs once at first, after each wake, and as a poll.
   * @param keys what `wake` may be called with @param forMs patience; 0 looks once
   */
  async waitFor<T>(keys: readonly string[], forMs: number, look: () => Promise<T | undefined>): Promise<T | undefined> {
    const untilMs = performance.now() + (this.waiting < WAITERS_MAX ? forMs : 0);
    const signal = new Signal();
    this.waiting += 1;
    for (const key of keys) this.wakes.set(key, (this.wakes.get(key) ?? new Set()).add(signal.wake));
    try {
      for (let pollMs = POLL_MIN_MS; ; pollMs = Math.min(POLL_MAX_MS, pollMs * 1.5)) {
        const found = await look();
        const leftMs = untilMs - performance.now();
        if (found !== undefined || leftMs <= 0) return found;
        await signal.within(Math.min(pollMs, leftMs));
      }
    } finally {
      this.waiting -= 1;
      for (const key of keys) this.leave(key, signal.wake);
    }
  }

  private leave(key: string, wake: () => void): void {
    const wakes = this.wakes.get(key);
    wakes?.delete(wake);
    if (wakes?.size === 0) this.wakes.delete(key);
  }
}

/** A wake that is never lost: one that comes while `look` is running ends the next pause at once. */
class Signal {
  private woken = false;
  private abort: AbortController | undefined;

  readonly wake = (): void => {
    this.woken = true;
    this.abort?.abort();
  };

  async within(ms: number): Promise<void> {
    if (!this.woken) {
      this.abort = new AbortController();
      await pause(ms, undefined, { signal: this.abort.signal }).catch(() => undefined); // aborted: woken
    }
    this.woken = false;
  }
}
