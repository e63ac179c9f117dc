import fs from 'node:fs';
import { type NoteKey, NOTE_SIGNATURE, parseNoteKey } from '@spendgate/audit-log';
import { StartError } from '@spendgate/platform';
import { verifyLog } from '@spendgate/verifier';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { ProgressBar, note, printJson, readInput } from '../output.js';
import { describeVerb } from '../verb.js';
import { openLogSource } from '../verify/log-source.js';
import { readKeySet } from '../verify/read-keys.js';

interface Options {
  readonly checkpoint?: string;
  readonly trust?: string;
  readonly remember?: string;
  readonly save?: string;
  readonly witness?: readonly string[];
  readonly quorum?: string;
  readonly timeout: string;
}

/** `spendgate verify log URL`: all of a log as strangers are served it, recomputed (C16). */
export function addVerifyLog(verify: Command): void {
  const command = verify
    .command('log')
    .argument('<place>', 'URL of the log, or a folder with checkpoint and tile/ as C2SP tlog-tiles names them')
    .option('--checkpoint <note>', 'verify up to this signed checkpoint instead of the one served')
    .option('--trust <jwks>', "the domain's public keys as you know them; without it they are the log's own word")
    .option('--remember <note>', 'file with a checkpoint seen earlier: the log must continue it')
    .option('--save <file>', 'when all holds, write the checkpoint here, to remember it next time')
    .option('--witness <vkey...>', "keys of witnesses whose cosignatures count (C2SP 'name+id+key', type 4)")
    .option('--quorum <k>', 'how many of them are needed; default: all')
    .option('--timeout <seconds>', 'give up after this', '600')
    .option('--json', 'the output is JSON in any case')
    .action(verifyPlace);
  describeVerb(command, {
    group: 'verify',
    summary: 'recompute a whole log as it is publicly served',
    example:
      'spendgate verify log http://127.0.0.1:8080 --trust jwks.json --save seen.txt\n' +
      '  spendgate verify log http://127.0.0.1:8080 --trust jwks.json --remember seen.txt --save seen.txt',
    exits: '2 not valid',
  });
}

async function verifyPlace(place: string, options: Options): Promise<void> {
  const { checkpoint, trust, remember, save } = options;
  const deadlineMs = Date.now() + countOf('--timeout', options.timeout) * 1_000;
  let bar: ProgressBar | undefined;
  const { report, note: seen } = await verifyLog({
    source: openLogSource(place, deadlineMs),
    trust: trust === undefined ? undefined : await readKeySet(trust),
    checkpoint: checkpoint === undefined ? undefined : readInput(checkpoint),
    remembered: remember === undefined ? undefined : readInput(remember),
    witnesses: options.witness === undefined ? undefined : witnessesOf(options.witness, options.quorum),
    onProgress: (done, total) => (bar ??= new ProgressBar('leaves', total)).update(done),
  });
  bar?.finish();
  printJson(report);
  if (!report.valid) process.exitCode = EXIT.denied;
  else if (save !== undefined && seen !== null) {
    fs.writeFileSync(`${save}.new`, seen);
    fs.renameSync(`${save}.new`, save); // whole, or as it was: what is remembered is not to be lost
    note(`${save}: remembers ${report.size} leaves`);
  }
}

/** @throws {StartError} a key is none of a witness, or more are asked for than there are */
function witnessesOf(texts: readonly string[], quorum: string | undefined) {
  const keys = texts.map((text): NoteKey => {
    const key = parseNoteKey(text);
    if (key?.type === NOTE_SIGNATURE.cosignatureV1) return key;
    throw new StartError(`--witness ${text}: no cosignature/v1 key as C2SP writes it (name+id+key)`);
  });
  const needed = quorum === undefined ? keys.length : countOf('--quorum', quorum);
  if (needed > keys.length) throw new StartError(`--quorum ${needed}: only ${keys.length} witnesses are named`);
  return { keys, quorum: needed };
}

/** @throws {StartError} */
function countOf(flag: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new StartError(`${flag}: a whole number from 1`);
}
