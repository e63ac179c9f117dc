import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TOPICS } from '@spendgate/messaging';
import { type TestRuntime, batchOf, intentClaims, mandateClaim, openTestRuntime, signIntent } from '@spendgate/testing';
import { watchAuditHealth } from './audit-health.js';
import { AuthorizeBatch } from './authorize-batch.js';
import { type AuthorizerParts, createAuthorizerParts } from './authorizer-parts.js';
import { AUTHORIZER_SETTINGS } from './authorizer.settings.js';

let world: TestRuntime;
let parts: AuthorizerParts;
let next = 0n;

beforeEach(async () => {
  world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS });
  await world.domain.mandates([mandateClaim('main')]);
  parts = createAuthorizerParts(world.as('spendgate_authorizer'));
  watchAuditHealth(world.runtime, parts.decide.auditLateMsMax);
  next = 0n;
}, 60_000);
afterEach(() => world.close());

async function decide(...jtis: string[]): Promise<void> {
  const lane = await world.lane(TOPICS.paymentIntents);
  const claims = jtis.map((jti) => intentClaims(jti, Date.now() - 1_000));
  const intents = await Promise.all(claims.map((each) => signIntent(world.domain.agent('buyer'), each)));
  await new AuthorizeBatch(parts).execute(batchOf(lane, intents, { firstOffset: next }));
  next += BigInt(jtis.length);
}

async function rows<T>(sql: string): Promise<T[]> {
  return (await world.database.pool.query(sql)).rows as T[]; // as: the query names its columns
}

/** As if what waits had been written ten minutes ago. */
async function tenMinutesLater(): Promise<void> {
  await rows(`UPDATE leaves SET leaf = (leaf::jsonb || jsonb_build_object(
    'time', floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint - 600000))::text WHERE leaf::json->>'type' <> 'key_changed'`);
}

/** A signed head over everything, as the log leaves it. */
async function sign(): Promise<void> {
  await rows(`UPDATE log_state SET tree_size = (SELECT sum(leaf_seq) FROM lanes),
    cursors = (SELECT jsonb_object_agg(lane_id::text, leaf_seq::text) FROM lanes)`);
  await rows(`INSERT INTO checkpoints SELECT tree_size, root, 'note', clock_timestamp() FROM log_state`);
}

describe('an authorizer whose audit log does not run', () => {
  it('I4, I5: approves nothing after the bound, occupies no id, and goes on when the log has signed', async () => {
    await decide('a');
    await tenMinutesLater();
    await decide('a', 'b');
    expect(await rows('SELECT outcome FROM decisions')).toEqual([{ outcome: 'authorized' }]);
    expect(await rows('SELECT code FROM refusals')).toEqual([
      { code: 'audit_unavailable' },
      { code: 'audit_unavailable' },
    ]);
    await sign();
    await decide('b');
    expect(await rows('SELECT outcome FROM decisions')).toEqual([{ outcome: 'authorized' }, { outcome: 'authorized' }]);
  });

  it('A36–A42: says so in its readiness, before and after the bound', async () => {
    const audit = async () => (await world.runtime.health.report()).checks.find(({ name }) => name === 'audit');
    expect(await audit()).toMatchObject({ ok: true, detail: expect.stringContaining('spendgate serve log') });
    await tenMinutesLater();
    expect(await audit()).toMatchObject({ ok: false, detail: expect.stringContaining('audit_unavailable') });
    await sign();
    expect(await audit()).toMatchObject({ ok: true, detail: expect.stringMatching(/signed \d+ s ago/) });
  });
});
