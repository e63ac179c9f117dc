import type { Logger } from './logger.js';

interface Hook {
  readonly name: string;
  readonly act: () => Promise<void> | void;
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
const DEADLINE_MS = 15_000;
const EXIT_CODE: Readonly<Record<(typeof SIGNALS)[number], number>> = { SIGTERM: 143, SIGINT: 130 };

/**
 * Ends a process in order: the last thing started stops first, so doors close before what stands behind them.
 *
 * Nothing committed depends on it: kill -9 loses no more than an orderly end, it only costs the next owner a wait.
 */
export class Shutdown {
  private readonly hooks: Hook[] = [];
  private running: Promise<void> | undefined;

  constructor(
    private readonly logger: Pick<Logger, 'log' | 'error'>,
    private readonly deadlineMs = DEADLINE_MS,
  ) {}

  /** Adds what to undo. Hooks run one after another, the newest first; one that throws does not stop the others. */
  add(name: string, act: () => Promise<void> | void): void {
    this.hooks.push({ name, act });
  }

  /** Runs all hooks once; later calls wait for the same run. Resolves at the deadline at the latest. */
  run(reason: string): Promise<void> {
    this.running ??= this.runHooks(reason);
    return this.running;
  }

  /** Ends the process on SIGTERM or SIGINT (exit code 128 + signal, as shells expect); a second signal ends it at once. */
  listen(exit: (code: number) => void = (code) => process.exit(code)): void {
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        if (this.running !== undefined) exit(EXIT_CODE[signal]);
        else void this.run(signal).then(() => exit(EXIT_CODE[signal]));
      });
    }
  }

  private async runHooks(reason: string): Promise<void> {
    this.logger.log(`stopping: ${reason}`);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), this.deadlineMs);
    });
    const all = this.hooks.reduceRight((before, hook) => before.then(() => this.runHook(hook)), Promise.resolve());
    if ((await Promise.race([all, late])) === 'late') this.logger.error(`not stopped in ${this.deadlineMs} ms`);
    clearTimeout(timer);
  }

  private async runHook(hook: Hook): Promise<void> {
    try {
      await hook.act();
    } catch (error) {
      this.logger.error(`${hook.name} did not stop cleanly`, error);
    }
  }
}
