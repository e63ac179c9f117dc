import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CompactRange, parseNoteKey, verifyCheckpoint } from '@spendgate/audit-log';
import pg from 'pg';
import { type KafkaServer, kafkaAvailable, startKafka } from './harness/kafka.js';
import { type KillablePostgres, startKillablePostgres } from './harness/killable-postgres.js';
import { until } from './harness/processes.js';
import { isIntegrated, readBooks } from './harness/reconcile.js';
import { EXAMPLES, type RunningSpendgate, dataFolder, spendgate, startSpendgate } from './harness/spendgate.js';
import { readTopic } from './harness/topic-records.js';

const MINUTES = 60_000;
const KILLS = 20;
/** Intents of one publish: short, so that one hit by a kill is soon sent again. */
const CHUNK = 100;
const available = kafkaAvailable();
const test = available ? it : it.skip;

describe('the log while what it stands on is killed', () => {
  const folder = dataFolder();
  let kafka: KafkaServer;
  let postgres: KillablePostgres;
  let pool: pg.Pool;
  let authorizer: RunningSpendgate;
  let log: RunningSpendgate;
  let settings: Readonly<Record<string, string>>;
  /** Every checkpoint anybody was shown. */
  const seen = new Set<string>();
  let done = false;

  beforeAll(async () => {
    if (!available) return;
    kafka = await startKafka();
    postgres = await startKillablePostgres(join(folder.path, 'database'));
    settings = {
      SPENDGATE_ISSUER: 'https://crashes.example',
      SPENDGATE_DATA: folder.path,
      SPENDGATE_DATABASE_URL: postgres.url,
      ...kafka.settings,
    };
    await spendgate(['migrate', '--topics'], settings);
    await spendgate(['apply', join(EXAMPLES, 'cdnow/domain.yaml')], settings);
    authorizer = await startSpendgate(['serve', 'authorizer'], settings);
    log = await startSpendgate(['serve', 'log'], settings);
    pool = new pg.Pool({ connectionString: postgres.url, max: 2 });
    pool.on('error', () => undefined); // its sessions end with the server, again and again
  }, 3 * MINUTES);
  afterAll(async () => {
    await pool?.end();
    await Promise.all([authorizer?.stop(), log?.stop()]);
    await postgres?.stop();
    await kafka?.stop();
    folder.remove();
  }, MINUTES);

  /** Publishes without pause; what a kill interrupted is sent again, as a client would. @returns intents asked for */
  async function load(): Promise<number> {
    const lines = readFileSync(join(EXAMPLES, 'cdnow/sample-5000.jsonl'), 'utf8').trimEnd().split('\n');
    const file = join(folder.path, 'chunk.jsonl');
    let chunk = 0;
    for (; !done; chunk += 1) {
      const at = (chunk * CHUNK) % lines.length;
      const round = Math.floor((chunk * CHUNK) / lines.length);
      const renamed = lines.slice(at, at + CHUNK).map((line) => line.replace('"jti":"', `"jti":"${round}-`));
      writeFileSync(file, `${renamed.join('\n')}\n`);
      await until('a chunk to be published', () => published(file), 2 * MINUTES);
    }
    return chunk * CHUNK;
  }
  const published = async (file: string): Promise<boolean> => {
    await spendgate(['intents', 'publish', file], { ...settings, SPENDGATE_PUBLIC_URL: authorizer.url });
    return true;
  };

  async function watch(): Promise<void> {
    while (!done) {
      const answer = await fetch(`${log.url}/checkpoint`).catch(() => undefined); // it may be down just now
      if (answer?.status === 200) seen.add(await answer.text());
      await new Promise((resolve) => setTimeout(resolve, 20)); // only spaces the questions
    }
  }

  const treeSize = async (): Promise<number> => {
    const { rows } = await pool.query<{ n: string }>('SELECT tree_size AS n FROM log_state');
    return Number(rows[0]?.n);
  };
  const grown = async (beyond: number): Promise<void> =>
    until('the log to grow', async () => (await treeSize()) > beyond, MINUTES);

  test(
    'I4: killed 20 times with Kafka and the database, it stays dense, every decision has one leaf, and every checkpoint shown is of the last one’s tree',
    async () => {
      const victims = [
        { name: 'log', ...log },
        { name: 'kafka', ...kafka },
        { name: 'database', ...postgres },
      ];
      const [loading, watching] = [load(), watch()];
      const killed: string[] = [];
      try {
        for (let kill = 0; kill < KILLS; kill += 1) {
          await grown(await treeSize());
          // Each at least six times, in an order of its own each run; told when the test fails.
          const victim = victims[kill < 18 ? kill % 3 : Math.floor(Math.random() * 3)];
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 200)); // the moment is the random part
          await victim?.kill();
          await victim?.restart();
          killed.push(String(victim?.name));
        }
        await grown(await treeSize());
      } finally {
        done = true;
        await watching;
      }
      const asked = await loading;
      await until('every leaf to have its place', () => isIntegrated(pool), 2 * MINUTES, 500);
      const count = async (): Promise<number> => {
        const { rows } = await pool.query<{ n: string }>('SELECT count(DISTINCT intent_id) AS n FROM decisions');
        return Number(rows[0]?.n);
      };
      await until('every intent to be decided', async () => (await count()) === asked, 2 * MINUTES, 500);
      await until('their leaves too', () => isIntegrated(pool), 2 * MINUTES, 500);
      expect(killed).toHaveLength(KILLS);
      expect((await readBooks(pool)).broken).toEqual([]);
    },
    15 * MINUTES,
  );

  test(
    'C7: no checkpoint ever shown or published is of another history',
    async () => {
      for (const value of await readTopic(pool, kafka, 'checkpoints.v1')) seen.add(value.toString('utf8'));
      const about = (await (await fetch(`${log.url}/.well-known/spendgate`)).json()) as { log: { keys: string[] } };
      const keys = about.log.keys.flatMap((text) => parseNoteKey(text) ?? []);
      const roots = new Map<number, string>();
      for (const note of seen) {
        const verdict = verifyCheckpoint(note, keys);
        if (!verdict.valid) throw new Error(`a checkpoint nobody signed: ${note}`);
        const { size, root } = verdict.checkpoint;
        const text = Buffer.from(root).toString('base64');
        expect([size, roots.get(Number(size)) ?? text]).toEqual([size, text]);
        roots.set(Number(size), text);
      }
      expect(roots.size).toBeGreaterThan(KILLS);
      const { rows } = await pool.query<{ leaf_hash: Buffer }>('SELECT leaf_hash FROM log_positions ORDER BY index');
      const range = CompactRange.empty();
      for (const { leaf_hash: leaf } of rows) {
        range.append(leaf);
        const shown = roots.get(range.size);
        if (shown !== undefined) expect([range.size, Buffer.from(range.root()).toString('base64')]).toEqual([range.size, shown]); // prettier-ignore
      }
      expect(Math.max(...roots.keys())).toBeLessThanOrEqual(rows.length);
      const report = await spendgate(['verify', 'log', log.url], settings);
      expect(JSON.parse(report.trim().split('\n').at(-1) ?? '')).toMatchObject({ valid: true });
    },
    5 * MINUTES,
  );
});
