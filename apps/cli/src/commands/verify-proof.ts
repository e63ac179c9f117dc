import { StartError } from '@spendgate/platform';
import { type CaseResult, verifyConsistencyCase, verifyInclusionCase } from '@spendgate/verifier';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { printJson, readInput } from '../output.js';
import { describeVerb } from '../verb.js';
import { holdsCases, judgeCases, judgeText } from '../verify/cases.js';
import { casesOption } from './verify-jws.js';

interface Options {
  readonly cases?: string;
  readonly proof?: string;
  readonly [flag: string]: string | undefined;
}

/** One kind of RFC 9162 proof: its judge, and its members as a case spells them. */
interface ProofKind {
  readonly judge: (input: unknown) => CaseResult;
  readonly sizes: readonly string[];
  readonly hashes: readonly string[];
}

const INCLUSION: ProofKind = {
  judge: verifyInclusionCase,
  sizes: ['leaf_index', 'tree_size'],
  hashes: ['leaf_hash', 'root'],
};
const CONSISTENCY: ProofKind = {
  judge: verifyConsistencyCase,
  sizes: ['size1', 'size2'],
  hashes: ['root1', 'root2'],
};
const HASHES = '32 bytes, hex or base64';

/** `spendgate verify inclusion …`: whether a leaf is in a tree (RFC 9162 §2.1.3.2). */
export function addVerifyInclusion(verify: Command): void {
  const command = verify
    .command('inclusion')
    .option('--leaf-index <n>', 'position of the leaf, from 0')
    .option('--tree-size <n>', 'leaves in the tree')
    .option('--leaf-hash <hash>', `hash of the leaf; ${HASHES}`)
    .option('--root <hash>', `root of the tree; ${HASHES}`);
  describeVerb(proofCommand(command, INCLUSION), {
    group: 'verify',
    summary: 'whether a leaf is in a tree (RFC 9162)',
    example: 'spendgate verify inclusion --leaf-index 0 --tree-size 2 --leaf-hash HEX --root HEX --proof HEX',
    exits: '2 not valid; with --cases 0 whatever the results',
  });
}

/** `spendgate verify consistency …`: whether a later tree only added to an earlier one (RFC 9162 §2.1.4.2). */
export function addVerifyConsistency(verify: Command): void {
  const command = verify
    .command('consistency')
    .option('--size1 <n>', 'leaves in the earlier tree')
    .option('--size2 <n>', 'leaves in the later tree')
    .option('--root1 <hash>', `root of the earlier tree; ${HASHES}`)
    .option('--root2 <hash>', `root of the later tree; ${HASHES}`);
  describeVerb(proofCommand(command, CONSISTENCY), {
    group: 'verify',
    summary: 'whether a later tree only added to an earlier one (RFC 9162)',
    example: 'spendgate verify consistency --size1 1 --size2 2 --root1 HEX --root2 HEX --proof HEX',
    exits: '2 not valid; with --cases 0 whatever the results',
  });
}

function proofCommand(command: Command, kind: ProofKind): Command {
  const members = [...kind.sizes, ...kind.hashes].map((name) => `"${name}"`).join(', ');
  return command
    .argument('[file]', `instead of flags: JSON {${members}, "proof": […]}, or one case a line; - for standard input`)
    .option('--proof <hashes>', 'hashes of the proof from the leaf upwards, with commas between; empty: none')
    .addOption(casesOption(`{${members}, "proof": […]}`))
    .option('--json', 'the output is JSON in any case')
    .action((file: string | undefined, options: Options) => verifyProof(kind, file, options));
}

async function verifyProof(kind: ProofKind, file: string | undefined, options: Options): Promise<void> {
  if (options.cases !== undefined) return judgeCases(readInput(options.cases), kind.judge);
  const text = file === undefined ? undefined : readInput(file);
  if (text !== undefined && holdsCases(text)) return judgeCases(text, kind.judge);
  const result = text === undefined ? kind.judge(fromFlags(kind, options)) : await judgeText(text, kind.judge);
  printJson(result);
  if (!result.valid) process.exitCode = EXIT.denied;
}

function fromFlags({ sizes, hashes }: ProofKind, options: Options): Record<string, unknown> {
  const names = [...sizes, ...hashes];
  const missing = [...names, 'proof'].filter((name) => options[camel(name)] === undefined);
  if (missing.length > 0) {
    throw new StartError(
      `give a FILE, or the missing ${missing.map((name) => `--${name.replace('_', '-')}`).join(' ')}`,
    );
  }
  const proof = (options.proof ?? '').split(',').filter((hash) => hash !== '');
  return { ...Object.fromEntries(names.map((name) => [name, options[camel(name)]])), proof };
}

/** As commander names an option: `--leaf-index` is `leafIndex`. */
function camel(name: string): string {
  return name.replace(/_(.)/, (_match, letter: string) => letter.toUpperCase());
}
