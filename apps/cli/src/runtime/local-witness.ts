import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type Logger, type Shutdown, StartError } from '@spendgate/platform';

const BIN = path.resolve(import.meta.dirname, '../../bin/spendgate.js');
const RESTART_MS = 1_000;
const START_MS = 30_000;

/** What a witness beside this process is told. */
export interface LocalWitnessPlace {
  /** Its key and what it remembers are in a folder of their own below this one. */
  readonly data: string;
  /** Verifier keys of the log it watches: every one it ever had. */
  readonly logKeys: readonly string[];
  readonly passphrase: string | undefined;
}

interface Ready {
  readonly url: string;
  readonly key: string;
}

/**
 * Runs a witness as a process of its own, for a domain that names none. It sees a restored or rewritten database; it is
 * no proof against the operator, who runs it.
 *
 * Ends with this process, however that ends: its standard input closes. When it ends alone it is started again.
 *
 * @returns `URL VERIFIER-KEY`, as `SPENDGATE_WITNESSES` names it
 * @throws {StartError} it does not start
 */
export async function startLocalWitness(place: LocalWitnessPlace, logger: Logger, shutdown: Shutdown): Promise<string> {
  let child: ChildProcess;
  let stopping = false;
  const launch = (port: string): Promise<Ready> => {
    child = spawn(process.execPath, [BIN, 'serve', 'witness', '--json', '--until-stdin-closes'], {
      env: environmentOf(place, port),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin?.on('error', () => undefined); // it ended first; `exit` says so
    return readyOf(child);
  };
  shutdown.add('local witness', () => {
    stopping = true;
    child.kill('SIGTERM');
  });
  const { url, key } = await launch('0');
  const { port } = new URL(url);
  const restart = (): void => {
    if (stopping) return;
    logger.warn(`the local witness ended (${child.exitCode ?? child.signalCode}); it is started again`);
    setTimeout(() => void launch(port).then(keepRunning, keepRunning), RESTART_MS).unref();
  };
  // One that did not start may have ended already, and says so no more.
  const keepRunning = (): void => {
    if (hasEnded(child)) restart();
    else child.once('exit', restart);
  };
  keepRunning();
  return `${url} ${key}`;
}

function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

/** Its own settings and no others: it knows no database and no topic. */
function environmentOf({ data, logKeys, passphrase }: LocalWitnessPlace, port: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SPENDGATE_'));
  return {
    ...Object.fromEntries(inherited),
    SPENDGATE_DATA: data,
    SPENDGATE_HOST: '127.0.0.1',
    SPENDGATE_PORT: port,
    SPENDGATE_WITNESS_LOGS: logKeys.join(' '),
    SPENDGATE_LOG_LEVEL: 'warn',
    ...(passphrase !== undefined && { SPENDGATE_KEY_PASSPHRASE: passphrase }),
  };
}

/** Its first line says where it is; what stands on its standard error is there for the operator already. */
function readyOf(child: ChildProcess): Promise<Ready> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new StartError(`the local witness did not start: ${why}`));
    const timer = setTimeout(() => fail(`no answer in ${START_MS} ms`), START_MS);
    child.once('exit', (code) => fail(`it ended with ${code}`));
    child.once('error', (error) => fail(error.message));
    if (child.stdout === null) return fail('it has no standard output');
    createInterface(child.stdout).once('line', (line) => {
      clearTimeout(timer);
      resolve(JSON.parse(line) as Ready); // as: our own program's line
    });
  });
}
