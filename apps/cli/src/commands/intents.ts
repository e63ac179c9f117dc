import { SpendgateClient } from '@spendgate/client';
import type { Command } from 'commander';
import { ProgressBar, note, printJson, printRows, readInput } from '../output.js';
import { runBounded } from '../publish/bounded.js';
import { type IntentResult, Tally, intentResult } from '../publish/intent-result.js';
import { type IntentLine, readIntentLines } from '../publish/plain-intents.js';
import { publishOnKafka } from '../publish/publish-on-kafka.js';
import { discoverIssuer, serviceUrl } from '../service.js';
import { KeyRing, keyFolder } from '../signing-keys.js';
import { describeVerb } from '../verb.js';

/** Requests under way at once: enough that the owner always finds a full batch waiting. */
const AT_ONCE = 256;
const WAIT_SECONDS = 30;

interface Options {
  readonly keys?: string;
  readonly url?: string;
  readonly wait?: boolean;
  readonly json?: boolean;
}

/** `spendgate intents publish FILE`: signs each line with its agent's key and hands it in. */
export function addIntents(program: Command): void {
  const intents = describeVerb(program.command('intents'), {
    group: 'spend',
    summary: 'publish payment intents',
    example: 'spendgate intents publish examples/cdnow/sample-5000.jsonl --wait',
  });
  const publish = intents
    .command('publish')
    .argument('<file>', 'plain intents as JSON Lines; - for standard input')
    .option('--keys <dir>', "folder of the agents' private keys; default: the demo domain's")
    .option('--url <url>', 'the service; default: this machine')
    .option('--wait', 'wait for each decision and print {jti, outcome, code, artifact_id, artifact} as JSON Lines')
    .option('--json', 'the summary as JSON Lines')
    .action(publishFile);
  describeVerb(publish, {
    group: 'spend',
    summary: 'sign each intent with its agent’s key and publish it',
    example: 'spendgate intents publish examples/demo/intents.jsonl --wait | jq .code',
  });
}

async function publishFile(file: string, options: Options): Promise<void> {
  const lines = readIntentLines(readInput(file), file);
  const url = serviceUrl(options.url);
  const ring = new KeyRing(keyFolder(options.keys));
  const issuer = await discoverIssuer(url);
  const clients = new Map<string, Promise<SpendgateClient>>();
  const clientOf = (agent: string): Promise<SpendgateClient> => {
    const known = clients.get(agent);
    if (known !== undefined) return known;
    const made = ring
      .signerOf(agent, 'agent')
      .then((signer) => new SpendgateClient({ url, issuer, party: agent, signer }));
    clients.set(agent, made);
    return made;
  };
  const progress = new ProgressBar(options.wait === true ? 'decided' : 'published', lines.length);
  const tally = new Tally();
  const onResult = (result: IntentResult, index: number): void => {
    tally.add(result);
    progress.update(index + 1);
    if (options.wait === true) printJson(result);
  };
  const onKafka = process.env.SPENDGATE_KAFKA_BROKERS !== undefined;
  if (onKafka) await publishOnKafka(lines, clientOf, options.wait === true ? WAIT_SECONDS : 0, onResult);
  else await runBounded(lines, AT_ONCE, (line) => publishOverHttp(line, clientOf, options.wait === true), onResult);
  progress.finish();
  if (options.wait !== true) printRows(tally.rows(), options.json ?? false);
  else
    note(
      tally
        .rows()
        .map(({ outcome, count }) => `${count} ${outcome}`)
        .join(', '),
    );
}

async function publishOverHttp(
  { agent, ...intent }: IntentLine,
  clientOf: (agent: string) => Promise<SpendgateClient>,
  wait: boolean,
): Promise<IntentResult> {
  const client = await clientOf(agent);
  return intentResult(intent.jti, await client.requestPayment(intent, wait ? WAIT_SECONDS : 0));
}
