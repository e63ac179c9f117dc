import { isUuid } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import { type IntentStanding, readIntentStanding } from '@spendgate/store';
import type { Command } from 'commander';
import { signAct } from '../apply/person.js';
import { EXIT } from '../exit-codes.js';
import { note, printJson, printRecord } from '../output.js';
import { chooseIssuer } from '../runtime/issuer.js';
import { withDatabase } from '../runtime/open-database.js';
import { readProcessSettings } from '../runtime/read-process-settings.js';
import { ROLE_NAMES } from '../runtime/roles.js';
import { postAnswer, serviceUrl } from '../service.js';
import { keyFolder, personFrom } from '../signing-keys.js';
import { describeVerb } from '../verb.js';

interface Options {
  readonly as: string;
  readonly reason: string;
  readonly keys?: string;
  readonly url?: string;
  readonly json?: boolean;
}

/** The act is of this moment: a signature that is not sent at once is soon worth nothing. */
const LIFETIME_SECONDS = 300;

const ANSWERS = {
  approve: { action: 'approve_intent', outcome: 'authorized', done: 'approved' },
  refuse: { action: 'refuse_intent', outcome: 'denied', done: 'refused' },
} as const;
type Answer = keyof typeof ANSWERS;

/** `spendgate decisions approve|refuse INTENT`: a person's word on an intent that waits, signed on this machine. */
export function addAnswers(decisions: Command): void {
  for (const answer of ['approve', 'refuse'] as const) {
    const command = decisions
      .command(answer)
      .argument('<intent>', 'intent id, see `decisions parked`')
      .requiredOption('--as <person>', 'an approver; signs with PERSON.jwk.json of the key folder')
      .option('--reason <text>', 'why, in words; kept for auditors', `${ANSWERS[answer].done} at the command line`)
      .option('--keys <dir>', "folder of private keys; default: the demo domain's")
      .option('--url <url>', 'the service; default: this machine')
      .option('--json', 'one JSON object: the answer of the service')
      .action((intent: string, options: Options) => say(answer, intent, options));
    describeVerb(command, {
      group: 'operate',
      summary:
        answer === 'approve'
          ? 'let an intent that waits be decided once more, or be the first of two who do; all else is checked anew'
          : 'deny an intent that waits',
      example: `spendgate decisions ${answer} INTENT --as ada`,
      exits: answer === 'approve' ? '2 neither authorized nor counted as the first of two' : '2 not refused',
    });
  }
}

async function say(answer: Answer, intent: string, { as, reason, keys, url, json = false }: Options): Promise<void> {
  if (!isUuid(intent)) throw new StartError(`"${intent}" is no intent id: see \`spendgate decisions parked\``);
  const { action, outcome } = ANSWERS[answer];
  const person = await personFrom(keyFolder(keys), as);
  const { row, decisionHash } = await withDatabase(async (pool) =>
    awaiting(intent, await readIntentStanding(pool, intent)),
  );
  const token = await signAct(person, {
    action,
    targets: [{ kind: 'intent', id: intent, version: null }],
    reason,
    issuer: chooseIssuer(readProcessSettings(ROLE_NAMES)),
    lifetimeSeconds: LIFETIME_SECONDS,
    changeHash: decisionHash.toString('base64url'),
  });
  const body = await postAnswer(serviceUrl(url), `/v1/decisions/${row.decisionId}/approval`, token);
  if (json) printJson(body);
  else printRecord(body);
  if (body['outcome'] === outcome) return;
  if (answer === 'approve' && body['outcome'] === 'parked' && body['code'] === 'approval_required') {
    note('counted: another person must approve');
  } else process.exitCode = EXIT.denied;
}

/** @throws {StartError} there is no such intent, or it waits for nobody any more */
function awaiting(
  intent: string,
  standing: IntentStanding | undefined,
): Extract<IntentStanding, { readonly waits: true }> {
  if (standing === undefined) throw new StartError(`there is no intent ${intent}`);
  if (!standing.waits) {
    throw new StartError(`intent ${intent} waits no more: spendgate decisions show ${standing.decisionId}`);
  }
  return standing;
}
