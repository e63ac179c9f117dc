import { Logger, type LogLevel, StartError } from '@spendgate/platform';
import { createPool, migrate } from '@spendgate/store';
import type { Command } from 'commander';
import { note, printJson } from '../output.js';
import { chooseIssuer } from '../runtime/issuer.js';
import { openTransport } from '../runtime/open-transport.js';
import { type ProcessSettings, readProcessSettings } from '../runtime/read-process-settings.js';
import { ROLE_NAMES } from '../runtime/roles.js';
import { describeVerb } from '../verb.js';

/** `spendgate migrate [--topics]`: brings the schema up to this release, forward only; creates or checks topics. */
export function addMigrate(program: Command): void {
  describeVerb(program.command('migrate'), {
    group: 'operate',
    summary: 'create or upgrade the schema; with --topics the topics too',
    example: 'SPENDGATE_DATABASE_URL=postgresql://… spendgate migrate --topics',
  })
    .option('--topics', 'create the topics that are missing and check the rest')
    .option('--json', 'one JSON object: {"migrated", "topics"}')
    .action(async ({ topics = false, json = false }: { topics?: boolean; json?: boolean }) => {
      const settings = readProcessSettings(ROLE_NAMES);
      const issuer = chooseIssuer(settings);
      const { SPENDGATE_DATABASE_URL: url } = settings;
      if (url === undefined) {
        throw new StartError(
          'SPENDGATE_DATABASE_URL is not set; `spendgate up` migrates its embedded database by itself',
        );
      }
      const run = await migrate(settings.SPENDGATE_OWNER_DATABASE_URL ?? url);
      if (topics) await createTopics(settings, issuer, url);
      if (json) return printJson({ migrated: run, topics });
      note(run.length === 0 ? 'the schema is up to date' : `migrated: ${run.join(', ')}`);
      if (topics) note('the topics are there and set up as they must be');
    });
}

async function createTopics(settings: ProcessSettings, issuer: string, url: string): Promise<void> {
  const pool = createPool(url, { connectionsMax: 2, applicationName: 'spendgate migrate' });
  const logger = Logger.create({ level: settings.SPENDGATE_LOG_LEVEL as LogLevel, role: 'migrate' }); // as: checked
  const transport = openTransport({ settings, pool, logger, issuer, databaseUrl: url });
  try {
    await transport.ensureTopics('create');
  } finally {
    await transport.stop();
    await pool.end();
  }
}
