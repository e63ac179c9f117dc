import { StartError } from '@spendgate/platform';
import { verifyJwsCase } from '@spendgate/verifier';
import { type Command, Option } from 'commander';
import { EXIT } from '../exit-codes.js';
import { printJson, readInput } from '../output.js';
import { GROUPS, describeVerb } from '../verb.js';
import { judgeCases } from '../verify/cases.js';
import { readJwks } from '../verify/read-keys.js';

interface Options {
  readonly keys?: string;
  readonly cases?: string;
}

/** `spendgate verify jws FILE --keys JWKS`: one strict signature check of any compact JWS. */
export function addVerifyJws(verify: Command): void {
  const command = verify
    .command('jws')
    .argument('[file]', 'file with a compact JWS, or with one case a line; - for standard input')
    .option('--keys <jwks>', 'public keys: a JWKS file, or a URL you trust')
    .addOption(casesOption('{"jws", "keys": {"keys": […]}}'))
    .option('--json', 'the output is JSON in any case')
    .action(verifyFile);
  describeVerb(command, {
    group: 'verify',
    summary: 'one strict signature check of a compact JWS',
    example: 'spendgate verify jws token.jwt --keys jwks.json',
    exits: '2 not valid; with --cases 0 whatever the results',
  });
}

/** The batch form of a check, which help shows in its own group. */
export function casesOption(shape: string): Option {
  const about = `one case a line, ${shape}; prints {"valid", "code"} a line, in order`;
  return new Option('--cases <file.jsonl>', about).helpGroup(`${GROUPS.conformance}:`);
}

async function verifyFile(file: string | undefined, { keys, cases }: Options): Promise<void> {
  if (cases !== undefined) return judgeCases(readInput(cases), verifyJwsCase);
  if (file === undefined) throw new StartError('name the FILE with the JWS, or - for standard input');
  const text = readInput(file).trim();
  if (text.startsWith('{')) return judgeCases(text, verifyJwsCase);
  if (keys === undefined) throw new StartError('name the public keys with --keys JWKS');
  const result = await verifyJwsCase({ jws: text, keys: await readJwks(keys) });
  printJson(result);
  if (!result.valid) process.exitCode = EXIT.denied;
}
