import { randomUUID } from 'node:crypto';
import type { SpendgateClient } from '@spendgate/client';
import { type MandateClaim, mandateSchema } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import type { Command } from 'commander';
import { showAnswer } from '../answer.js';
import { clientFor, serviceUrl } from '../service.js';
import { KeyRing, keyFolder } from '../signing-keys.js';
import { parseTime } from '../times.js';
import { describeVerb } from '../verb.js';

interface Options {
  readonly as: string;
  readonly total?: string;
  readonly perTransaction?: string;
  readonly counterparty?: readonly string[];
  readonly until?: string;
  readonly levels?: string;
  readonly asVersion?: string;
  readonly keys?: string;
  readonly url?: string;
  readonly json?: boolean;
}

/** `spendgate mandates delegate|amend`: a version of a mandate, signed on this machine and recorded by the service. */
export function addSignedMandates(mandates: Command): void {
  const delegate = signing(mandates.command('delegate'))
    .argument('<parent>', 'mandate id it is cut from; what no option names is as there')
    .requiredOption('--agent <id>', 'who may spend')
    .option('--id <uuid>', 'its own id: name it to make a retry harmless; default: a new one')
    .action(delegateOne);
  describeVerb(delegate, {
    group: 'operate',
    summary: 'sign a narrower mandate below one, as its agent or its principal',
    example: 'spendgate mandates delegate PARENT --agent sub-agent --total 50.00 --as buyer',
    exits: '2 refused',
  });
  const amend = signing(mandates.command('amend'))
    .argument('<id>', 'mandate id')
    .option('--as-version <n>', 'which version this is to be: name it to make a retry harmless; default: the next one')
    .action(amendOne);
  describeVerb(amend, {
    group: 'operate',
    summary: 'sign the next version of a mandate; what no option names stays as it is',
    example: 'spendgate mandates amend ID --total 500.00 --as demo-principal',
    exits: '2 refused',
  });
}

function signing(command: Command): Command {
  return command
    .requiredOption('--as <party>', 'who signs, with PARTY.jwk.json of the key folder')
    .option('--total <value>', 'decimal string in major units')
    .option('--per-transaction <value>', 'decimal string in major units')
    .option('--counterparty <ids...>', 'who may be paid')
    .option('--until <time>', 'no decision at this time or later')
    .option('--levels <n>', 'how many levels below it agents may sign; 0: none')
    .option('--keys <dir>', "folder of private keys; default: the demo domain's")
    .option('--url <url>', 'the service; default: this machine')
    .option('--json', 'one JSON object: the answer of the service');
}

type Delegation = Options & { readonly agent: string; readonly id?: string };

async function delegateOne(parentId: string, options: Delegation): Promise<void> {
  const client = await clientOf(options);
  const parent = await grantOf(client, parentId);
  const { id = randomUUID(), agent } = options;
  const own = { id, version: 1, parent: parent.id, agent, depth: parent.depth + 1, delegation: null };
  // Its spends count against its parent's windows anyhow; a copy of them would only be a second sum to keep.
  const { currency, total, per_transaction } = parent.limits;
  const limits = { currency, total, per_transaction };
  await grant(client, changed({ ...parent, ...own, limits }, options), options);
}

async function amendOne(id: string, options: Options): Promise<void> {
  const client = await clientOf(options);
  const standing = await grantOf(client, id);
  await grant(client, changed({ ...standing, version: versionOf(options, standing) }, options), options);
}

/** Named, a version that stands already is signed again as it is: the service answers the same as before, or a conflict. */
function versionOf({ asVersion: version }: Options, standing: MandateClaim): number {
  if (version === undefined) return standing.version + 1;
  if (!/^[1-9]\d{0,8}$/.test(version))
    throw new StartError(`--as-version is a whole number from 1 on, not "${version}"`);
  return Number(version);
}

async function clientOf({ as, keys, url }: Options): Promise<SpendgateClient> {
  // A principal's key signs the same type; whose it is the registry knows.
  return clientFor(serviceUrl(url), as, await new KeyRing(keyFolder(keys)).signerOf(as, 'agent'));
}

/** The version in force, as the service shows it to who signs. */
async function grantOf(client: SpendgateClient, id: string): Promise<MandateClaim> {
  const { body } = await client.mandate(id);
  const levels: unknown = body['levels'];
  const level: unknown = Array.isArray(levels) ? levels.at(-1) : undefined;
  const read = mandateSchema.safeParse(typeof level === 'object' && level !== null && 'grant' in level && level.grant);
  if (!read.success || read.data.id !== id)
    throw new StartError(
      `no mandate ${id} is yours to read (${reasonOf(body)}): sign --as its agent, an agent above it, or its principal`,
    );
  return read.data;
}

function reasonOf(body: Readonly<Record<string, unknown>>): string {
  const { code = body['title'] } = body;
  return typeof code === 'string' ? code : 'no such mandate';
}

function changed(mandate: MandateClaim, options: Options): MandateClaim {
  const { total, perTransaction, counterparty, until, levels } = options;
  const { limits, validity } = mandate;
  const read = mandateSchema.safeParse({
    ...mandate,
    limits: {
      ...limits,
      total: total ?? limits.total,
      per_transaction: perTransaction ?? limits.per_transaction,
    },
    counterparties: counterparty ?? mandate.counterparties,
    validity: { ...validity, until: until === undefined ? validity.until : Math.floor(parseTime(until) / 1000) },
    delegation: levels === undefined ? mandate.delegation : levels === '0' ? null : { levels: Number(levels) },
  });
  if (read.success) return read.data;
  throw new StartError(`no mandate can say this: ${read.error.issues[0]?.path.join('.') ?? 'mandate'}`);
}

async function grant(client: SpendgateClient, mandate: MandateClaim, { json }: Options): Promise<void> {
  showAnswer(await client.grantMandate(mandate), json === true);
}
