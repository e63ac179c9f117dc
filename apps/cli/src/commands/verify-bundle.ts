import fs from 'node:fs';
import { verifyBundle } from '@spendgate/verifier';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { printJson, readInput } from '../output.js';
import { describeVerb } from '../verb.js';
import { readKeySet } from '../verify/read-keys.js';

interface Options {
  readonly trust?: string;
  readonly remember?: string;
  readonly replay?: boolean;
}

/** `spendgate verify bundle FILE`: statement by statement from one file, years later, with no service (C10–C16). */
export function addVerifyBundle(verify: Command): void {
  const command = verify
    .command('bundle')
    .argument('<file>', 'file of `spendgate report …`, or - for standard input')
    .option('--trust <jwks>', "the domain's public keys as you know them; without it they are the bundle's own word")
    .option('--remember <note>', 'file with a checkpoint seen earlier: the log must continue it')
    .option('--replay', 'decide again from the frozen inputs and compare bytes')
    .option('--json', 'the output is JSON in any case')
    .action(verifyFile);
  describeVerb(command, {
    group: 'verify',
    summary: 'what a bundle of an artifact, settlement, incident or time range proves, statement by statement',
    example: 'spendgate verify bundle bundle.json --trust jwks.json --remember checkpoint.txt --replay',
    exits: '2 not valid',
  });
}

async function verifyFile(file: string, { trust, remember, replay }: Options): Promise<void> {
  const report = await verifyBundle({
    bundle: fs.readFileSync(file === '-' ? 0 : file),
    trust: trust === undefined ? undefined : await readKeySet(trust),
    remembered: remember === undefined ? undefined : readInput(remember),
    replay,
  });
  printJson(report);
  if (!report.valid) process.exitCode = EXIT.denied;
}
