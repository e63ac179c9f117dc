import { Decimal } from 'decimal.js';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@spendgate/platform';
import pg from 'pg';
import { type KafkaServer, kafkaAvailable, startKafka } from './harness/kafka.js';
import { until } from './harness/processes.js';
import { writePurchases, type PlainLine } from './harness/purchases.js';
import { type Books, isIntegrated, readBooks, sumAsked } from './harness/reconcile.js';
import { countKafkaRecords, readTopic } from './harness/topic-records.js';
import { EXAMPLES, type RunningSpendgate, dataFolder, spendgate, startSpendgate } from './harness/spendgate.js';

const MINUTES = 60_000;
const KILLS = 10;
/** Between two questions that read whole tables. */
const PAUSE_MS = 500;

/** What a world of one transport consists of: a database that outlives the services, and the services themselves. */
interface World {
  readonly settings: Readonly<Record<string, string>>;
  readonly authorizer: RunningSpendgate;
  readonly pool: pg.Pool;
  stop(): Promise<void>;
}

async function openWorld(kafka: KafkaServer | undefined): Promise<World> {
  const folder = dataFolder();
  const database: EmbeddedPostgres = await startEmbeddedPostgres({ folder: join(folder.path, 'database') });
  const settings = {
    SPENDGATE_ISSUER: 'https://purchases.example',
    SPENDGATE_DATA: folder.path,
    SPENDGATE_DATABASE_URL: database.url,
    ...kafka?.settings,
  };
  await spendgate(['migrate', '--topics'], settings);
  await spendgate(['apply', join(EXAMPLES, 'cdnow/domain.yaml')], settings);
  const authorizer = await startSpendgate(['serve', 'authorizer'], settings);
  const log = await startSpendgate(['serve', 'log'], settings);
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });
  return {
    settings: { ...settings, SPENDGATE_PUBLIC_URL: authorizer.url },
    authorizer,
    pool,
    stop: async () => {
      await pool.end();
      await Promise.all([authorizer.stop(), log.stop()]);
      await database.stop();
      folder.remove();
    },
  };
}

/** Everything is decided when each record of the log has an answer; then the transparency log has its leaves to take. */
async function settle(world: World, kafka: KafkaServer | undefined): Promise<Books> {
  await until(
    'every record to be answered',
    async () => (await recordsRead(world)) === (await recordsAppended(world, kafka)),
    15 * MINUTES,
    PAUSE_MS,
  );
  await until('the log to take every leaf', () => isIntegrated(world.pool), 2 * MINUTES, PAUSE_MS);
  return readBooks(world.pool);
}

/** Records of the log that were decided or refused: the stored offsets of all partitions. */
async function recordsRead(world: World): Promise<number> {
  const { rows } = await world.pool.query<{ n: string }>(
    "SELECT sum(next) AS n FROM lanes WHERE name LIKE 'payment-intents.v1/%'",
  );
  return Number(rows[0]?.n);
}

/** Records the log holds, from its end offsets. */
async function recordsAppended(world: World, kafka: KafkaServer | undefined): Promise<number> {
  if (kafka !== undefined) return countKafkaRecords(kafka, 'payment-intents.v1');
  const { rows } = await world.pool.query<{ n: string }>(
    "SELECT count(*) AS n FROM embedded_records WHERE topic = 'payment-intents.v1'",
  );
  return Number(rows[0]?.n);
}

/** Artifact ids whose published bytes differ between copies, or from the stored hash; and how many were published. */
async function checkPublished(
  world: World,
  kafka: KafkaServer | undefined,
): Promise<{ published: number; differing: string[] }> {
  const { rows } = await world.pool.query<{ artifact_id: string; claims_hash: Buffer }>(
    'SELECT artifact_id, claims_hash FROM artifacts',
  );
  const stored = new Map(rows.map((row) => [row.artifact_id, row.claims_hash.toString('hex')]));
  const seen = new Map<string, string>();
  const differing = new Set<string>();
  for (const value of await readTopic(world.pool, kafka, 'authorization-artifacts.v1')) {
    const jws = value.toString('latin1');
    const payload = Buffer.from(jws.split('.')[1] ?? '', 'base64url');
    const { jti } = JSON.parse(payload.toString()) as { jti: string }; // as: the product's own artifact
    if ((seen.get(jti) ?? jws) !== jws) differing.add(jti);
    if (createHash('sha256').update(payload).digest('hex') !== stored.get(jti)) differing.add(jti);
    seen.set(jti, jws);
  }
  return { published: seen.size, differing: [...differing] };
}

