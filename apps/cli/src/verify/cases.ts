import type { CaseResult } from '@spendgate/verifier';
import { printJson } from '../output.js';
import { runBounded } from '../publish/bounded.js';

/** Signatures being checked at once. */
const AT_ONCE = 64;
/** Members that count leaves; a Merkle tree may have more of them than a JavaScript number can count exactly. */
const LARGE_COUNT = /("(?:leaf_index|tree_size|size1|size2)"\s*:\s*)(\d{16,20})(?=\s*[,}])/g;

type Judge = (input: unknown) => CaseResult | Promise<CaseResult>;

/**
 * Judges a text of cases, one JSON object a line, and prints one result a line in the same order. A line that is no JSON
 * is a case too: the order of the results must tell which one it was.
 */
export async function judgeCases(text: string, judge: Judge): Promise<void> {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  await runBounded(lines, AT_ONCE, async (line) => judgeText(line, judge), printJson);
}

/** Whether a text holds cases, one a line, and not one JSON document over several lines. */
export function holdsCases(text: string): boolean {
  const [first = '', ...rest] = text.split('\n');
  return rest.some((line) => line.trim() !== '') && /^\{.*\}\s*$/.test(first);
}

/** One case from its text; counts too large for a number are handed on as digits. */
export async function judgeText(text: string, judge: Judge): Promise<CaseResult> {
  let input: unknown;
  try {
    input = JSON.parse(text.replace(LARGE_COUNT, '$1"$2"'));
  } catch {
    return { valid: false, code: 'malformed' };
  }
  return judge(input);
}
