import { StartError } from '@spendgate/platform';
import { Option } from 'commander';

const DEFAULT = 50;
const MOST = 100_000;

/** `--limit N`, the same on every list. */
export function limitOption(): Option {
  return new Option('--limit <n>', `rows at most; default ${DEFAULT}`);
}

/** @throws {StartError} no whole number from 1 to 100,000 */
export function readLimit(text: string | undefined): number {
  if (text === undefined) return DEFAULT;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MOST) throw new StartError(`--limit is a number from 1 to ${MOST}`);
  return limit;
}
