import { afterEach, describe, expect, it } from '@jest/globals';
import type { CountedLimitClaim, MandateClaim } from '@spendgate/codec';
import { TOPICS, partitionOf } from '@spendgate/messaging';
import { inControlAct, revokeIssuedArtifacts } from '@spendgate/store';
import { type TestRuntime, batchOf, intentClaims, mandateClaim, openTestRuntime, signIntent } from '@spendgate/testing';
import { AuthorizeBatch } from './authorize-batch.js';
import { createAuthorizerParts } from './authorizer-parts.js';
import { AUTHORIZER_SETTINGS } from './authorizer.settings.js';
import { replayDecisions } from './replay-decisions.js';

const LONG_MS = 60_000;
const HOUR_MS = 3_600_000;
const HOUR = { unit: 'hour', zone: 'UTC' } as const;
/** First instant of this hour, and one well within the hour before it: two windows, both in the past. */
const AFTER_MS = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
const BEFORE_MS = AFTER_MS - HOUR_MS / 2;
/** An artifact lives from when its intent was appended. */
const LIFETIME = { SPENDGATE_ARTIFACT_LIFETIME_SECONDS: '86400' };

let world: TestRuntime;
let authorize: AuthorizeBatch;
let offset = 0n;

function counting(...counted: Partial<CountedLimitClaim>[]): MandateClaim['limits'] {
  const none = { window: null, counterparty: null, category: null, amount: null, count: null };
  return {
    ...{ currency: 'USD', total: '1000.00', per_transaction: null },
    ...(counted.length === 0 ? {} : { counted: counted.map((each) => ({ ...none, ...each })) }),
  };
}

async function open(mandates: readonly MandateClaim[], partitions = 1): Promise<void> {
  world = await openTestRuntime({
    settings: AUTHORIZER_SETTINGS,
    environment: LIFETIME,
    agents: ['buyer'],
    partitions,
  });
  await world.domain.mandates(mandates);
  authorize = new AuthorizeBatch(createAuthorizerParts(world.as('spendgate_authorizer')));
  offset = 0n;
}
afterEach(() => world.close());

function sign(jti: string, value: string, mandate: string): Promise<string> {
  const change = { mandate, amount: { value, currency: 'USD' } };
  const claims = intentClaims(jti, BEFORE_MS - 120_000, change);
  return signIntent(world.domain.agent('buyer'), { ...claims, exp: claims.iat + 86_400 });
}

/** The text of what a client is asked: a string, or a configuration that holds it. */
function textOf(asked: unknown): string {
  return typeof asked === 'string' ? asked : (asked as { text: string }).text;
}

/** Decides intents of one batch and gives their codes. */
async function decide(values: readonly string[], atMs: number, partition = 0, partitions = 1) {
  const lane = await world.lane(TOPICS.paymentIntents, partition);
  const options = { firstOffset: offset, appendedAtMs: atMs, partition, partitions };
  await authorize.execute(batchOf(lane, values, options));
  offset += BigInt(values.length);
  const sql = `SELECT outcome, code FROM decisions d JOIN lanes USING (lane_id)
    WHERE name LIKE '%/' || $1 AND lane_offset >= $2 ORDER BY lane_offset`;
  const found = await world.database.pool.query<{ outcome: string; code: string | null }>(sql, [
    String(partition),
    options.firstOffset,
  ]);
  return found.rows.map(({ outcome, code }) => code ?? outcome);
}

async function counters(): Promise<string[]> {
  type Row = { counter: string; amount: string; count: number };
  const sql = 'SELECT counter, trim_scale(amount)::text AS amount, count FROM counters ORDER BY counter, starts_ms';
  const { rows } = await world.database.pool.query<Row>(sql);
  return rows.map(({ counter, amount, count }) => `${counter} ${amount} ${count}`);
}

