import { isUuid } from '@spendgate/codec';
import { STREAMS } from '@spendgate/core';
import { StartError } from '@spendgate/platform';
import { learnFrom, profileTarget, readProposal } from '@spendgate/store';
import type { Command } from 'commander';
import { type ActOptions, actOptions, signAndTake } from '../ops/sign-and-take.js';
import { note } from '../output.js';
import { withDatabase } from '../runtime/open-database.js';
import { parseTime } from '../times.js';
import { describeVerb } from '../verb.js';

interface Options extends ActOptions {
  readonly from: string;
  readonly to: string;
}

/** `spendgate flows learn`: what a flow is measured against, learned from what it did, frozen by two people. */
export function addFlowsLearn(flows: Command): void {
  const learn = actOptions(flows.command('learn').argument('<flow>', 'flow id, which is its mandate id'))
    .requiredOption('--from <time>', 'begin of the time it is learned from')
    .requiredOption('--to <time>', 'its end; what came then is not in it')
    .action(learnAndSign);
  describeVerb(learn, {
    group: 'operate',
    summary: 'learn the spending profile of a flow from its past; another person approves the new baseline',
    example: "spendgate flows learn FLOW --from 2026-10-01 --to 2026-11-01 --as ada --reason 'a usual month'",
    exits: '2 refused',
  });
}

async function learnAndSign(flowId: string, options: Options): Promise<void> {
  if (!isUuid(flowId)) throw new StartError(`there is no flow ${flowId}`);
  const window = { flowId, from: seconds(options.from), to: seconds(options.to) };
  const learned = await withDatabase((pool) => learnFrom(pool, window));
  if (!learned.ok) throw new StartError(`nothing learned: ${learned.problem}`);
  const { profile, events } = learned;
  const proposal = await withDatabase((pool) => readProposal(pool, flowId, profile));
  if (proposal === undefined) throw new StartError(`the mandate of flow ${flowId} cannot be read`);
  const own = STREAMS.filter((stream) => profile.streams[stream].pooled.basis === 'learned');
  note(`learned from ${events} intents: ${own.join(', ')}; the rest stays as declared`);
  note(`new baseline: ${proposal.hash}`);
  const target = { kind: 'profile', id: profileTarget(window), version: null };
  await signAndTake('learn_profile', [target], options, { change_hash: proposal.hash });
}

function seconds(text: string): number {
  return Math.floor(parseTime(text) / 1_000);
}