const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);
const plus = (a: string, b: string): string => new Decimal(a).plus(b).toFixed(2);

/** Kills the authorizer ten times at moments spread over the run, each time further into the backlog. */
async function killRepeatedly(world: World, published: number): Promise<void> {
  for (let kill = 1; kill <= KILLS; kill++) {
    const target = Math.floor((published * kill) / (KILLS + 1) + Math.random() * (published / (KILLS + 1) / 2));
    await until(
      `${target} decisions`,
      async () => {
        const { rows } = await world.pool.query<{ n: string }>('SELECT count(*) AS n FROM decisions');
        return Number(rows[0]?.n) >= target;
      },
      10 * MINUTES,
      PAUSE_MS,
    );
    await world.authorizer.kill();
    await world.authorizer.restart();
  }
}

describe.each([
  ['embedded', false],
  ['Kafka', true],
] as const)('real purchases on %s', (_name, onKafka) => {
  const available = !onKafka || kafkaAvailable();
  const test = available ? it : it.skip;
  let kafka: KafkaServer | undefined;
  let world: World;
  let lines: readonly PlainLine[];
  let books: Books;
  const folder = dataFolder();
  const file = join(folder.path, 'intents.jsonl');

  beforeAll(async () => {
    if (!available) return;
    lines = writePurchases(file);
    kafka = onKafka ? await startKafka() : undefined;
    world = await openWorld(kafka);
  }, 5 * MINUTES);

  afterAll(async () => {
    await world?.stop();
    await kafka?.stop();
    folder.remove();
  }, MINUTES);

  test(
    'F3, D1: every purchase is answered once, with kill -9 of the authorizer ten times on the way',
    async () => {
      const publishing = spendgate(['intents', 'publish', file], world.settings);
      await killRepeatedly(world, lines.length);
      await publishing;
      books = await settle(world, kafka);
      expect(total(books.decided)).toBe(lines.length);
      // a publisher that lost its answer sends again: each record of the log has an answer, the copies as replays
      expect(total(books.decided) + total(books.refused)).toBe(await recordsRead(world));
      expect(Object.keys(books.refused).filter((code) => code !== 'intent_replayed')).toEqual([]);
    },
    25 * MINUTES,
  );

  test('the books balance: levels, holds, artifacts, leaves and positions (I1, I4, I9)', () => {
    expect(books.broken).toEqual([]);
  });

  test('sum authorized + sum denied = sum asked, to the cent', () => {
    expect(plus(books.authorizedSum, books.deniedSum)).toBe(sumAsked(lines));
  });

  test(
    'E6: every artifact is published, each copy the same bytes, with the stored hash',
    async () => {
      const { published, differing } = await checkPublished(world, kafka);
      expect(differing).toEqual([]);
      expect(published).toBe(books.decided['authorized']);
    },
    5 * MINUTES,
  );

  test('F4: a purchase of 0.00 is amount_invalid', () => {
    const zeros = lines.filter((line) => line.amount.value === '0.00').length;
    expect(zeros).toBeGreaterThan(0);
    expect(books.decided['denied amount_invalid']).toBe(zeros);
  });

  test(
    'A22: publishing the same file again changes nothing',
    async () => {
      await spendgate(['intents', 'publish', file], world.settings);
      // the HTTP door answers a replay by itself; on Kafka the copies lie in the log
      const again = await settle(world, kafka);
      expect(again.decided).toEqual(books.decided);
      expect([again.authorizedSum, again.deniedSum]).toEqual([books.authorizedSum, books.deniedSum]);
      expect(again.broken).toEqual([]);
    },
    20 * MINUTES,
  );

  test(
    'D2: replay of all decisions finds 0 differences',
    async () => {
      const output = await spendgate(['replay', '--json'], world.settings);
      const summary: unknown = JSON.parse(output.trim().split('\n').at(-1) ?? '');
      expect(summary).toEqual({ checked: total(books.decided), differences: 0 });
    },
    10 * MINUTES,
  );
});
