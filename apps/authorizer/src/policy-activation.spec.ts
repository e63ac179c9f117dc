import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TOPICS, partitionOf } from '@spendgate/messaging';
import { DEFAULT_POLICY, PolicySet } from '@spendgate/policy';
import { activatePolicies, inControlAct } from '@spendgate/store';
import { type TestRuntime, batchOf, intentClaims, mandateClaim, openTestRuntime, signIntent } from '@spendgate/testing';
import { AuthorizeBatch } from './authorize-batch.js';
import { createAuthorizerParts } from './authorizer-parts.js';
import { AUTHORIZER_SETTINGS } from './authorizer.settings.js';

const PARTITIONS = 2;
const BATCHES = 12;
const BATCH = 8;

/** A mandate whose intents lie in each partition. */
const NAMES = Array.from({ length: PARTITIONS }, (_, partition) => {
  const names = Array.from({ length: 64 }, (_each, at) => `mandate-${at}`);
  const name = names.find((each) => partitionOf(mandateClaim(each).id, PARTITIONS) === partition);
  if (name === undefined) throw new Error(`none of 64 mandates lies in partition ${partition}`);
  return name;
});

let world: TestRuntime;
beforeEach(async () => {
  world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS, partitions: PARTITIONS });
  await world.domain.mandates(NAMES.map((name) => mandateClaim(name)));
}, 60_000);
afterEach(() => world.close());

const stricter = { ...DEFAULT_POLICY, policyText: `${DEFAULT_POLICY.policyText}\nforbid (principal, action, resource) when { context.depth > 7 };` }; // prettier-ignore
const activate = () =>
  inControlAct(world.database.pool, (act) =>
    activatePolicies(act, [{ ...stricter, setHash: PolicySet.load(stricter).setHash }]),
  );

/** Decides a partition's batches one after another; tells how many are done. */
async function decideAll(partition: number, onBatch: () => void): Promise<void> {
  const authorize = new AuthorizeBatch(createAuthorizerParts(world.runtime));
  const lane = await world.lane(TOPICS.paymentIntents, partition);
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const values = await Promise.all(
      Array.from({ length: BATCH }, (_, at) => {
        const change = { amount: { value: '0.01', currency: 'USD' }, mandate: mandateClaim(NAMES[partition] ?? '').id };
        const claims = intentClaims(`${partition}-${batch}-${at}`, Date.now(), change);
        return signIntent(world.domain.agent('buyer'), claims);
      }),
    );
    const place = { firstOffset: BigInt(batch * BATCH), partition, partitions: PARTITIONS };
    await authorize.execute(batchOf(lane, values, place));
    onBatch();
  }
}

describe('activation of a policy while intents are decided', () => {
  it('its leaf names its place in each partition: what is below was decided under the old set, the rest under the new', async () => {
    let done = 0;
    let begun: Promise<unknown> = Promise.resolve();
    const onBatch = (): void => {
      done += 1;
      if (done === BATCHES) begun = activate(); // half of all, with the other half in flight
    };
    await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => decideAll(partition, onBatch)));
    await begun;
    const { rows: leaves } = await world.database.pool.query<{ payload: string }>(
      `SELECT payload FROM leaves WHERE leaf::json ->> 'type' = 'policy_activated' ORDER BY seq DESC LIMIT 1`,
    );
    const { places, set_hash: setHash } = JSON.parse(leaves[0]?.payload ?? '{}') as { places: Record<string, string>; set_hash: string }; // prettier-ignore
    expect(Object.keys(places)).toEqual(['payment-intents.v1/0', 'payment-intents.v1/1']);
    const { rows } = await world.database.pool.query<{ name: string; lane_offset: string; set_hash: string }>(
      `SELECT name, lane_offset::text, read_set::jsonb #>> '{policy,set_hash}' AS set_hash
       FROM decisions JOIN lanes USING (lane_id)`,
    );
    expect(rows).toHaveLength(PARTITIONS * BATCHES * BATCH);
    const misplaced = rows.filter(
      (row) => (row.set_hash === setHash) !== BigInt(row.lane_offset) >= BigInt(places[row.name] ?? -1),
    );
    expect(misplaced).toEqual([]);
    expect(new Set(rows.map((row) => row.set_hash)).size).toBe(2);
  }, 60_000);
});
