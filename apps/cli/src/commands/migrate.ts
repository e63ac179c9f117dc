import { Logger, type LogLevel } from '@spendgate/platform';
import { createPool, migrate } from '@spendgate/store';
import type { Command } from 'commander';
import { note } from '../output.js';
import { chooseIssuer } from '../runtime/issuer.js';
import { openTransport } from '../runtime/open-transport.js';
import { readProcessSettings } from '../runtime/read-process-settings.js';
import { ROLE_NAMES } from '../runtime/roles.js';
import { describeVerb } from '../verb.js';
import { StartError } from '@spendgate/platform';

/** `spendgate migrate [--topics]`: brings the schema up to this release, forward only; creates or checks topics. */
export function addMigrate(program: Command): void {
  describeVerb(program.command('migrate'), {
    group: 'operate',
    summary: 'create or upgrade the schema; with --topics the topics too',
    example: 'SPENDGATE_DATABASE_URL=postgresql://… spendgate migrate --topics',
  })
    .option('--topics', 'create the topics that are missing and check the rest')
    .action(async ({ topics }: { topics?: boolean }) => {
      const settings = readProcessSettings(ROLE_NAMES);
      const issuer = chooseIssuer(settings);
      const { SPENDGATE_DATABASE_URL: url } = settings;
      if (url === undefined) {
        throw new StartError(
          'SPENDGATE_DATABASE_URL is not set; `spendgate up` migrates its embedded database by itself',
        );
      }
      const run = await migrate(settings.SPENDGATE_OWNER_DATABASE_URL ?? url);
      note(run.length === 0 ? 'the schema is up to date' : `migrated: ${run.join(', ')}`);
      if (topics !== true) return;
      const pool = createPool(url, { connectionsMax: 2, applicationName: 'spendgate migrate' });
      const logger = Logger.create({ level: settings.SPENDGATE_LOG_LEVEL as LogLevel, role: 'migrate' }); // as: checked
      const transport = openTransport({ settings, pool, logger, issuer, databaseUrl: url });
      try {
        await transport.ensureTopics('create');
        note('the topics are there and set up as they must be');
      } finally {
        await transport.stop();
        await pool.end();
      }
    });
}
