import fs from 'node:fs/promises';
import path from 'node:path';
import { PrivateKeySigner, readPartySigner, writePartyKey } from '@spendgate/artifact';
import { PARTY_PURPOSES } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import type { Command } from 'commander';
import { printJson, printRows } from '../output.js';
import { keyFolder } from '../signing-keys.js';
import { describeVerb } from '../verb.js';

const FOLDER = "folder of private keys; default: the demo domain's";

/** `spendgate keys`: the private keys of parties on this machine. The domain's own keys are made by `up` and `apply`. */
export function addKeys(program: Command): void {
  const keys = describeVerb(program.command('keys'), {
    group: 'operate',
    summary: "list and make parties' key files",
    example: 'spendgate keys add shop-agent --purpose agent --keys ./party-keys',
  });
  const list = keys
    .command('list')
    .option('--keys <dir>', FOLDER)
    .option('--json', 'JSON Lines')
    .action(({ keys: dir, json }: { keys?: string; json?: boolean }) => listKeys(keyFolder(dir), json ?? false));
  describeVerb(list, {
    group: 'operate',
    summary: 'party, kid and algorithm of each key file',
    example: 'spendgate keys list --keys ./party-keys',
  });
  const add = keys
    .command('add')
    .argument('<party>', 'party id')
    .requiredOption('--purpose <purpose>', PARTY_PURPOSES.join(', '))
    .option('--keys <dir>', FOLDER)
    .option('--json', 'the output is JSON in any case')
    .action((party: string, { purpose, keys: dir }: { purpose: string; keys?: string }) =>
      addKey(party, purpose, keyFolder(dir)),
    );
  describeVerb(add, {
    group: 'operate',
    summary: 'make a key; prints the public JWK to register with apply',
    example: 'spendgate keys add shop-agent --purpose agent --keys ./party-keys',
  });
}

async function listKeys(folder: string, json: boolean): Promise<void> {
  const names = (await fs.readdir(folder)).filter((name) => name.endsWith('.jwk.json')).sort();
  const rows = names.map(async (name) => {
    const party = path.basename(name, '.jwk.json');
    const signer = await readPartySigner(folder, party, 'agent'); // the purpose is not in the file, and not shown
    return { party, kid: signer?.kid, alg: signer?.alg };
  });
  printRows(await Promise.all(rows), json);
}

async function addKey(party: string, name: string, folder: string): Promise<void> {
  const purpose = PARTY_PURPOSES.find((each) => each === name);
  if (purpose === undefined) throw new StartError(`--purpose is one of ${PARTY_PURPOSES.join(', ')}`);
  if ((await readPartySigner(folder, party, purpose)) !== undefined) {
    throw new StartError(
      `${party} has a key in ${folder} already; name another folder with --keys, or remove that file if nothing was enrolled with it`,
    );
  }
  const signer = PrivateKeySigner.generate(purpose);
  await writePartyKey(folder, party, signer);
  printJson({ ...signer.jwk, kid: signer.kid, alg: signer.alg });
}
