import { StartError } from '@spendgate/platform';
import { readLineage } from '@spendgate/store';
import { lineageBody } from '@spendgate/transparency-log';
import type { Command } from 'commander';
import { note, printJson, printLine } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { describeVerb } from '../verb.js';

interface Options {
  readonly down?: boolean;
  readonly limit: string;
  readonly before?: string;
  readonly json?: boolean;
}

const LIMIT_MAX = 200;

/** `spendgate lineage ID`: from any id to its root, or to all that came of it. */
export function addLineage(program: Command): void {
  const command = program
    .command('lineage')
    .argument('<id>', 'of a mandate, intent, decision, artifact, settlement, outcome, incident, policy, key or party')
    .option('--down', 'to what came of it, instead of to the root')
    .option('--limit <count>', 'decisions at most, with --down', '50')
    .option('--before <place>', 'where an earlier page ended: its "next"')
    .option('--json', 'one JSON object, as `GET /v1/lineage/{id}` answers')
    .action(showLineage);
  describeVerb(command, {
    group: 'operate',
    summary: 'from any id to its root or its descendants, each with its leaf in the log',
    example: 'spendgate lineage ARTIFACT_ID\n  spendgate lineage MANDATE_ID --down --json',
  });
}

async function showLineage(
  id: string,
  { down = false, limit: text, before: place, json = false }: Options,
): Promise<void> {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) throw new StartError(`--limit: 1 to ${LIMIT_MAX}`);
  const before = place === undefined ? null : placeOf(place);
  const direction = down ? 'down' : 'up';
  const found = await withDatabase((pool) => readLineage(pool, id, { direction, before, limit }));
  if (found === undefined) throw new StartError(`nothing in this domain has the id ${id}`);
  const body = lineageBody(found, direction);
  const next = found.next === null ? null : `${found.next.decisionId}/${found.next.flowId}`;
  if (json) return printJson({ ...body, next });
  const width = Math.max(...body.nodes.map(({ kind }) => kind.length));
  for (const node of body.nodes) {
    const name = `${node.kind}/${node.id}`;
    printLine(`${node.kind.padEnd(width)}  ${node.id}  ${node.leaf_index === null ? '-' : `leaf ${node.leaf_index}`}`);
    for (const { effect, relation, cause } of body.edges) {
      if (effect === name) printLine(`${''.padEnd(width)}    ${relation} ← ${cause}`);
    }
  }
  if (body.truncated) note('more than a page holds were left out: ask for one of the ids shown');
  if (next !== null) note(`older: --before ${next}`);
}

const PLACE = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

function placeOf(text: string): { decisionId: string; flowId: string } {
  const [, decisionId, flowId] = PLACE.exec(text) ?? [];
  if (decisionId === undefined || flowId === undefined) throw new StartError('--before: the "next" of a page');
  return { decisionId, flowId };
}
