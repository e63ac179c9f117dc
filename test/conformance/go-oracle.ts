import { spawnSync } from 'node:child_process';
import path from 'node:path';

/** A second implementation, of other authors in another language, must agree with libs/audit-log and libs/verifier. */
const FOLDER = path.join(import.meta.dirname, 'go-oracle');
export const hasGo = spawnSync('go', ['version']).status === 0;
export const COMPILE_MS = 180_000;

export interface Answer {
  root?: string;
  inclusion?: string[] | null;
  consistency?: string[] | null;
  included: boolean;
  consistent: boolean;
  opened: boolean;
  text?: string;
  note?: string;
  key?: string;
  path?: string;
  /** What is wrong with a bundle's artifact, and with its leaves and checkpoint; empty: nothing. */
  artifact: string;
  audit: string;
  signed: boolean;
}

export function ask(cases: readonly object[]): Answer[] {
  const input = cases.map((each) => JSON.stringify(each)).join('\n');
  const run = spawnSync('go', ['run', '.'], { cwd: FOLDER, input, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (run.status !== 0) throw new Error(`go run: ${run.stderr}`);
  const lines = run.stdout.trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Answer); // as: our own program's output
}
