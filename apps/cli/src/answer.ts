import type { Answer } from '@spendgate/client';
import { denial, isDenialCode } from '@spendgate/core';
import { EXIT } from './exit-codes.js';
import { note, printJson, printRecord } from './output.js';

/** Prints what a door answered and sets the exit code: 2 for a refusal, and while nothing is decided. */
export function showAnswer({ status, body }: Pick<Answer, 'status' | 'body'>, json: boolean): void {
  if (json) printJson(body);
  else printRecord(body);
  if (status === 200 || status === 201) return;
  process.exitCode = EXIT.denied;
  const { code, next } = body;
  // Who is not verified is told the code only; what to do about it stands in the public table.
  if (status === 202) note('not decided yet: the same command again tells what came of it');
  else if (next === undefined && typeof code === 'string' && isDenialCode(code)) note(`next: ${denial(code).next}`);
}
