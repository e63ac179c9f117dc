import fs from 'node:fs';
import { parseCheckpoint, parseNote } from '@spendgate/audit-log';
import type { SpendgateClient } from '@spendgate/client';
import {
  type AnyBundle,
  type Bundle,
  type BundleSettlement,
  type SettlementBundle,
  bundleSchema,
  canonicalize,
  incidentBundleSchema,
  rangeBundleSchema,
  settlementBundleSchema,
} from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import type { Command } from 'commander';
import { note, printLine, readInput } from '../output.js';
import { clientFor, serviceUrl } from '../service.js';
import { KeyRing, keyFolder } from '../signing-keys.js';
import { describeVerb } from '../verb.js';

interface Options {
  readonly agent?: string;
  readonly service?: string;
  readonly person?: string;
  readonly keys?: string;
  readonly url?: string;
  readonly logUrl?: string;
  readonly gateUrl?: string;
  readonly from?: string;
  readonly to?: string;
  readonly remember?: string;
  readonly out?: string;
}

/** Pages of a hundred settlements: more than a bundle holds. */
const PAGES_MAX = 10;

/** `spendgate report …`: everything that proves one thing, as one file (E4). */
export function addReport(program: Command): void {
  const report = describeVerb(program.command('report'), {
    group: 'operate',
    summary: 'export what proves something',
    example: 'spendgate report artifact ARTIFACT_ID --out bundle.json',
  });
  addPartyReport(report, 'artifact', exportArtifact, {
    summary: 'one file that proves an artifact, for `spendgate verify bundle`',
    example: 'spendgate report artifact ARTIFACT_ID --agent demo-agent --out bundle.json',
  });
  addPartyReport(report, 'settlement', exportSettlement, {
    summary: 'one file that proves what a settlement moved, and by which authority',
    example: 'spendgate report settlement SETTLEMENT_ID --service demo-settlement --out bundle.json',
  });
  const incident = report.command('incident').argument('<id>', 'incident id').action(exportIncident);
  withCommon(withPerson(incident));
  describeVerb(incident, {
    group: 'operate',
    summary: 'one file that proves how a flow was stopped, and by whom it went on or ended',
    example: 'spendgate report incident INCIDENT_ID --person ada --out bundle.json',
  });
  const range = report
    .command('range')
    .requiredOption('--from <time>', 'RFC 3339 in UTC')
    .requiredOption('--to <time>', 'RFC 3339 in UTC, not included; too much for one file: the refusal says how far')
    .action(exportRange);
  withCommon(withPerson(range));
  describeVerb(range, {
    group: 'operate',
    summary: 'one file with every leaf of a time, none missing, with counts and sums',
    example:
      'spendgate report range --from 2026-11-21T20:00:00Z --to 2026-11-21T20:05:00Z --person ada --out bundle.json',
  });
}

type Export = (id: string, options: Options) => Promise<void>;
type Described = Readonly<Record<'summary' | 'example', string>>;

function addPartyReport(report: Command, name: 'artifact' | 'settlement', action: Export, about: Described): void {
  const command = report
    .command(name)
    .argument('<id>', `${name} id`)
    .option('--agent <id>', 'read as the agent it was issued to; the default is demo-agent')
    .option('--service <id>', 'read as the settlement service that may present it, instead')
    .option('--url <url>', 'the authorizer, or the one port of `up`; default: this machine')
    .option('--gate-url <url>', 'the settlement gate, where it is served apart')
    .action(action);
  describeVerb(withCommon(command), { group: 'operate', ...about });
}

function withPerson(command: Command): Command {
  return command
    .requiredOption('--person <id>', 'read as this person: it shows the business of many')
    .option('--url <url>', 'the log, or the one port of `up`; default: this machine');
}

function withCommon(command: Command): Command {
  return command
    .option('--keys <dir>', "folder of the reader's private key; default: the demo domain's")
    .option('--log-url <url>', 'the log, where it is served apart')
    .option('--remember <note>', 'file with a checkpoint seen earlier: the bundle proves that the log continues it')
    .option('--out <file>', 'instead of standard output')
    .option('--json', 'the output is JSON in any case');
}

