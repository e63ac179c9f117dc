import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collectOutput, endProcess, freePort, runToEnd, until } from './processes.js';
import { ROOT } from './repository.js';

export const BIN = join(ROOT, 'apps/cli/bin/spendgate.js');
export const EXAMPLES = join(ROOT, 'examples');

/** Only what a run is told: settings of the machine that runs the tests must not leak in. */
function cleanEnvironment(settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('SPENDGATE_'));
  return { ...Object.fromEntries(own), ...settings };
}

/** A private folder for one test's data. */
export function dataFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'spendgate-e2e-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs one command line to its end. @returns what it wrote on both streams; @throws when the exit code is not 0 */
export function spendgate(args: readonly string[], settings: Readonly<Record<string, string>>): Promise<string> {
  return runToEnd(process.execPath, [BIN, ...args], { env: cleanEnvironment(settings), cwd: ROOT });
}

/** The objects among what a command wrote, a line each. */
export function jsonLines(output: string): Readonly<Record<string, unknown>>[] {
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>); // as: commands print objects
}

/** A long-running `spendgate up` or `serve ROLE`, as its own operating system process. */
export interface RunningSpendgate {
  readonly url: string;
  /** Settings a client or another role needs to reach the same domain. */
  readonly settings: Readonly<Record<string, string>>;
  /** kill -9, as a crash would. */
  kill(): Promise<void>;
  /** Starts the same command again after `kill`. */
  restart(): Promise<void>;
  stop(): Promise<void>;
  pid(): number | undefined;
  output(): string;
}

/**
 * Starts `spendgate ARGS` and resolves when `/readyz` answers 200.
 *
 * @param nodeFlags flags of Node.js itself, for profiles
 */
export async function startSpendgate(
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
  nodeFlags: readonly string[] = [],
): Promise<RunningSpendgate> {
  const port = settings['SPENDGATE_PORT'] ?? String(await freePort());
  const all = { SPENDGATE_PORT: port, SPENDGATE_LOG_LEVEL: 'warn', ...settings };
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess;
  let output: () => string;
  const launch = async (): Promise<void> => {
    child = spawn(process.execPath, [...nodeFlags, BIN, ...args], {
      env: cleanEnvironment(all),
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    output = collectOutput(child);
    await until(`spendgate ${args.join(' ')} to be ready`, async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${output()}`);
      return (await fetch(`${url}/readyz`)).status === 200;
    });
  };
  await launch();
  return {
    url,
    settings: all,
    kill: () => endProcess(child, 'SIGKILL'),
    restart: launch,
    stop: () => endProcess(child, 'SIGTERM'),
    pid: () => child.pid,
    output: () => output(),
  };
}
