import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@spendgate/platform';
import pg from 'pg';
import { until } from './harness/processes.js';
import { EXAMPLES, type RunningSpendgate, dataFolder, spendgate, startSpendgate } from './harness/spendgate.js';

const MINUTES = 60_000;
/** Intents of one publish: short, so that the load is soon over. */
const CHUNK = 40;

describe('a domain whose detector is killed under load', () => {
  const folder = dataFolder();
  let database: EmbeddedPostgres;
  let pool: pg.Pool;
  let authorizer: RunningSpendgate;
  let log: RunningSpendgate;
  let detector: RunningSpendgate;
  let settings: Readonly<Record<string, string>>;
  let done = false;

  beforeAll(async () => {
    database = await startEmbeddedPostgres({ folder: join(folder.path, 'database') });
    settings = {
      SPENDGATE_ISSUER: 'https://watched.example',
      SPENDGATE_DATA: folder.path,
      SPENDGATE_DATABASE_URL: database.url,
    };
    await spendgate(['migrate', '--topics'], settings);
    await spendgate(['apply', join(EXAMPLES, 'cdnow/domain.yaml')], settings);
    const start = (role: string): Promise<RunningSpendgate> => startSpendgate(['serve', role], settings);
    [authorizer, log, detector] = await Promise.all([start('authorizer'), start('log'), start('drift-detector')]);
    pool = new pg.Pool({ connectionString: database.url, max: 2 });
  }, 2 * MINUTES);
  afterAll(async () => {
    await pool?.end();
    await Promise.all([authorizer?.stop(), log?.stop(), detector?.stop()]);
    await database?.stop();
    folder.remove();
  }, MINUTES);

  async function one<T extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<T> {
    const [row] = (await pool.query<T>(sql, [...values])).rows;
    if (row === undefined) throw new Error(`no row: ${sql}`);
    return row;
  }
  const count = async (where: string): Promise<number> =>
    (await one<{ n: number }>(`SELECT count(*)::int AS n FROM decisions WHERE ${where}`)).n;

  /** Publishes without pause until told to end. @returns intents asked for */
  async function load(): Promise<number> {
    const lines = readFileSync(join(EXAMPLES, 'cdnow/sample-5000.jsonl'), 'utf8').trimEnd().split('\n');
    const file = join(folder.path, 'chunk.jsonl');
    let chunk = 0;
    for (; !done && (chunk + 1) * CHUNK <= lines.length; chunk += 1) {
      writeFileSync(file, `${lines.slice(chunk * CHUNK, (chunk + 1) * CHUNK).join('\n')}\n`);
      await spendgate(['intents', 'publish', file], { ...settings, SPENDGATE_PUBLIC_URL: authorizer.url });
    }
    return chunk * CHUNK;
  }

  it(
    'D3: stops within the watch bound, goes on when it was verified again, and loses nothing',
    async () => {
      const loading = load();
      await until('flows to execute', async () => (await count(`outcome = 'authorized'`)) > 0, MINUTES);
      await detector.kill();
      const { due } = await one<{ due: Date }>('SELECT due_at AS due FROM domain_watch');
      await until('the load to stop', async () => (await count(`code = 'trust_unverifiable'`)) > 0, MINUTES);
      await detector.restart();
      const { at } = await one<{ at: Date }>('SELECT verified_at AS at FROM domain_watch');
      const after = `outcome = 'authorized' AND judged_at > '${at.toISOString()}'`;
      await until('the load to go on', async () => (await count(after)) > 0, MINUTES);
      done = true;
      const asked = await loading;
      await until('every intent to be decided', async () => (await count('true')) >= asked, MINUTES);

      expect(await count('true')).toBe(asked);
      expect(await count(`outcome = 'denied' AND (code <> 'trust_unverifiable' OR field <> 'watch')`)).toBe(0);
      const lapse = await one<{ from: number; until: number }>(
        `SELECT l.from, l.until FROM leaves, json_to_record(payload::json -> 'evidence')
           AS e (unwatched_from_ms float8, unwatched_until_ms float8), LATERAL (
             SELECT unwatched_from_ms AS from, unwatched_until_ms AS until) AS l
         WHERE payload LIKE '%unwatched_from_ms%' AND l.from = $1`,
        [due.getTime()],
      );
      const within = `judged_at >= to_timestamp(${lapse.from / 1_000}) AND judged_at < to_timestamp(${lapse.until / 1_000})`;
      expect(await count(`outcome = 'authorized' AND ${within}`)).toBe(0);
      expect(await one('SELECT count(*)::int AS incidents FROM incidents')).toEqual({ incidents: 0 });
      const books = `SELECT (SELECT sum(held) FROM holds) = (SELECT sum(held) FROM budgets WHERE depth = 0) AS balanced,
        (SELECT count(*)::int FROM holds) AS holds`;
      expect(await one(books)).toEqual({ balanced: true, holds: await count(`outcome = 'authorized'`) });
    },
    3 * MINUTES,
  );
});
