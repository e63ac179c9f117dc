import fs from 'node:fs/promises';
import path from 'node:path';
import { PrivateKeySigner, readPartySigner, writePartyKey } from '@spendgate/artifact';
import { PARTY_PURPOSES } from '@spendgate/codec';
import { StartError } from '@spendgate/platform';
import type { Command } from 'commander';
import { printJson, printRows } from '../output.js';
import { keyFolder } from '../signing-keys.js';
import { describeVerb } from '../verb.js';

/** `spendgate keys`: the private keys of parties on this machine. The domain's own keys are made by `up` and `apply`. */
export function addKeys(program: Command): void {
  const keys = describeVerb(program.command('keys'), {
    group: 'operate',
    summary: "list and make parties' key files",
    example: 'spendgate keys add shop-agent --purpose agent --keys ./party-keys',
  });
  keys
    .command('list')
    .summary('party, kid and algorithm of each key file')
    .option('--keys <dir>', "folder of private keys; default: the demo domain's")
    .option('--json', 'JSON Lines')
    .action(async ({ keys: dir, json }: { keys?: string; json?: boolean }) => {
      const folder = keyFolder(dir);
      const names = (await fs.readdir(folder)).filter((name) => name.endsWith('.jwk.json')).sort();
      const rows = names.map(async (name) => {
        const party = path.basename(name, '.jwk.json');
        const signer = await readPartySigner(folder, party, 'agent');
        return { party, kid: signer?.kid, alg: signer?.alg };
      });
      printRows(await Promise.all(rows), json ?? false);
    });
  keys
    .command('add')
    .argument('<party>', 'party id')
    .summary('make a key; prints the public JWK to register with apply')
    .requiredOption('--purpose <purpose>', PARTY_PURPOSES.join(', '))
    .option('--keys <dir>', "folder of private keys; default: the demo domain's")
    .action(async (party: string, { purpose: name, keys: dir }: { purpose: string; keys?: string }) => {
      const purpose = PARTY_PURPOSES.find((each) => each === name);
      if (purpose === undefined) throw new StartError(`--purpose is one of ${PARTY_PURPOSES.join(', ')}`);
      const folder = keyFolder(dir);
      if ((await readPartySigner(folder, party, purpose)) !== undefined) {
        throw new StartError(`${party} has a key in ${folder} already; a new one needs a signed key transition`);
      }
      const signer = PrivateKeySigner.generate(purpose);
      await writePartyKey(folder, party, signer);
      printJson({ ...signer.jwk, kid: signer.kid, alg: signer.alg });
    });
}
