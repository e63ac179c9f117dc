import { spawn } from 'node:child_process';
import { StartError } from '../start-error.js';
import type { RunAs } from './run-as.js';

/** Of a failed program's output, the last part names the reason. */
const OUTPUT_BYTES_MAX = 4_000;

export interface RunOptions {
  readonly as: RunAs;
  readonly cwd: string;
  readonly input?: string;
}

/** The command line and user to spawn `command` with; setpriv changes the user itself, so node must not. */
export function spawnForm(command: string, args: readonly string[], as: RunAs) {
  const [first, ...rest] = [...as.prefix, command, ...args];
  const ids = as.prefix.length === 0 && as.uid !== undefined ? { uid: as.uid, gid: as.gid } : {};
  // `first` exists: `command` is always in the list.
  return { command: first ?? command, args: rest, ids };
}

/**
 * Runs a PostgreSQL program to its end.
 *
 * @throws {StartError} with the end of its output when it fails
 */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<void> {
  const form = spawnForm(command, args, options.as);
  return new Promise((resolve, reject) => {
    const child = spawn(form.command, form.args, { cwd: options.cwd, env: cleanEnvironment(), ...form.ids });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-OUTPUT_BYTES_MAX);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => reject(new StartError(`cannot run ${command}: ${error.message}`)));
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new StartError(`${command} ended with ${code}: ${output.trim()}`));
    });
    child.stdin.on('error', () => undefined); // a program that ended early is reported by its exit code
    child.stdin.end(options.input ?? '');
  });
}

/** PG* variables of the user's shell would redirect the programs; nothing else of it is needed. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
}
