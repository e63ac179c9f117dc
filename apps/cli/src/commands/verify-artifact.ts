import { StartError } from '@spendgate/platform';
import { verifyArtifact } from '@spendgate/verifier';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { printJson, readInput } from '../output.js';
import { parseTime } from '../times.js';
import { describeVerb } from '../verb.js';
import { readKeySet } from '../verify/read-keys.js';

interface Options {
  readonly keys: string;
  readonly at?: string;
  readonly status?: string;
}

/** `spendgate verify artifact FILE`: the eight named checks, with keys and no service (B13). */
export function addVerifyArtifact(verify: Command): void {
  const command = verify
    .command('artifact')
    .argument('<file>', 'file with the signed artifact, or - for standard input')
    .requiredOption('--keys <jwks>', "the domain's public keys: a JWKS file, or its /.well-known/jwks.json as a URL")
    .option('--at <time>', 'judge as of this time (ISO 8601 or Unix seconds) instead of now')
    .option('--status <file>', 'status list (statuslist+jwt): whether it was revoked or suspended')
    .option('--json', 'the output is JSON in any case')
    .action(verifyFile);
  describeVerb(command, {
    group: 'verify',
    summary: 'eight named checks of an authorization artifact',
    example:
      'spendgate verify artifact artifact.jwt --keys http://127.0.0.1:8080/.well-known/jwks.json\n' +
      '  spendgate verify artifact artifact.jwt --keys jwks.json --at 2026-01-31T12:00:00Z --status list.jwt',
    exits: '2 not valid',
  });
}

async function verifyFile(file: string, { keys, at, status }: Options): Promise<void> {
  if (file === '-' && keys === '-') throw new StartError('only one of the artifact and the keys can be standard input');
  const report = await verifyArtifact({
    artifact: readInput(file).trim(),
    keys: await readKeySet(keys),
    atMs: at === undefined ? Date.now() : parseTime(at),
    statusList: status === undefined ? undefined : readInput(status).trim(),
  });
  printJson(report);
  if (!report.valid) process.exitCode = EXIT.denied;
}
