import fs from 'node:fs';
import { type Answer, type OutcomeReport, type SettlementAct, SpendgateClient } from '@spendgate/client';
import { isUuid } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { printJson, readInput } from '../output.js';
import { clientFor, serviceUrl } from '../service.js';
import { KeyRing, keyFolder } from '../signing-keys.js';
import { describeVerb } from '../verb.js';
import { addReconcile } from './reconcile.js';
import { addCases } from './settlement-cases.js';

interface Common {
  readonly service: string;
  readonly keys?: string;
  readonly url?: string;
}

interface ActOptions extends Common {
  readonly amount: string;
  readonly captureId: string;
  readonly refundId: string;
  readonly voidId: string;
  readonly final?: boolean;
}

const OUTCOMES = ['completed', 'failed', 'unknown', 'reversed', 'charged_back'] as const;
const ARTIFACT = 'artifact id, file with the signed artifact, or - for standard input';

/** `spendgate settlements …`: the settlement service's side from a terminal. Ids are retry keys: repeat them to retry. */
export function addSettlements(program: Command): void {
  const settlements = describeVerb(program.command('settlements'), {
    group: 'spend',
    summary: 'capture, void, refund, report outcomes, reconcile',
    example: 'spendgate settlements capture ARTIFACT_ID --amount 12.50',
    exits: '2 denied',
  });
  addCapture(settlements);
  addVoid(settlements);
  addRefund(settlements);
  addOutcome(settlements);
  addReconcile(settlements);
  addCases(settlements);
}

function addCapture(settlements: Command): void {
  const command = common(settlements.command('capture'))
    .requiredOption('--amount <value>', 'decimal string in major units, for example 12.50')
    .option('--capture-id <id>', 'retry key', 'capture-1')
    .option('--final', 'release what is left afterwards')
    .action((artifact: string, options: ActOptions) =>
      settle(artifact, options, {
        action: 'capture',
        captureId: options.captureId,
        value: options.amount,
        ...(options.final === true && { final: true }),
      }),
    );
  describe(command, 'draw on an artifact', 'spendgate settlements capture ARTIFACT_ID --amount 12.50');
}

function addVoid(settlements: Command): void {
  const command = common(settlements.command('void'))
    .option('--void-id <id>', 'retry key', 'void-1')
    .action((artifact: string, options: ActOptions) =>
      settle(artifact, options, { action: 'void', voidId: options.voidId }),
    );
  describe(command, 'give the whole hold back', 'spendgate settlements void ARTIFACT_ID');
}

function addRefund(settlements: Command): void {
  const command = common(settlements.command('refund'))
    .requiredOption('--amount <value>', 'decimal string in major units')
    .option('--capture-id <id>', 'the capture to refund', 'capture-1')
    .option('--refund-id <id>', 'retry key', 'refund-1')
    .action((artifact: string, { captureId, refundId, amount, ...options }: ActOptions) =>
      settle(artifact, options, { action: 'refund', captureId, refundId, value: amount }),
    );
  describe(command, 'pay a capture back', 'spendgate settlements refund ARTIFACT_ID --amount 2.50');
}

function addOutcome(settlements: Command): void {
  const command = common(settlements.command('outcome'))
    .requiredOption('--amount <value>', 'decimal string in major units')
    .requiredOption('--outcome <outcome>', OUTCOMES.join(', '))
    .option('--capture-id <id>', 'the capture reported on', 'capture-1')
    .option('--refund-id <id>', 'the refund reported on, instead of a capture')
    .option('--rail-reference <text>', "the rail's own reference")
    .action(async (artifact: string, options: ActOptions & { outcome: string; railReference?: string }) => {
      const outcome = OUTCOMES.find((each) => each === options.outcome);
      if (outcome === undefined) throw new StartError(`--outcome is one of ${OUTCOMES.join(', ')}`);
      const { captureId, refundId, railReference } = options as Partial<ActOptions> & { railReference?: string };
      const report: OutcomeReport = {
        of: refundId === undefined ? { captureId: captureId ?? 'capture-1' } : { refundId },
        outcome,
        value: options.amount,
        ...(railReference !== undefined && { railReference }),
        occurredAtSeconds: Math.floor(Date.now() / 1000),
      };
      const client = await clientOf(options);
      show(await client.reportOutcome(await artifactText(client, artifact), report));
    });
  const example = 'spendgate settlements outcome ARTIFACT_ID --amount 12.50 --outcome completed';
  describe(command, 'tell what became of a capture or refund', example);
}

function describe(command: Command, summary: string, example: string): void {
  describeVerb(command, { group: 'spend', summary, example, exits: '2 denied' });
}

function common(command: Command): Command {
  return command
    .argument('<artifact>', ARTIFACT)
    .option('--service <id>', 'the settlement service that presents it', 'demo-settlement')
    .option('--keys <dir>', "folder of the service's private key; default: the demo domain's")
    .option('--url <url>', 'the service; default: this machine')
    .option('--json', 'the output is JSON in any case');
}

async function clientOf({ service, keys, url }: Common): Promise<SpendgateClient> {
  return clientFor(serviceUrl(url), service, await new KeyRing(keyFolder(keys)).signerOf(service, 'settlement'));
}

async function settle(artifact: string, options: Common, act: SettlementAct): Promise<void> {
  const client = await clientOf(options);
  show(await client.settle(await artifactText(client, artifact), act));
}

/** The signed artifact itself, fetched by its id when an id is given. */
async function artifactText(client: SpendgateClient, artifact: string): Promise<string> {
  if (!isUuid(artifact)) return artifact === '-' || fs.existsSync(artifact) ? readInput(artifact).trim() : artifact;
  const { status, body } = await client.artifact(artifact);
  if (typeof body.artifact === 'string') return body.artifact;
  throw new StartError(`artifact ${artifact} cannot be read by this service (HTTP ${status})`);
}

function show({ status, body, replayed }: Answer): void {
  printJson(replayed ? { ...body, replayed } : body);
  if (status >= 400) process.exitCode = EXIT.denied;
}