describe('limits that need a counter', () => {
  it(
    'F4: bind to the last cent, per window, counterparty and category, and each replays to the byte',
    async () => {
      const atShop = { window: HOUR, counterparty: 'shop', amount: '6.00' };
      const main = mandateClaim('main', { limits: counting({ window: HOUR, amount: '9.00', count: 3 }, atShop) });
      const toys = { category: '5732', window: { seconds: 60 }, amount: '5.00' };
      const other = mandateClaim('other', { limits: counting(toys, { counterparty: '*', count: 2 }) });
      await open([main, other]);
      const signed = (jti: string, mandate: string, ...values: string[]) =>
        Promise.all(values.map((value, n) => sign(`${jti}${n}`, value, mandate)));
      const start = BEFORE_MS - 61_000;
      expect(await decide(await signed('a', other.id, '5.01', '5.00', '0.01'), start)).toEqual([
        'counterparty_limit',
        'authorized',
        'counterparty_limit',
      ]);
      expect(await decide(await signed('b', other.id, '0.01'), start + 60_000)).toEqual(['counterparty_limit']);
      expect(await decide(await signed('c', other.id, '5.00', '0.01'), start + 61_000)).toEqual([
        'authorized',
        'counterparty_limit',
      ]);
      expect(await decide(await signed('d', main.id, '5.00', '1.01', '0.99', '0.01', '0.01'), BEFORE_MS)).toEqual([
        'authorized',
        'counterparty_limit',
        'authorized',
        'authorized',
        'counterparty_limit',
      ]);
      expect(await decide(await signed('e', main.id, '6.00'), AFTER_MS - 1)).toEqual(['counterparty_limit']);
      expect(await decide(await signed('f', main.id, '6.00'), AFTER_MS)).toEqual(['authorized']);
      const replayed = await replayDecisions(world.database.pool);
      expect(replayed).toEqual({ checked: 13, differences: [], notRecomputable: 0 });
    },
    LONG_MS,
  );

  it(
    'I1: two owners at once never overspend a window of the root they share, whichever lags behind',
    async () => {
      const root = mandateClaim('root', { agent: null, limits: counting({ window: HOUR, amount: '50.00' }) });
      const leaves = Array.from({ length: 8 }, (_, n) => mandateClaim(`leaf${n}`, { parent: root.id, depth: 1 }));
      await open([root, ...leaves], 2);
      const batches = await Promise.all([0, 1].map(async (partition) => {
      const own = leaves.filter(({ id }) => partitionOf(id, 2) === partition);
      const asked = own.flatMap(({ id }) => [0, 1, 2].map((n) => sign(`${id}-${n}`, '7.00', id)));
      return { lane: await world.lane(TOPICS.paymentIntents, partition), partition, values: await Promise.all(asked) };
    })); // prettier-ignore
      await Promise.all(
      batches.map(({ lane, partition, values }) =>
        // One of them is a minute behind.
        authorize.execute(batchOf(lane, values, { partition, partitions: 2, appendedAtMs: BEFORE_MS - partition * 60_000 })),
      ),
    ); // prettier-ignore
      expect(await counters()).toEqual(['hour/UTC 49 7']);
    },
    LONG_MS,
  );

  it(
    'counts what a lagging partition decides in the window its tree has come to',
    async () => {
      const root = mandateClaim('root', { agent: null, limits: counting({ window: HOUR, amount: '10.00' }) });
      const leaves = Array.from({ length: 8 }, (_, n) => mandateClaim(`leaf${n}`, { parent: root.id, depth: 1 }));
      await open([root, ...leaves], 2);
      const [ahead, behind] = [0, 1].map((p) => leaves.find(({ id }) => partitionOf(id, 2) === p)?.id ?? '');
      const today = AFTER_MS;
      expect(await decide([await sign('a', '8.00', ahead ?? '')], today, 0, 2)).toEqual(['authorized']);
      offset = 0n;
      const late = [await sign('b', '3.00', behind ?? ''), await sign('c', '2.00', behind ?? '')];
      expect(await decide(late, today - 60_000, 1, 2)).toEqual(['window_limit', 'authorized']);
      expect(await counters()).toEqual(['hour/UTC 10 2']);
    },
    LONG_MS,
  );

  it(
    'I9: an ended hold leaves the sums it entered once, its count stays, and a revoked one does too',
    async () => {
      const both = counting(
        { window: HOUR, amount: '10.00', count: 5 },
        { window: { seconds: 3_600 }, amount: '99.00' },
      );
      const main = mandateClaim('main', { limits: both });
      await open([main]);
      const at = AFTER_MS;
      expect(await decide([await sign('a', '6.00', main.id), await sign('b', '4.00', main.id)], at)).toEqual(['authorized', 'authorized']); // prettier-ignore
      expect(await counters()).toEqual(['hour/UTC 10 2', 'rolling/3600 10 2']);
      await world.database.pool.query(`UPDATE holds SET ends_at = clock_timestamp() WHERE amount = 6`);
      expect(await decide([await sign('c', '6.01', main.id), await sign('d', '6.00', main.id)], at)).toEqual(['window_limit', 'authorized']); // prettier-ignore
      expect(await counters()).toEqual(['hour/UTC 10 3', 'rolling/3600 10 3']);
      const { rows } = await world.database.pool.query<{ artifact_id: string }>('SELECT artifact_id FROM holds');
      const all = rows.map((row) => row.artifact_id);
      await inControlAct(world.database.pool, (act) => revokeIssuedArtifacts(act, all, 'spec'));
      await inControlAct(world.database.pool, (act) => revokeIssuedArtifacts(act, all, 'spec'));
      expect(await counters()).toEqual(['hour/UTC 0 3', 'rolling/3600 0 3']);
    },
    LONG_MS,
  );

  it(
    'a hold of a window that has passed leaves nothing of the one that took its place',
    async () => {
      const main = mandateClaim('main', { limits: counting({ window: HOUR, amount: '10.00' }) });
      await open([main]);
      const at = AFTER_MS;
      expect(await decide([await sign('a', '9.00', main.id)], BEFORE_MS)).toEqual(['authorized']);
      expect(await decide([await sign('b', '7.00', main.id)], at)).toEqual(['authorized']);
      await world.database.pool.query(`UPDATE holds SET ends_at = clock_timestamp() WHERE amount = 9`);
      expect(await decide([await sign('c', '3.01', main.id)], at)).toEqual(['window_limit']);
      expect(await counters()).toEqual(['hour/UTC 7 1']);
    },
    LONG_MS,
  );

  it(
    'takes as many statements for a batch of 64 as for one, at depth 4 with windows at every level',
    async () => {
      const per = counting({ window: HOUR, amount: '900.00' }, { counterparty: '*', window: { seconds: 60 }, amount: '900.00' }); // prettier-ignore
      const names = ['root', 'team', 'group', 'main'] as const;
      const chain = names.map((name, depth) => {
        const parent = names[depth - 1];
        const above = parent === undefined ? null : mandateClaim(parent).id;
        return mandateClaim(name, { depth, parent: above, agent: depth === 3 ? 'buyer' : null, limits: per });
      });
      await open(chain);
      const main = mandateClaim('main').id;
      const statementsOf = async (values: readonly string[]): Promise<readonly string[]> => {
        sent.length = 0;
        expect(new Set(await decide(values, AFTER_MS))).toEqual(new Set(['authorized']));
        return sent.filter((text) => !text.includes('pg_notify')); // the transport wakes readers once for what overlaps
      };
      const sent: string[] = [];
      const counted = new WeakSet<object>();
      world.database.pool.on('acquire', (client) => {
        if (counted.has(client)) return;
        counted.add(client);
        const send = client.query.bind(client);
        const counts = (...asked: unknown[]): unknown => {
          sent.push(textOf(asked[0]));
          return Reflect.apply(send, client, asked);
        };
        Object.assign(client, { query: counts });
      });
      await statementsOf([await sign('warm', '0.01', main)]); // facts are loaded once
      const one = await statementsOf([await sign('one', '0.01', main)]);
      const many = await Promise.all(Array.from({ length: 64 }, (_, n) => sign(`n${n}`, '0.01', main)));
      expect(await statementsOf(many)).toEqual(one);
      expect(one.length).toBeGreaterThan(5);
    },
    LONG_MS,
  );
});
