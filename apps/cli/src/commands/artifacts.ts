import { isUuid } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import type { Command } from 'commander';
import { showAnswer } from '../answer.js';
import { clientFor, serviceUrl } from '../service.js';
import { KeyRing, keyFolder } from '../signing-keys.js';
import { parseTime } from '../times.js';
import { describeVerb } from '../verb.js';

interface Options {
  readonly as: string;
  readonly amount?: string;
  readonly maxCaptures?: string;
  readonly settleBy?: string;
  readonly keys?: string;
  readonly url?: string;
  readonly json?: boolean;
}

const EXAMPLE = 'spendgate artifacts renew ARTIFACT_ID --as demo-agent';

/** `spendgate artifacts renew`: a new artifact on the same hold. */
export function addArtifacts(program: Command): void {
  const artifacts = describeVerb(program.command('artifacts'), {
    group: 'spend',
    summary: 'renew an authorization artifact',
    example: EXAMPLE,
    exits: '2 refused',
  });
  const renew = artifacts
    .command('renew')
    .argument('<id>', 'artifact id; what no option names stays as it is')
    .requiredOption('--as <party>', 'its agent or its settlement service; signs with PARTY.jwk.json of the key folder')
    .option('--amount <value>', 'most that may be captured in all; decimal string in major units')
    .option('--max-captures <n>', 'not more than before')
    .option('--settle-by <time>', 'not later than before')
    .option('--keys <dir>', "folder of private keys; default: the demo domain's")
    .option('--url <url>', 'the service; default: this machine')
    .option('--json', 'one JSON object: the answer of the service')
    .action(renewOne);
  describeVerb(renew, {
    group: 'spend',
    summary: 'have it decided afresh: a new artifact for as much or less, the old one is revoked',
    example: EXAMPLE,
    exits: '2 refused, or not decided yet',
  });
}

async function renewOne(id: string, options: Options): Promise<void> {
  if (!isUuid(id)) throw new StartError(`"${id}" is no artifact id`);
  const { as, amount, maxCaptures, settleBy } = options;
  const signer = await new KeyRing(keyFolder(options.keys)).signerOf(as, 'agent'); // a service's key signs the same type
  const client = await clientFor(serviceUrl(options.url), as, signer);
  const answer = await client.renew(id, {
    ...(amount !== undefined && { value: amount }),
    ...(maxCaptures !== undefined && { maxCaptures: countOf(maxCaptures) }),
    ...(settleBy !== undefined && { settleBySeconds: Math.floor(parseTime(settleBy) / 1000) }),
  });
  if (answer.status === 404)
    throw new StartError(`no artifact ${id} is yours: renew it --as its agent or the settlement service it is for`);
  showAnswer(answer, options.json === true);
}

function countOf(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new StartError('--max-captures is a whole number from 1 on');
}
