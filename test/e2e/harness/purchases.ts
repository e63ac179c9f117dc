import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './repository.js';

/** One plain intent, as `intents publish` reads it. */
export interface PlainLine {
  readonly jti: string;
  readonly agent: string;
  readonly mandate: string;
  readonly amount: { readonly value: string; readonly currency: string };
}

const ALL = join(ROOT, '../shared/data/cdnow-purchases.txt');
const SAMPLE = join(ROOT, 'examples/cdnow/sample-5000.jsonl');

/**
 * The purchases as plain intents, written to `file`: the whole data set where it lies beside the repository, else, or with
 * `PURCHASES=sample`, the 5,000 in it.
 */
export function writePurchases(file: string): readonly PlainLine[] {
  const all = process.env['PURCHASES'] !== 'sample' && existsSync(ALL);
  const text = all ? convertAll() : readFileSync(SAMPLE, 'utf8');
  writeFileSync(file, text);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as PlainLine); // as: the converter's own output
}

function convertAll(): string {
  const converter = join(ROOT, 'examples/cdnow/convert.js');
  const run = spawnSync(process.execPath, [converter, ALL], { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 });
  if (run.status !== 0) throw new Error(run.stderr);
  return run.stdout;
}
