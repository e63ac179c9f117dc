import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DependencyError } from '@spendgate/core';
import { type BatchHandler, partitionOf, RECORD_VALUE_BYTES_MAX, TOPICS } from '@spendgate/messaging';
import { until } from '../until.js';
import { readEffects } from './effects.js';
import { record, TransportTest, valuesOf } from './harness.js';
import type { TransportWorld } from './world.js';

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

/** What every transport does with records that arrive as they should. */
export function describeDelivery(name: string, openWorld: () => Promise<TransportWorld>, timeoutMs: number): void {
  describe(`delivery over ${name}`, () => {
    let test: TransportTest;
    beforeEach(async () => {
      test = new TransportTest(await openWorld());
    }, timeoutMs);
    afterEach(() => test.close(), timeoutMs);

    it(
      'keeps the order of each key over many publishes, and places keys by murmur2',
      async () => {
        const member = await test.member();
        const keys = Array.from({ length: 20 }, (_, at) => `flow-${at}`);
        const rounds = Array.from({ length: 10 }, (_, round) => keys.map((key) => record(key, String(round))));
        const placed = (await Promise.all(rounds.map((round) => member.publish(TOPICS.paymentIntents, round)))).flat();
        const effects = await test.untilEffects(200);
        for (const key of keys) expect(valuesOf(effects, key)).toEqual([...'0123456789']);
        expect(placed.slice(0, 20).map((place) => place.partition)).toEqual(
          keys.map((key) => partitionOf(key, test.world.partitions)),
        );
        expect(new Set(effects.map(({ partition, offset }) => `${partition}/${offset}`)).size).toBe(200);
      },
      timeoutMs,
    );

    it(
      'says where each record lies, in the order given, also when one publish takes many requests',
      async () => {
        const client = test.client();
        const records = Array.from({ length: 3_000 }, (_, at) => record(`flow-${at % 7}`, 'x'.repeat(1_000)));
        const placed = await client.publish(TOPICS.paymentIntents, records);
        expect(placed).toHaveLength(3_000);
        const next = new Map<number, bigint>();
        for (const { partition, offset } of placed) {
          expect(offset).toBe(next.get(partition) ?? 0n);
          next.set(partition, offset + 1n);
        }
      },
      timeoutMs,
    );

    it(
      'carries CloudEvents binary headers, traceparent, empty values and tombstones unchanged',
      async () => {
        const headers = {
          ce_specversion: '1.0',
          ce_id: 'a-1',
          ce_source: 'urn:spendgate:test',
          ce_type: 'spendgate.payment-intent.v1',
          'content-type': 'application/jwt',
          traceparent: TRACEPARENT,
          constructor: 'a name objects inherit',
          ce_subject: 'grüße 支払い',
        };
        const client = test.client();
        const seen = await test.follow(TOPICS.observations);
        await client.publish(TOPICS.observations, [
          { key: 'k', value: Buffer.from([0, 255, 10]), headers },
          { key: 'k', value: Buffer.alloc(0), headers: {} },
          { key: 'k', value: null, headers: {} },
        ]);
        await until('three records', () => seen.length === 3);
        expect({ ...seen[0]?.headers }).toEqual(headers);
        expect(seen.map(({ value }) => value)).toEqual([Buffer.from([0, 255, 10]), Buffer.alloc(0), null]);
        expect(seen.map(({ key }) => key?.toString())).toEqual(['k', 'k', 'k']);
      },
      timeoutMs,
    );

    it(
      "gives the log's own time, which does not go back within a partition",
      async () => {
        const client = test.client();
        const seen = await test.follow(TOPICS.observations);
        const beforeMs = Date.now();
        for (let at = 0; at < 5; at += 1) await client.publish(TOPICS.observations, [record('k', String(at))]);
        await until('five records', () => seen.length === 5);
        const times = seen.map(({ appendedAtMs }) => appendedAtMs);
        expect(times).toEqual([...times].sort((a, b) => a - b));
        // One machine, one clock: the log's time lies between the two readings.
        expect(times[0]).toBeGreaterThanOrEqual(beforeMs - 1);
        expect(times[4]).toBeLessThanOrEqual(Date.now());
      },
      timeoutMs,
    );

    it(
      'takes a value of exactly the limit and refuses one byte more before anything is sent',
      async () => {
        const client = test.client();
        const large = Buffer.alloc(RECORD_VALUE_BYTES_MAX, 'x');
        const seen = await test.follow(TOPICS.observations);
        await client.publish(TOPICS.observations, [{ key: 'k', value: large, headers: {} }]);
        await until('the record', () => seen.length === 1);
        expect(seen[0]?.value?.equals(large)).toBe(true);
        const above = { key: 'k', value: Buffer.alloc(RECORD_VALUE_BYTES_MAX + 1), headers: {} };
        await expect(client.publish(TOPICS.observations, [record('k', 'small'), above])).rejects.toMatchObject({
          code: 'ERR_RECORD_TOO_LARGE',
        });
        expect((await client.publish(TOPICS.observations, [record('k', 'next')]))[0]?.offset).toBe(1n);
      },
      timeoutMs,
    );

    it(
      'tells the lag of each partition: end of the log less what the lanes have decided',
      async () => {
        let failing = false;
        const effects = test.effects();
        const member = await test.member((batch) => {
          if (failing) throw new DependencyError('ERR_TEST', 'away');
          return effects(batch);
        });
        const [key = ''] = test.keysIn(1, 1);
        await member.publish(TOPICS.paymentIntents, [record(key, 'a'), record(key, 'b')]);
        await test.untilEffects(2);
        failing = true;
        await member.publish(TOPICS.paymentIntents, [record(key, 'c'), record(key, 'd'), record(key, 'e')]);
        const lag = await member.lag();
        expect(lag).toHaveLength(test.world.partitions);
        expect(lag.find(({ partition }) => partition === 1)).toEqual({
          topic: TOPICS.paymentIntents,
          partition: 1,
          next: 2n,
          endOffset: 5n,
          lag: 3n,
          stoppedReason: null,
        });
        failing = false;
        await test.untilEffects(5);
        expect((await member.lag()).every((row) => row.lag === 0n)).toBe(true);
      },
      timeoutMs,
    );

    it(
      'delivers again, from the stored offset, what a handler failed before its commit',
      async () => {
        const effects = test.effects();
        let failures = 0;
        const member = await test.member((batch) => {
          failures += 1;
          if (failures <= 3) throw new DependencyError('ERR_TEST', 'away');
          return effects(batch);
        });
        await member.publish(TOPICS.paymentIntents, [record('flow', 'a'), record('flow', 'b')]);
        expect(valuesOf(await test.untilEffects(2), 'flow')).toEqual(['a', 'b']);
      },
      timeoutMs,
    );

    it(
      'never delivers again what was committed before the handler failed',
      async () => {
        const effects = test.effects();
        const delivered: string[] = [];
        const onBatch: BatchHandler = async (batch) => {
          delivered.push(...batch.records.map((each) => String(each.value)));
          await effects(batch);
          if (delivered.length === 1) throw new Error('after the commit');
        };
        const member = await test.member(onBatch);
        await member.publish(TOPICS.paymentIntents, [record('flow', 'a')]);
        await test.untilEffects(1);
        await member.publish(TOPICS.paymentIntents, [record('flow', 'b')]);
        expect(valuesOf(await test.untilEffects(2), 'flow')).toEqual(['a', 'b']);
        expect(delivered).toEqual(['a', 'b']);
      },
      timeoutMs,
    );

    it(
      'delivers again what a handler left off of a stale batch when its transport stopped',
      async () => {
        const { pool } = test.world.database;
        const keep = test.effects('first');
        let reached: () => void = () => undefined;
        const inside = new Promise<void>((resolve) => (reached = resolve));
        const first = await test.member(async (batch) => {
          const [one] = batch.records;
          if (one === undefined) return;
          await keep({ ...batch, records: [one] });
          reached();
          await until('the batch to be stale', () => batch.isStale());
          // and leaves off here, as a handler that works in slices does
        });
        await first.publish(TOPICS.paymentIntents, [record('flow', 'a'), record('flow', 'b'), record('flow', 'c')]);
        await inside;
        await first.stop();
        await test.member(test.effects('second'));
        await until('all three', async () => valuesOf(await readEffects(pool), 'flow').length === 3);
        expect(valuesOf(await readEffects(pool), 'flow')).toEqual(['a', 'b', 'c']);
      },
      timeoutMs,
    );
  });
}
