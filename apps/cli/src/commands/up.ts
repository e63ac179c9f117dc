import path from 'node:path';
import { formatNoteKey, logOrigin } from '@spendgate/audit-log';
import { RULES_VERSION } from '@spendgate/core';
import { createPool, hasDecided, migrate, openDomain, readDomainKeys } from '@spendgate/store';
import { noteKeyOf } from '@spendgate/transparency-log';
import type { Command } from 'commander';
import { applyNow } from '../apply/apply-change.js';
import { prepareChanges } from '../apply/prepare-change.js';
import { joinDomains, readDomainFile } from '../apply/read-domain-file.js';
import { note, printJson } from '../output.js';
import { dataFolders } from '../runtime/data-folders.js';
import { DEMO_ISSUER } from '../runtime/issuer.js';
import { startLocalWitness } from '../runtime/local-witness.js';
import { type OpenRuntime, type PreparePlace, openRuntime } from '../runtime/open-runtime.js';
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
    .option('--json', 'when ready, one JSON object: {"ready", "url", "domain", "seconds"}')
    .action(async ({ data, json }: { data?: string; json?: boolean }) => {
      if (data !== undefined) process.env.SPENDGATE_DATA = data;
      await up(json ?? false);
    });
}

async function up(json: boolean): Promise<void> {
  const startedAt = performance.now();
  const open = await openRuntime(ROLE_NAMES, 'up', prepare);
  open.shutdown.listen();
  const url = await serveRoles(ROLE_NAMES, await withWitness(open), 'create');
  const seconds = (performance.now() - startedAt) / 1000;
  const { issuer } = open.runtime.domain;
  if (json) return printJson({ ready: true, url, domain: issuer, seconds });
  note(`Spendgate is ready on ${url} after ${seconds.toFixed(1)} s`);
  note(`  domain   ${issuer}`);
  const next = issuer === DEMO_ISSUER ? 'intents publish examples/demo/intents.jsonl --wait' : 'doctor';
  note(`  next     npx spendgate ${next}`);
}

/** A domain that names no witness has one beside it: a restored or rewritten database is found before anything is decided. */
async function withWitness(open: OpenRuntime): Promise<OpenRuntime> {
  const { runtime, settings, shutdown } = open;
  const { SPENDGATE_WITNESSES: named, SPENDGATE_DATA: data, SPENDGATE_KEY_PASSPHRASE: passphrase } = settings;
  const { checkpoint } = runtime.keys;
  if (named !== undefined || checkpoint === undefined) return open;
  // Its last checkpoint may be signed by a key the log had before.
  const had = (await readDomainKeys(runtime.pool)).filter(({ purpose }) => purpose === 'checkpoint');
  const origin = logOrigin(runtime.domain.issuer);
  const logKeys = [...new Set([checkpoint, ...had].map(({ jwk }) => formatNoteKey(noteKeyOf(origin, jwk))))];
  const local = await startLocalWitness({ data, logKeys, passphrase }, runtime.logger, shutdown).catch(
    async (error: unknown) => {
      await shutdown.run('start failed'); // the database would go on running, for nobody
      throw error;
    },
  );
  return { ...open, runtime: { ...runtime, settings: { ...runtime.settings, SPENDGATE_WITNESSES: local } } };
}

/** Migrates, and seeds the demo domain when that is what runs; any other domain is declared with `apply`. */
async function prepare({ databaseUrl, issuer, settings }: PreparePlace): Promise<void> {
  await migrate(settings.SPENDGATE_OWNER_DATABASE_URL ?? databaseUrl);
  const pool = createPool(databaseUrl, { connectionsMax: 2, applicationName: 'spendgate prepare' });
  try {
    const demo = issuer === DEMO_ISSUER;
    await openDomain(pool, { issuer, kind: demo ? 'demo' : 'own', rulesVersion: RULES_VERSION });
    if (await hasDecided(pool)) return; // from here on a change takes two people, in the demo as anywhere
    const files = demo ? DEMO_FILES.map((name) => readDomainFile(path.join(EXAMPLES, name))) : [];
    const { domainKeys, partyKeys } = dataFolders(settings.SPENDGATE_DATA);
    const passphrase = settings.SPENDGATE_KEY_PASSPHRASE;
    const place = { pool, issuer, domainKeys, partyKeys, passphrase, nowMs: Date.now() };
    for (const change of await prepareChanges(joinDomains(files), place, true)) await applyNow(pool, change);
  } finally {
    await pool.end();
  }
}
