import fs from 'node:fs';
import { parseCheckpoint, parseNote } from '@spendgate/audit-log';
import type { SpendgateClient } from '@spendgate/client';
import { type Bundle, bundleSchema, canonicalize } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import type { Command } from 'commander';
import { note, printLine, readInput } from '../output.js';
import { clientFor, serviceUrl } from '../service.js';
import { KeyRing, keyFolder } from '../signing-keys.js';
import { describeVerb } from '../verb.js';

interface Options {
  readonly agent?: string;
  readonly service?: string;
  readonly keys?: string;
  readonly url?: string;
  readonly logUrl?: string;
  readonly gateUrl?: string;
  readonly remember?: string;
  readonly out?: string;
}

/** Pages of a hundred settlements: more than a bundle holds. */
const PAGES_MAX = 10;

/** `spendgate report artifact ID`: everything that proves one artifact, as one file (E4). */
export function addReport(program: Command): void {
  const report = describeVerb(program.command('report'), {
    group: 'operate',
    summary: 'export what proves something',
    example: 'spendgate report artifact ARTIFACT_ID --out bundle.json',
  });
  const command = report
    .command('artifact')
    .argument('<id>', 'artifact id')
    .option('--agent <id>', 'read as the agent it was issued to; the default is demo-agent')
    .option('--service <id>', 'read as the settlement service that may present it, instead')
    .option('--keys <dir>', "folder of the reader's private key; default: the demo domain's")
    .option('--url <url>', 'the authorizer, or the one port of `up`; default: this machine')
    .option('--log-url <url>', 'the log, where it is served apart')
    .option('--gate-url <url>', 'the settlement gate, where it is served apart')
    .option('--remember <note>', 'file with a checkpoint seen earlier: the bundle proves that the log continues it')
    .option('--out <file>', 'instead of standard output')
    .option('--json', 'the output is JSON in any case')
    .action(exportArtifact);
  describeVerb(command, {
    group: 'operate',
    summary: 'one file that proves an artifact, for `spendgate verify bundle`',
    example: 'spendgate report artifact ARTIFACT_ID --agent demo-agent --out bundle.json',
  });
}

/** The log's evidence, with what only the authorizer and the gate can sign added to it. */
async function exportArtifact(id: string, options: Options): Promise<void> {
  const { agent = 'demo-agent', service, url, logUrl = url, gateUrl = url, out } = options;
  const [party, purpose] = service === undefined ? ([agent, 'agent'] as const) : ([service, 'settlement'] as const);
  const signer = await new KeyRing(keyFolder(options.keys)).signerOf(party, purpose);
  const log = await clientFor(serviceUrl(logUrl), party, signer);
  const from = options.remember === undefined ? '' : `?from=${rememberedSize(options.remember)}`;
  const parsed = bundleSchema.safeParse(await read(log, `/v1/bundles/artifacts/${encodeURIComponent(id)}${from}`));
  if (!parsed.success) throw new StartError('the log answered something else than a bundle: is it of this release?');
  const bundle = parsed.data;
  const artifact = await read(await clientFor(serviceUrl(url), party, signer), `/v1/artifacts/${id}`);
  if (typeof artifact['artifact'] === 'string') bundle.proof.artifact.token = artifact['artifact'];
  if (bundle.proof.settlements.length > 0) {
    await addReceipts(bundle, await clientFor(serviceUrl(gateUrl), party, signer));
  }
  const text = canonicalize(bundle);
  if (out === undefined) return printLine(text);
  fs.writeFileSync(out, `${text}\n`, { mode: 0o600 }); // it shows what was bought, and for how much
  note(`${out}: ${bundle.lineage.leaves.length} leaves, checkpoint of ${bundle.synchronization.checkpoint.size}`);
}

/** Receipts by settlement and attempt, a page at a time. */
async function addReceipts(bundle: Bundle, gate: SpendgateClient): Promise<void> {
  const signed = new Map<string, string>();
  let cursor = '';
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const body = await read(gate, `/v1/settlements?artifact=${bundle.subject.id}${cursor}`);
    const rows = Array.isArray(body['settlements']) ? (body['settlements'] as Readonly<Record<string, unknown>>[]) : []; // as: the gate's answer
    for (const row of rows)
      signed.set(`${String(row['settlement_id'])}.${String(row['attempt'])}`, String(row['receipt']));
    const last = rows.at(-1);
    if (body['has_more'] !== true || last === undefined) break;
    cursor = `&cursor=${String(last['settlement_id'])}.${String(last['attempt'])}`;
  }
  for (const each of bundle.proof.settlements) {
    each.receipt = signed.get(`${each.settlement_id}.${each.attempt}`) ?? null;
  }
}

/** @throws {StartError} with what the service said */
async function read(client: SpendgateClient, path: string): Promise<Readonly<Record<string, unknown>>> {
  const { status, body } = await client.get(path);
  if (status === 200) return body;
  const said = [body['detail'], body['code'], body['title']].find((each) => typeof each === 'string') ?? '';
  throw new StartError(`${path}: HTTP ${status} ${said}${status === 503 ? ', in a second' : ''}`);
}

/** @throws {StartError} the file is no checkpoint */
function rememberedSize(file: string): number {
  const parsed = parseNote(readInput(file));
  const checkpoint = parsed === 'note_malformed' ? undefined : parseCheckpoint(parsed.text);
  if (checkpoint === undefined) throw new StartError(`${file} is no signed checkpoint: fetch one from /checkpoint`);
  return checkpoint.size;
}
