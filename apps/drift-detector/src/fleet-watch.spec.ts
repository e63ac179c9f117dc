import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { judgeFleet, readFleet } from '@spendgate/store';
import { type TestRuntime, openTestRuntime } from '@spendgate/testing';
import { DETECTOR_SETTINGS } from './detector.settings.js';
import { createDetector } from './drift-detector.module.js';
import { FleetWatch } from './fleet-watch.js';

/** A new server may have to start first. */
const HOOK_MS = 60_000;
let world: TestRuntime;
let fleet: FleetWatch;
const told: string[] = [];
beforeEach(async () => {
  world = await openTestRuntime({ settings: DETECTOR_SETTINGS });
  const runtime = world.as('spendgate_detector');
  const detector = createDetector(runtime, 'one');
  await detector.start(); // arms the watch; from here on the spec looks itself
  await detector.stop();
  told.length = 0;
  const logger = Object.assign(Object.create(runtime.logger) as typeof runtime.logger, {
    warn: (line: unknown) => void told.push(String(line)),
  });
  fleet = new FleetWatch(runtime.pool, logger, { issuer: world.domain.issuer, owner: 'one' });
}, HOOK_MS);
afterEach(() => world.close());

/** An hour in which each minute had so many; the last one judged is long ago, so the minute before last is next. */
async function hourOf(series: Readonly<Record<string, number>>): Promise<void> {
  const minutes = Object.fromEntries(
    Object.entries(series).map(([name, each]) => [name, new Array<number>(60).fill(each)]),
  );
  await run(`UPDATE domain_watch SET fleet = $1`, [JSON.stringify({ minute: 1, series: minutes })]);
}

async function run<T>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
  return (await world.database.pool.query(sql, [...values])).rows as T[]; // as: the query names its columns
}
const leaves = () => run<{ payload: string }>(`SELECT payload FROM leaves WHERE leaf LIKE '%"fleet_alerted"%'`);

it('tells people that the whole domain fell silent, once, and halts nothing', async () => {
  await hourOf({ intents: 400, authorized: 400, incidents: 0 });
  await fleet.judge();
  await fleet.judge(); // the same minute
  expect(told).toEqual([
    'fleet: 0 authorized in a minute, usually 400, give or take 20',
    'fleet: 0 intents in a minute, usually 400, give or take 20',
  ]);
  expect((await leaves()).map(({ payload }) => JSON.parse(payload) as unknown)).toEqual([
    {
      alerts: [
        { series: 'authorized', alert: 'level', value: 0, usual: 400, spread: 20 },
        { series: 'intents', alert: 'level', value: 0, usual: 400, spread: 20 },
      ],
    },
  ]);
  expect(await run('SELECT incident_id FROM incidents')).toEqual([]);
  expect(await run('SELECT halt_id FROM halts')).toEqual([]);
});

it('says nothing of a usual minute, and counts what is there by outcome and code', async () => {
  await hourOf({ intents: 2, authorized: 1, denied: 1, budget_exceeded: 1, incidents: 0 });
  const minute = Math.floor(Date.now() / 60_000) - 2;
  const id = (n: number): string =>
    `${(minute * 60_000 + n)
      .toString(16)
      .padStart(12, '0')
      .replace(/^(.{8})/, '$1-')}-8000-8000-00000000000${n}`;
  await run('ALTER TABLE decisions DISABLE TRIGGER ALL');
  for (const [n, outcome, code] of [
    [1, 'authorized', null],
    [2, 'denied', 'budget_exceeded'],
  ] as const) {
    await run(
      `INSERT INTO decisions (decision_id, flow_id, intent_id, lane_id, lane_offset, agent_id, body_hash, outcome, code,
         request, read_set, rules_version, decision_hash, leaf_hash, appended_at, judged_at)
       VALUES ($1, $1, $1, 1, $2, 'buyer', '', $3, $4, '', '', 1, '', '', now(), now())`,
      [id(n), n, outcome, code],
    );
  }
  const found = await judgeFleet(world.database.pool, 'one');
  // A test that began in one minute and ended in the next judged an empty one: both are usual here.
  expect(found?.map(({ series, alert }) => `${series} ${alert}`)).toEqual([
    'authorized none',
    'budget_exceeded none',
    'denied none',
    'incidents none',
    'intents none',
  ]);
  expect(told).toEqual([]);
});

it('is the active detector’s: another one’s finding is not kept, and what is kept outlives a detector', async () => {
  await hourOf({ intents: 7 });
  expect(await judgeFleet(world.database.pool, 'two')).toBeUndefined();
  expect((await readFleet(world.database.pool))?.map(({ series, value, usual }) => [series, value, usual])).toEqual([
    ['intents', 7, 7],
  ]);
  expect((await judgeFleet(world.database.pool, 'one'))?.find(({ series }) => series === 'intents')).toMatchObject({
    usual: 7,
  });
});