/** Who reads, at the log. */
async function logFor({ agent = 'demo-agent', service, person, keys, url, logUrl = url }: Options) {
  const [party, purpose] =
    person !== undefined
      ? ([person, 'person'] as const)
      : service === undefined
        ? ([agent, 'agent'] as const)
        : ([service, 'settlement'] as const);
  const signer = await new KeyRing(keyFolder(keys)).signerOf(party, purpose);
  return { log: await clientFor(serviceUrl(logUrl), party, signer), party, signer };
}

/** The log's evidence, with what only the authorizer and the gate can sign added to it. */
async function exportArtifact(id: string, options: Options): Promise<void> {
  const reader = await logFor(options);
  const path = `/v1/bundles/artifacts/${encodeURIComponent(id)}${remembered('?from', options)}`;
  const bundle = parsed(bundleSchema, await read(reader.log, path));
  await addSigned(bundle, id, reader, options);
  write(bundle, options);
}

async function exportSettlement(id: string, options: Options): Promise<void> {
  const reader = await logFor(options);
  const path = `/v1/bundles/settlements/${encodeURIComponent(id)}${remembered('?from', options)}`;
  const bundle = parsed(settlementBundleSchema, await read(reader.log, path));
  const { jti } = JSON.parse(bundle.proof.artifact.claims) as { jti: string }; // as: what the authorizer issued
  await addSigned(bundle, jti, reader, options);
  write(bundle, options);
}

async function exportIncident(id: string, options: Options): Promise<void> {
  const { log } = await logFor(options);
  const path = `/v1/bundles/incidents/${encodeURIComponent(id)}${remembered('?from', options)}`;
  write(parsed(incidentBundleSchema, await read(log, path)), options);
}

async function exportRange(options: Options): Promise<void> {
  const { log } = await logFor(options);
  const { from = '', to = '' } = options;
  const query = `from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}${remembered('&remembered', options)}`;
  write(parsed(rangeBundleSchema, await read(log, `/v1/bundles/ranges?${query}`)), options);
}

function remembered(name: string, { remember }: Options): string {
  return remember === undefined ? '' : `${name}=${rememberedSize(remember)}`;
}

/** @throws {StartError} */
function parsed<T>(schema: { safeParse(value: unknown): { success: boolean; data?: T } }, answer: unknown): T {
  const { data } = schema.safeParse(answer);
  if (data === undefined) throw new StartError('the log answered something else than a bundle: is it of this release?');
  return data;
}

function write(bundle: AnyBundle, { out }: Options): void {
  const text = canonicalize(bundle);
  if (out === undefined) return printLine(text);
  fs.writeFileSync(out, `${text}\n`, { mode: 0o600 }); // it shows what was bought, and for how much
  note(`${out}: ${bundle.lineage.leaves.length} leaves, checkpoint of ${bundle.synchronization.checkpoint.size}`);
}

type Reader = Awaited<ReturnType<typeof logFor>>;

/** The signed artifact and the signed receipts. */
async function addSigned(
  bundle: Bundle | SettlementBundle,
  artifactId: string,
  { party, signer }: Reader,
  { url, gateUrl = url }: Options,
): Promise<void> {
  const { proof } = bundle;
  const artifact = await read(await clientFor(serviceUrl(url), party, signer), `/v1/artifacts/${artifactId}`);
  if (typeof artifact['artifact'] === 'string') proof.artifact.token = artifact['artifact'];
  const decided = [...proof.settlements, ...('refused' in proof ? proof.refused : [])];
  if (decided.length > 0) await addReceipts(decided, artifactId, await clientFor(serviceUrl(gateUrl), party, signer));
}

/** Receipts by settlement and attempt, a page at a time. */
async function addReceipts(decided: BundleSettlement[], artifactId: string, gate: SpendgateClient): Promise<void> {
  const signed = new Map<string, string>();
  let cursor = '';
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const body = await read(gate, `/v1/settlements?artifact=${artifactId}${cursor}`);
    const rows = Array.isArray(body['settlements']) ? (body['settlements'] as Readonly<Record<string, unknown>>[]) : []; // as: the gate's answer
    for (const row of rows)
      signed.set(`${String(row['settlement_id'])}.${String(row['attempt'])}`, String(row['receipt']));
    const last = rows.at(-1);
    if (body['has_more'] !== true || last === undefined) break;
    cursor = `&cursor=${String(last['settlement_id'])}.${String(last['attempt'])}`;
  }
  for (const each of decided) each.receipt = signed.get(`${each.settlement_id}.${each.attempt}`) ?? null;
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
