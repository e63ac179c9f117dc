import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import { StartError } from '@spendgate/platform';
import { Option, type Command } from 'commander';
import { showAnswer } from '../answer.js';
import { note } from '../output.js';
import { clientFor, serviceUrl } from '../service.js';
import { KeyRing, keyFolder } from '../signing-keys.js';
import { describeVerb } from '../verb.js';

interface Options {
  readonly as: string;
  readonly validSeconds: string;
  readonly contraindicated?: boolean;
  readonly keys?: string;
  readonly url?: string;
  readonly json?: boolean;
}

const SECONDS_MAX = 86_400;
const NONCE_BYTES = 16;
/** RFC 9711 §4.2.1: type RAND, 128 bits. */
const UEID_RAND = Buffer.from([1]);
const UEID_BYTES = 16;

/** `spendgate attest AGENT FILE...`: the software attester. Low assurance: it says what files are, not what runs. */
export function addAttest(program: Command): void {
  const attest = program
    .command('attest')
    .argument('<agent>', 'whose runtime')
    .argument('<files...>', 'what is measured: SHA-256 of what `sha256sum FILES` prints, names as given')
    .requiredOption('--as <attester>', 'who vouches; signs with ATTESTER.jwk.json of the key folder')
    .addOption(new Option('--valid-seconds <n>', `how long it vouches, at most ${SECONDS_MAX}`).default('300'))
    .option('--contraindicated', 'say that this runtime is compromised')
    .option('--keys <dir>', "folder of private keys; default: the demo domain's")
    .option('--url <url>', 'the service; default: this machine')
    .option('--json', 'one JSON object: the answer of the service, and `assurance`')
    .action(attestNow);
  describeVerb(attest, {
    group: 'operate',
    summary: 'LOW ASSURANCE software attester: measure files, sign and hand in the result',
    example: 'spendgate attest demo-agent examples/demo/intents.jsonl --as demo-attester',
    exits: '2 refused, or not judged yet',
  });
}

async function attestNow(agent: string, files: readonly string[], options: Options): Promise<void> {
  const validSeconds = Number(options.validSeconds);
  if (!Number.isInteger(validSeconds) || validSeconds < 1 || validSeconds > SECONDS_MAX)
    throw new StartError(`--valid-seconds is a whole number from 1 to ${SECONDS_MAX}`);
  const evidence = files.map(lineOf).join('');
  const digest = createHash('sha256').update(evidence).digest();
  const measurement = `sha256:${digest.toString('hex')}`;
  note(`${evidence}measurement ${measurement}\nlow assurance: files were read, the running program was not`);
  const signer = await new KeyRing(keyFolder(options.keys)).signerOf(options.as, 'attester');
  const client = await clientFor(serviceUrl(options.url), options.as, signer);
  const answer = await client.reportObservation({
    sub: agent,
    eat_nonce: randomBytes(NONCE_BYTES).toString('base64url'),
    ueid: instanceOf(agent),
    measurements: [measurement],
    // Told, not observed: nothing here looks into a running process.
    dbgstat: 'disabled',
    'ear.status': options.contraindicated === true ? 'contraindicated' : 'warning',
    evidence_hash: digest.toString('base64url'),
    validSeconds,
  });
  showAnswer({ ...answer, body: { ...answer.body, assurance: 'low' } }, options.json === true);
}

/** One line of `sha256sum`, so that anybody can recompute the measurement. */
function lineOf(file: string): string {
  if (/[\\\r\n]/.test(file)) throw new StartError('sha256sum would escape this file name; measure it by another one');
  return `${createHash('sha256').update(fs.readFileSync(file)).digest('hex')}  ${file}\n`;
}

/** The same for one agent on one machine. */
function instanceOf(agent: string): string {
  const name = createHash('sha256')
    .update(JSON.stringify([os.hostname(), agent]))
    .digest();
  return Buffer.concat([UEID_RAND, name.subarray(0, UEID_BYTES)]).toString('base64url');
}
