import { type FleetAlert, type FleetSeries, NO_FLEET_HISTORY, watchFleet } from '@spendgate/core';
import { encodeLeaf } from '@spendgate/codec';
import { firstIdAt } from '../authorization/stored-decisions.js';
import { advanceLane, fenceLeased } from '../lanes.js';
import { acquireLeasedLane, releaseLane } from '../leased-lanes.js';
import { randomSalts, writeLeaves } from '../leaves.js';
import type { Pool } from '../pool.js';
import { type Queryable, execute, query, statement } from '../statement.js';
import { guarded, inTransaction, readClockMs } from '../transaction.js';

const MINUTE_MS = 60_000;
const LANE = 'drift-detector';
const LEASE_SECONDS = 10;
/** Codes are a closed list; a series of each that was met in the last hour. */
const COUNT = statement(
  'fleet-count',
  `SELECT name, sum(n)::float8 AS value FROM (
     SELECT unnest(ARRAY['intents', outcome, code]) AS name, count(*) AS n FROM decisions
     WHERE decision_id >= $1::uuid AND decision_id < $2::uuid GROUP BY outcome, code
     UNION ALL
     SELECT 'incidents', count(*) FROM incidents
     WHERE opened_at >= to_timestamp($3::float8 / 1000) AND opened_at < to_timestamp($4::float8 / 1000)) AS counted
   WHERE name IS NOT NULL GROUP BY name`,
);
const READ = statement(
  'fleet-read',
  `SELECT fleet, floor(extract(epoch FROM clock_timestamp()) / 60)::float8 AS "nowMinute" FROM domain_watch`,
);
const KEEP = statement('fleet-keep', 'UPDATE domain_watch SET fleet = $2::jsonb WHERE owner = $1');

interface Kept {
  readonly minute: number | null;
  readonly series: Readonly<Record<string, readonly number[]>>;
}

/** One series of the fleet as it was judged last. */
export interface FleetFindingOf {
  readonly series: string;
  readonly alert: FleetAlert;
  readonly value: number;
  readonly usual: number;
  readonly spread: number;
  readonly minutes: readonly number[];
}

/**
 * Judges the minute before the last one, once: late commits are in by then. Minutes nobody judged are left out, for
 * nobody would look at their alerts any more.
 *
 * @param owner the active detector; another one's word is not kept
 * @returns `undefined`: that minute was judged before, or there is no watch
 */
export async function judgeFleet(pool: Pool, owner: string): Promise<readonly FleetFindingOf[] | undefined> {
  const state = await readKept(pool);
  if (state === undefined) return undefined;
  const minute = state.nowMinute - 2;
  if (state.kept.minute !== null && minute <= state.kept.minute) return undefined;
  const counts = await countMinute(pool, minute);
  const names = new Set([...Object.keys(state.kept.series), ...counts.keys(), 'intents', 'incidents']);
  const findings = [...names].sort().map((name) => findingOf(name, historyOf(state.kept, name), counts.get(name) ?? 0));
  const kept: Kept = { minute, series: Object.fromEntries(findings.flatMap(keptOf)) };
  const written = await guarded(() => execute(pool, KEEP, [owner, JSON.stringify(kept)]));
  return written > 0 ? findings : undefined;
}

/** What is kept, judged once more as it stands: for people. `undefined`: nobody watches. */
export async function readFleet(db: Queryable): Promise<readonly FleetFindingOf[] | undefined> {
  const state = await readKept(db);
  if (state === undefined) return undefined;
  return Object.entries(state.kept.series).map(([name, minutes]) =>
    findingOf(name, { minutes: minutes.slice(0, -1) }, minutes.at(-1) ?? 0),
  );
}

/** A leaf for what people were told: the log says when the fleet changed, and nobody can deny having been told. */
export async function recordFleetAlerts(
  pool: Pool,
  domain: string,
  owner: string,
  alerts: readonly FleetFindingOf[],
): Promise<void> {
  const lease = await acquireLeasedLane(pool, LANE, owner, LEASE_SECONDS);
  try {
    await inTransaction(pool, async (tx) => {
      const lane = await fenceLeased(tx, lease);
      const atMs = await readClockMs(tx);
      const payload = {
        alerts: alerts.map(({ series, alert, value, usual, spread }) => ({ series, alert, value, usual, spread })),
      };
      const salt = randomSalts.salt();
      const leaf = encodeLeaf({ domain, type: 'fleet_alerted', timeMs: atMs, payload, salt, causes: [] });
      const leafSeq = await writeLeaves(tx, lease, lane.leafSeq, [{ ...leaf, salt }]);
      await advanceLane(tx, lease, { leafSeq, outboxSeq: lane.outboxSeq });
    });
  } finally {
    await releaseLane(pool, lease);
  }
}

async function readKept(db: Queryable): Promise<{ kept: Kept; nowMinute: number } | undefined> {
  const [row] = await guarded(() => query<{ fleet: Kept; nowMinute: number }>(db, READ));
  return row === undefined ? undefined : { kept: row.fleet, nowMinute: row.nowMinute };
}

async function countMinute(db: Queryable, minute: number): Promise<Map<string, number>> {
  const [fromMs, toMs] = [minute * MINUTE_MS, (minute + 1) * MINUTE_MS];
  const values = [firstIdAt(fromMs), firstIdAt(toMs), fromMs, toMs];
  const rows = await guarded(() => query<{ name: string; value: number }>(db, COUNT, values));
  return new Map(rows.map(({ name, value }) => [name, value]));
}

/** A code met for the first time was not there in the minutes before: that is what novelty means. */
function historyOf({ series }: Kept, name: string): FleetSeries {
  const minutes = series[name];
  if (minutes !== undefined) return { minutes };
  const judged = series['intents']?.length ?? 0;
  return judged === 0 ? NO_FLEET_HISTORY : { minutes: new Array<number>(judged).fill(0) };
}

function findingOf(name: string, before: FleetSeries, value: number): FleetFindingOf {
  const { alert, usual, spread, series } = watchFleet(before, value);
  return { series: name, alert, value, usual, spread, minutes: series.minutes };
}

/** What was nothing for a whole hour is dropped, and begins again as zeros. */
function keptOf({ series, minutes }: FleetFindingOf): [string, readonly number[]][] {
  const isEmpty = minutes.every((each) => each === 0) && series !== 'intents' && series !== 'incidents';
  return isEmpty ? [] : [[series, minutes]];
}
