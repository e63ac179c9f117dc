import { StartError } from '@spendgate/platform';
import { RULES_VERSION } from '@spendgate/core';
import { openDomain } from '@spendgate/store';
import type { Command } from 'commander';
import { applyDomain } from '../apply/apply-domain.js';
import { readDomainFile } from '../apply/read-domain-file.js';
import { printJson, printRows } from '../output.js';
import { dataFolders } from '../runtime/data-folders.js';
import { DEMO_ISSUER, chooseIssuer } from '../runtime/issuer.js';
import { openDatabase } from '../runtime/open-database.js';
import { readProcessSettings } from '../runtime/read-process-settings.js';
import { ROLE_NAMES } from '../runtime/roles.js';
import { describeVerb } from '../verb.js';

interface Options {
  readonly keys?: string;
  readonly json?: boolean;
}

/** `spendgate apply FILE.yaml`: declares parties, counterparties, policies and mandates, in one act or not at all. */
export function addApply(program: Command): void {
  describeVerb(program.command('apply'), {
    group: 'operate',
    summary: 'declare parties, counterparties, policies and mandates',
    example: 'spendgate apply examples/cdnow/domain.yaml',
  })
    .argument('<file>', 'YAML or JSON; examples/demo/domain.yaml shows every part')
    .option('--keys <dir>', "folder of the parties' private keys; a missing one is made there")
    .option('--json', 'what changed, as one JSON object')
    .action(apply);
}

async function apply(name: string, { keys, json }: Options): Promise<void> {
  const settings = readProcessSettings(ROLE_NAMES);
  const issuer = chooseIssuer(settings);
  const domain = readDomainFile(name);
  const declared = domain.file.domain;
  if (declared !== undefined && declared.issuer !== issuer) {
    throw new StartError(`${name} declares domain ${declared.issuer}, this is ${issuer}: set SPENDGATE_ISSUER`);
  }
  const database = await openDatabase(settings.SPENDGATE_DATA);
  try {
    const kind = issuer === DEMO_ISSUER ? 'demo' : 'own';
    await openDomain(database.pool, { issuer, kind, rulesVersion: RULES_VERSION });
    const folders = dataFolders(settings.SPENDGATE_DATA);
    const applied = await applyDomain(domain, {
      pool: database.pool,
      issuer,
      domainKeys: folders.domainKeys,
      partyKeys: keys ?? folders.partyKeys,
      passphrase: settings.SPENDGATE_KEY_PASSPHRASE,
      nowMs: Date.now(),
    });
    if (json === true) printJson(applied);
    else
      printRows(
        Object.entries(applied).map(([what, changed]) => ({ what, changed })),
        false,
      );
  } finally {
    await database.close();
  }
}
