import { sha256 } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import { type IncidentRow, readProposal } from '@spendgate/store';
import type { Command } from 'commander';
import fs from 'node:fs';
import { type ActOptions, actOptions, signAndTake } from '../ops/sign-and-take.js';
import { note } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { describeVerb } from '../verb.js';
import { addIncidentReads, foundIncident } from './read-incidents.js';

/** Acts that need nothing but the incident. */
const PLAIN = {
  assign: 'take it: you are who works on it',
  note: 'write down what is known; --reason is the note',
  escalate: 'call others in',
  recover: 'begin its recovery (phase 7): from here on you answer for it',
} as const;

interface Options extends ActOptions {
  readonly cause?: string[];
  readonly document?: string;
}

/** `spendgate incidents`: what stopped, why, and how it goes on or ends. Every act is signed on this machine. */
export function addIncidents(program: Command): void {
  const incidents = describeVerb(program.command('incidents'), {
    group: 'operate',
    summary: 'list and show contained flows; clear causes, recover, revalidate or revoke them',
    example: 'spendgate incidents list',
  });
  addIncidentReads(incidents);
  for (const [name, summary] of Object.entries(PLAIN)) {
    addAct(incidents, name, summary, (incident, options) => act(name, incident, options));
  }
  addAct(
    incidents,
    'evidence',
    'add a document by its SHA-256; the document stays with you',
    async (incident, options) => act('evidence', incident, options, { change_hash: documentHash(options) }),
    (command) => command.requiredOption('--document <file>', 'what shows it'),
  );
  addAct(
    incidents,
    'clear',
    'clear causes, each on the evidence its kind asks for',
    async (incident, options) =>
      act('clear_cause', incident, options, { causes: options.cause ?? [], change_hash: documentHash(options) }),
    (command) =>
      command
        .requiredOption('--cause <kind...>', 'policy, environment, settlement, …: see `incidents show`')
        .option('--document <file>', 'what shows it, where the cause asks for a document'),
  );
  addAct(incidents, 'revalidate', 'let the flow begin anew with a new baseline; another person approves', revalidate);
  addAct(
    incidents,
    'revoke',
    'end the flow for good, with all under it; another person approves',
    (incident, options) => act('revoke_flow', incident, options),
  );
}

function addAct(
  incidents: Command,
  name: string,
  summary: string,
  action: (incident: IncidentRow, options: Options) => Promise<void>,
  extend: (command: Command) => Command = (command) => command,
): void {
  const command = extend(actOptions(incidents.command(name)).argument('<incident>', 'incident id')).action(
    async (id: string, options: Options) => action(await foundIncident(id), options),
  );
  describeVerb(command, {
    group: 'operate',
    summary,
    example: `spendgate incidents ${name} INCIDENT --as ada --reason 'looked at it'`,
    exits: '2 refused',
  });
}

/** The version a person saw is signed with the act: when the incident has moved on, nothing is done. */
function act(
  action: string,
  { id, version }: IncidentRow,
  options: Options,
  details: Parameters<typeof signAndTake>[3] = {},
): Promise<void> {
  return signAndTake(action, [{ kind: 'incident', id, version }], options, details);
}

async function revalidate(incident: IncidentRow, options: Options): Promise<void> {
  const proposal = await withDatabase((pool) => readProposal(pool, incident.flowId));
  if (proposal === undefined) throw new StartError(`the mandate of flow ${incident.flowId} cannot be read`);
  note(`new baseline: ${proposal.text}`);
  await act('revalidate', incident, options, { change_hash: proposal.hash });
}

function documentHash({ document }: Options): string | null {
  return document === undefined ? null : sha256(fs.readFileSync(document)).toString('base64url');
}
