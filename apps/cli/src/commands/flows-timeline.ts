import { isUuid } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import { readTimeline } from '@spendgate/transparency-log';
import type { Command } from 'commander';
import { note, printJson, printLine, printRows } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { describeVerb } from '../verb.js';

const STEPS_USUAL = 100;
const STEPS_MAX = 500;

interface TimelineOptions {
  readonly limit: string;
  readonly after?: string;
  readonly json?: boolean;
}

/** `spendgate flows timeline`: how a flow came to where it stands. */
export function addFlowsTimeline(flows: Command): void {
  const timeline = flows
    .command('timeline')
    .argument('<flow>', 'flow id, which is its mandate id')
    .option('--limit <count>', 'steps at most', String(STEPS_USUAL))
    .option('--after <place>', 'where an earlier page ended: its "next"')
    .option('--json', 'one JSON object, as `GET /v1/flows/{id}/timeline` answers')
    .action(showTimeline);
  describeVerb(timeline, {
    group: 'operate',
    summary: 'the six phases of continuous trust, and each step with its leaf in the log',
    example: 'spendgate flows timeline FLOW --json',
  });
}

async function showTimeline(id: string, { limit: text, after: place, json = false }: TimelineOptions): Promise<void> {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > STEPS_MAX) throw new StartError(`--limit: 1 to ${STEPS_MAX}`);
  const [, size, part] = /^(\d{1,15})\/(\d{1,15})$/.exec(place ?? '') ?? [];
  if (place !== undefined && part === undefined) throw new StartError('--after: the "next" of a page');
  const after = part === undefined ? null : { size: Number(size), part: Number(part) };
  const found = isUuid(id) ? await withDatabase((pool) => readTimeline(pool, id, after, limit)) : undefined;
  if (found === undefined) throw new StartError(`there is no flow ${id}, or nothing of it is under a signed head yet`);
  const next = found.next === null ? null : `${found.next.size}/${found.next.part}`;
  if (json) return printJson({ flow: id, ...found, next });
  const phases = found.phases.map(({ phase, reached, first, latest }) => {
    return { phase, reached, first_leaf: first?.leaf_index ?? null, latest_leaf: latest?.leaf_index ?? null };
  });
  printRows(phases, false);
  printLine('');
  const steps = found.steps.map(
    ({ time_ms: at, phase, phase_name: name, state, event, trust_phase, leaf_index: leaf }) => {
      return { time: new Date(at).toISOString(), phase: `${phase} ${name}`, state, event, trust_phase, leaf };
    },
  );
  printRows(steps, false);
  if (found.truncated) note('there are more acts on this flow than are looked at');
  if (next !== null) note(`later: --after ${next}`);
}
