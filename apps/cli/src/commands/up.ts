import path from 'node:path';
import { RULES_VERSION } from '@spendgate/core';
import { createPool, migrate, openDomain } from '@spendgate/store';
import type { Command } from 'commander';
import { applyDomain } from '../apply/apply-domain.js';
import { joinDomains, readDomainFile } from '../apply/read-domain-file.js';
import { note } from '../output.js';
import { dataFolders } from '../runtime/data-folders.js';
import { DEMO_ISSUER } from '../runtime/issuer.js';
import { type PreparePlace, openRuntime } from '../runtime/open-runtime.js';
import { ROLE_NAMES } from '../runtime/roles.js';
import { serveRoles } from '../runtime/serve-roles.js';
import { describeVerb } from '../verb.js';

const EXAMPLES = path.resolve(import.meta.dirname, '../../../../examples');
const DEMO_FILES = ['demo/domain.yaml', 'cdnow/domain.yaml'];

/** `spendgate up`: every role in one process on one port; embedded database and transport unless configured. */
export function addUp(program: Command): void {
  describeVerb(program.command('up'), {
    group: 'run',
    summary: 'everything in one process, embedded by default',
    example: 'spendgate up --data ./data',
  })
    .option('--data <dir>', 'folder that holds all state; default .spendgate')
    .action(async ({ data }: { data?: string }) => {
      if (data !== undefined) process.env.SPENDGATE_DATA = data;
      await up();
    });
}

async function up(): Promise<void> {
  const startedAt = performance.now();
  const open = await openRuntime(ROLE_NAMES, 'up', prepare);
  open.shutdown.listen();
  await open.runtime.transport.ensureTopics('create');
  const url = await serveRoles(ROLE_NAMES, open);
  note(`Spendgate is ready on ${url} after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  note(`  domain   ${open.runtime.domain.issuer}`);
  note(`  next     npx spendgate intents publish examples/demo/intents.jsonl --wait`);
}

/** Migrates, and seeds the demo domain when that is what runs; any other domain is declared with `apply`. */
async function prepare({ databaseUrl, issuer, settings }: PreparePlace): Promise<void> {
  await migrate(settings.SPENDGATE_OWNER_DATABASE_URL ?? databaseUrl);
  const pool = createPool(databaseUrl, { connectionsMax: 2, applicationName: 'spendgate prepare' });
  try {
    const demo = issuer === DEMO_ISSUER;
    await openDomain(pool, { issuer, kind: demo ? 'demo' : 'own', rulesVersion: RULES_VERSION });
    const files = demo ? DEMO_FILES.map((name) => readDomainFile(path.join(EXAMPLES, name))) : [];
    const folders = dataFolders(settings.SPENDGATE_DATA);
    await applyDomain(joinDomains(files), {
      pool,
      issuer,
      domainKeys: folders.domainKeys,
      partyKeys: folders.partyKeys,
      passphrase: settings.SPENDGATE_KEY_PASSPHRASE,
      nowMs: Date.now(),
    });
  } finally {
    await pool.end();
  }
}
