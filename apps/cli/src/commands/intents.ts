import { SpendgateClient } from '@spendgate/client';
import { MESSAGING_SETTINGS, openKafkaPublisher } from '@spendgate/messaging';
import { type Environment, Logger, readSettings } from '@spendgate/platform';
import type { Command } from 'commander';
import { ProgressBar, note, printJson, printRows, readInput } from '../output.js';
import { runBounded } from '../publish/bounded.js';
import { type IntentResult, Tally } from '../publish/intent-result.js';
import { type IntentLine, readIntentLines } from '../publish/plain-intents.js';
import { publishOnKafka } from '../publish/publish-on-kafka.js';
import { publishOverHttp } from '../publish/publish-over-http.js';
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
  const wait = options.wait === true;
  const clientOf = await clientsOf(serviceUrl(options.url), options.keys);
  const progress = new ProgressBar(wait ? 'decided' : 'published', lines.length);
  const tally = new Tally();
  const onResult = (result: IntentResult, index: number): void => {
    tally.add(result);
    progress.update(index + 1);
    if (wait) printJson(result);
  };
  await publishLines(lines, clientOf, wait ? WAIT_SECONDS : 0, onResult);
  progress.finish();
  if (wait)
    note(
      tally
        .rows()
        .map(({ outcome, count }) => `${count} ${outcome}`)
        .join(', '),
    );
  else printRows(tally.rows(), options.json ?? false);
}

/** Straight to Kafka when the roles read from there, else through the HTTP door, which appends for the caller. */
async function publishLines(
  lines: readonly IntentLine[],
  clientOf: ClientOf,
  waitSeconds: number,
  onResult: (result: IntentResult, index: number) => void,
): Promise<void> {
  const { SPENDGATE_KAFKA_BROKERS: brokers, ...settings } = readSettings(MESSAGING_SETTINGS, ownSettings(process.env));
  if (brokers === undefined) {
    const publish = async (line: IntentLine): Promise<IntentResult> =>
      publishOverHttp(await clientOf(line.agent), line, waitSeconds);
    return runBounded(lines, AT_ONCE, publish, onResult);
  }
  const logger = Logger.create({ level: 'error', role: 'publish' });
  const publisher = openKafkaPublisher(
    { ...settings, SPENDGATE_KAFKA_BROKERS: brokers },
    settings.SPENDGATE_TOPIC_PREFIX,
    logger,
  );
  try {
    await publishOnKafka(publisher, lines, clientOf, waitSeconds, onResult);
  } finally {
    await publisher.stop();
  }
}

/** The messaging table alone is read here: an agent's machine need not know the services' settings. */
function ownSettings(environment: NodeJS.ProcessEnv): Environment {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) => name.replace(/_FILE$/, '') in MESSAGING_SETTINGS || name in MESSAGING_SETTINGS,
    ),
  );
}

type ClientOf = (agent: string) => Promise<SpendgateClient>;

/** One client per agent, each made at its first intent. */
async function clientsOf(url: string, keys: string | undefined): Promise<ClientOf> {
  const ring = new KeyRing(keyFolder(keys));
  const issuer = await discoverIssuer(url);
  const clients = new Map<string, Promise<SpendgateClient>>();
  return (agent) => {
    const client =
      clients.get(agent) ??
      ring.signerOf(agent, 'agent').then((signer) => new SpendgateClient({ url, issuer, party: agent, signer }));
    clients.set(agent, client);
    return client;
  };
}
