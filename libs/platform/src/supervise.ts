import { type ChildProcess, spawn } from 'node:child_process';
import type { Logger } from './logger.js';

export interface SuperviseOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly logger: Pick<Logger, 'log' | 'warn' | 'error'>;
  /** Called when the child keeps failing and is given up: the parent ends, and its own supervisor decides. */
  readonly onGivenUp: (code: number | null) => void;
}

export interface SupervisedChild {
  readonly pid: number | undefined;
  /** SIGTERM, then SIGKILL at the deadline; no restart afterwards. */
  stop(): Promise<void>;
}

/** More ends than this within the window: the fault is not passing. */
const RESTARTS_MAX = 5;
const WINDOW_MS = 60_000;
const BACKOFF_MS = [0, 250, 1_000, 2_000, 4_000];
const STOP_WAIT_MS = 20_000;

/**
 * Keeps one child process running, with its output on ours.
 *
 * The child's standard input is a pipe only this process holds: a child that calls {@link exitWithParent} ends with us,
 * also when we are killed by SIGKILL.
 */
export function superviseChild(options: SuperviseOptions): SupervisedChild {
  const { name, logger } = options;
  const endedAtMs: number[] = [];
  let child: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopping = false;

  const start = (): void => {
    const stdio: ['pipe', 'inherit', 'inherit'] = ['pipe', 'inherit', 'inherit'];
    child = spawn(options.command, options.args, { env: options.env ?? process.env, stdio });
    child.stdin?.on('error', () => undefined); // the child went first; `exit` tells
    child.on('error', (error) => logger.error(`${name} cannot be started: ${error.message}`));
    child.once('close', onEnd);
  };
  const onEnd = (code: number | null): void => {
    child = undefined;
    if (stopping) return;
    const now = Date.now();
    endedAtMs.push(now);
    const recent = endedAtMs.filter((at) => now - at < WINDOW_MS).length;
    if (recent > RESTARTS_MAX) return options.onGivenUp(code);
    logger.warn(`${name} ended with ${code}, starting it again`);
    timer = setTimeout(start, BACKOFF_MS[recent - 1] ?? 0);
  };

  start();
  return {
    get pid() {
      return child?.pid;
    },
    async stop() {
      stopping = true;
      clearTimeout(timer);
      if (child === undefined) return;
      const running = child;
      const ended = new Promise<void>((resolve) => running.once('close', () => resolve()));
      running.kill('SIGTERM');
      const kill = setTimeout(() => running.kill('SIGKILL'), STOP_WAIT_MS);
      await ended;
      clearTimeout(kill);
    },
  };
}

/** In a supervised child: runs `end` when the parent is gone, however it went. */
export function exitWithParent(end: () => void): void {
  process.stdin.once('end', end).once('close', end).resume();
  process.stdin.unref();
}
