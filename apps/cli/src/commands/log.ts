import { logAcceptanceHash } from '@spendgate/codec';
import { whyNotAcceptLog } from '@spendgate/core';
import { StartError } from '@spendgate/platform';
import { type LogStanding, readLogStanding } from '@spendgate/store';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { type ActOptions, actOptions, signAndTake } from '../ops/sign-and-take.js';
import { note, printJson, printRecord } from '../output.js';
import { chooseIssuer } from '../runtime/issuer.js';
import { withDatabase } from '../runtime/open-database.js';
import { readProcessSettings } from '../runtime/read-process-settings.js';
import { ROLE_NAMES } from '../runtime/roles.js';
import { describeVerb } from '../verb.js';

interface Options extends ActOptions {
  readonly dryRun?: boolean;
}

/** `spendgate log accept`: people stand in for witnesses that are silent, for one start. */
export function addLog(program: Command): void {
  const log = describeVerb(program.command('log'), {
    group: 'operate',
    summary: 'accept the log as it stands while its witnesses are silent',
    example: "spendgate log accept --as ada --reason 'the auditor moves house' --dry-run",
  });
  const accept = actOptions(log.command('accept'))
    .option('--dry-run', 'show what would be accepted, and sign nothing')
    .action(acceptLog);
  describeVerb(accept, {
    group: 'operate',
    summary: 'ask to start without witnesses that are silent, once; another person approves it. Shows the log first',
    example: "spendgate log accept --as ada --reason 'the auditor moves house'",
    exits: '2 it cannot be accepted',
  });
}

async function acceptLog(options: Options): Promise<void> {
  const standing = await withDatabase(readLogStanding);
  if (standing === undefined) throw new StartError('there is no log: run spendgate migrate');
  const problem = whyNotAcceptLog(standing);
  show(standing, problem, options);
  if (problem !== null) process.exitCode = EXIT.denied;
  if (problem !== null || options.dryRun === true) return;
  const issuer = chooseIssuer(readProcessSettings(ROLE_NAMES));
  const target = { kind: 'domain', id: issuer, version: null };
  await signAndTake('accept_log', [target], options, { change_hash: logAcceptanceHash(standing) });
}

/** Compare size and root with what somebody outside remembers: `spendgate verify log … --remember` saved it. */
function show(standing: LogStanding, problem: string | null, { dryRun = false, json = false }: Options): void {
  const { epoch, isRunning, size, root, signedAtMs, answers } = standing;
  const shown = {
    size,
    root: root.toString('base64'),
    signed_at: new Date(signedAtMs).toISOString(),
    epoch: String(epoch),
    log_process: isRunning ? 'runs' : 'the next one',
    silent: answers?.silent ?? [],
    problem,
  };
  if (dryRun && json) printJson(shown);
  else if (dryRun) printRecord(shown);
  else {
    note(`${size} leaves, root ${shown.root}, signed ${shown.signed_at}; epoch ${shown.epoch} (${shown.log_process})`);
    if (problem === null) note(`silent: ${shown.silent.join(', ')}`);
    else note(`refused: ${problem}`);
  }
}
