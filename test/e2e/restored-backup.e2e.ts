import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runToEnd, until } from './harness/processes.js';
import { EXAMPLES, type RunningSpendgate, dataFolder, spendgate, startSpendgate } from './harness/spendgate.js';

const MINUTES = 60_000;

describe('a database that comes back from a backup', () => {
  const folder = dataFolder();
  const database = join(folder.path, 'postgres');
  const backup = join(folder.path, 'backup');
  const settings = { SPENDGATE_DATA: folder.path, SPENDGATE_WITNESS_WAIT: '3s' };
  let running: RunningSpendgate | undefined;

  /** With its owner, who may be another one than ours: PostgreSQL does not run as root. */
  const copy = (from: string, to: string): Promise<string> => runToEnd('cp', ['-a', from, to]);
  const up = async (): Promise<RunningSpendgate> => (running = await startSpendgate(['up'], settings));
  const publish = (jti: string): Promise<string> => {
    const [line = ''] = readFileSync(join(EXAMPLES, 'cdnow/sample-5000.jsonl'), 'utf8').split('\n');
    const file = join(folder.path, 'intent.jsonl');
    writeFileSync(file, `${JSON.stringify({ ...(JSON.parse(line) as object), jti })}\n`);
    return spendgate(['intents', 'publish', file, '--wait'], { ...settings, SPENDGATE_PUBLIC_URL: running?.url ?? '' });
  };
  /** Decided and under a checkpoint the witness knows, so that it remembers more than the backup holds. */
  const decide = async (jti: string): Promise<void> => {
    expect(JSON.parse((await publish(jti)).split('\n').find((each) => each.startsWith('{')) ?? '')).toMatchObject({ outcome: 'authorized' }); // prettier-ignore
    await until('a checkpoint over it', async () => {
      const report = (await (await fetch(`${running?.url}/readyz`)).json()) as { checks: { detail?: string }[] };
      return report.checks.some(({ detail }) => detail?.includes(' 0 waiting') === true);
    });
  };

  beforeAll(async () => {
    await up();
    await decide('before');
    await running?.stop();
    await copy(database, backup);
    await up();
    await decide('lost');
    await running?.stop();
  }, 2 * MINUTES);
  afterAll(async () => {
    await running?.stop();
    folder.remove();
  }, MINUTES);

  it(
    'C16, I5: decides nothing: the witness remembers what it has lost, and the start says what to do',
    async () => {
      const newer = join(folder.path, 'newer');
      renameSync(database, newer);
      await copy(backup, database);
      await expect(spendgate(['up'], { ...settings, SPENDGATE_PORT: '0' })).rejects.toThrow(
        /the log has not found this database to be the history its witnesses remember/,
      );
      rmSync(database, { recursive: true });
      renameSync(newer, database);
      await up();
      await decide('after');
    },
    2 * MINUTES,
  );
});
