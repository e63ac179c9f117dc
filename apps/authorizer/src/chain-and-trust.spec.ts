import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hashJsonText } from '@spendgate/codec';
import { type FlowState, LIFECYCLE } from '@spendgate/core';
import { TOPICS } from '@spendgate/messaging';
import { type LaneLease, Registry } from '@spendgate/store';
import {
  type TestRuntime,
  batchOf,
  intentClaims,
  mandateClaim,
  openTestRuntime,
  signIntent,
  tamperWith,
} from '@spendgate/testing';
import { AuthorizeBatch } from './authorize-batch.js';
import { createAuthorizerParts } from './authorizer-parts.js';
import { AUTHORIZER_SETTINGS } from './authorizer.settings.js';

const NOW_MS = Date.now();
const ROOT = mandateClaim('root', { agent: null });
const TEAM = mandateClaim('team', { agent: null, parent: ROOT.id, depth: 1 });
const MAIN = mandateClaim('main', { parent: TEAM.id, depth: 2 });
const ATTESTED = mandateClaim('attested', { environment: { max_age_seconds: 300, measurements: ['m1'] } });
const STATES = Object.keys(LIFECYCLE) as FlowState[]; // as: keys of the table
/** A new server may have to start first. */
const HOOK_MS = 60_000;

let world: TestRuntime;
let lane: LaneLease;
let next = 0n;

beforeAll(async () => {
  world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS });
  await world.domain.mandates([ROOT, TEAM, MAIN, ATTESTED]);
  lane = await world.lane(TOPICS.paymentIntents);
}, HOOK_MS);
afterAll(() => world.close());

async function rows<T>(sql: string): Promise<T[]> {
  return (await world.database.pool.query(sql)).rows as T[]; // as: the query names its columns
}

interface Decided {
  readonly code: string | null;
  readonly holds: number;
  readonly claims: string | null;
}

/** One intent for 1.00, on rows as they stand now: a new registry has nothing from before. */
async function decide(mandate: string): Promise<Decided> {
  const jti = `n${next}`;
  const claims = intentClaims(jti, NOW_MS, { mandate, amount: { value: '1.00', currency: 'USD' } });
  const token = await signIntent(world.domain.agent('buyer'), claims);
  const registry = new Registry(world.database.pool);
  const authorize = new AuthorizeBatch(createAuthorizerParts({ ...world.runtime, registry }));
  await authorize.execute(batchOf(lane, [token], { firstOffset: next, appendedAtMs: NOW_MS }));
  const [decided] = await rows<Decided>(
    `SELECT d.code, a.claims, count(h.hold_id)::int AS holds FROM decisions d
     LEFT JOIN artifacts a ON a.artifact_id = d.artifact_id LEFT JOIN holds h ON h.artifact_id = d.artifact_id
     WHERE d.lane_offset = ${next} GROUP BY 1, 2`,
  );
  next += 1n;
  if (decided === undefined) throw new Error('the intent has a decision');
  return decided;
}

const inState = (mandate: string, state: string): Promise<unknown[]> =>
  rows(`UPDATE flows SET state = '${state}' WHERE flow_id = '${mandate}'`);

describe('the chain an artifact rests on', () => {
  it('E12: leads from the agent to the root principal, and to the signed baseline of its flow', async () => {
    const { claims } = await decide(MAIN.id);
    const [stored] = await rows<{ baseline_hash: string; hash: string }>(
      `SELECT f.baseline_hash, m.mandate_hash AS hash
       FROM flows f JOIN mandates m ON m.mandate_id = f.flow_id WHERE f.flow_id = '${MAIN.id}'`,
    );
    expect(JSON.parse(claims ?? '{}')).toMatchObject({
      act: { sub: 'buyer', act: { sub: 'acme' } },
      flow: { id: MAIN.id, baseline_hash: stored?.baseline_hash },
      lineage: { root: ROOT.id, parent: MAIN.id, parent_hash: stored?.hash, depth: 2 },
    });
    const baselines = await rows<{ payload: string }>(
      `SELECT payload FROM leaves WHERE leaf::json->>'type' = 'flow_baseline_set' AND payload LIKE '%${MAIN.id}%'`,
    );
    const signed = baselines.map(({ payload }) => (JSON.parse(payload) as { baseline: object }).baseline); // as: ours
    expect(signed.map((baseline) => hashJsonText(baseline))).toEqual([stored?.baseline_hash]);
    expect(signed).toMatchObject([{ mandate_hash: stored?.hash }]);
  });

  it('B9: with the mandate above it gone from the database nothing is authorized and nothing held', async () => {
    const [above, below] = [mandateClaim('gone', { agent: null }), 'under what is gone'];
    const orphan = mandateClaim(below, { parent: above.id, depth: 1 });
    await world.domain.mandates([above, orphan]);
    await tamperWith(world.database.pool, 'DELETE FROM mandates WHERE mandate_id = $1', [above.id]);
    expect(await decide(orphan.id)).toEqual({ code: 'authorization_discontinuity', holds: 0, claims: null });
  });

  it('E12: with a grant altered nothing is authorized and nothing held', async () => {
    await rows(`UPDATE mandates SET parent_hash = '${'x'.repeat(43)}' WHERE mandate_id = '${MAIN.id}'`);
    const altered = await decide(MAIN.id);
    expect(altered).toEqual({ code: 'authorization_discontinuity', holds: 0, claims: null });
  });
});

describe('live trust', () => {
  it.each(STATES)(
    'E14: a flow that is %s gives an artifact with its hold in phases 2 to 4, else neither',
    async (state) => {
      const own = mandateClaim(`in ${state}`);
      await world.domain.mandates([own]);
      await inState(own.id, state);
      const { phase } = LIFECYCLE[state];
      const { holds, claims } = await decide(own.id);
      const isLive = phase >= 2 && phase <= 4;
      expect([holds, claims !== null]).toEqual([isLive ? 1 : 0, isLive]);
    },
  );

  it.each([
    ['none on record', 'environment_unattested', `DELETE FROM attestations`],
    ['one past its time', 'environment_stale', attested({ valid_until: `clock_timestamp()` })],
    ['one too old for the mandate', 'environment_stale', attested({ recorded_at: `now() - interval '301 s'` })],
    ['another measurement', 'environment_integrity_failure', attested({ measurement: `'m2'` })],
    ['debug on', 'runtime_integrity_failure', attested({ debug: 'true' })],
    ['a fresh one', null, attested({})],
  ])('E14, A24: where the environment must be attested, %s decides: %s', async (what, code, sql) => {
    // A flow of its own: what breaks the environment contains the flow.
    const own = mandateClaim(`attested ${what}`, { environment: ATTESTED.environment });
    await world.domain.mandates([own]);
    await rows(sql);
    const decided = await decide(own.id);
    expect([decided.code, decided.holds]).toEqual([code, code === null ? 1 : 0]);
  });
});

/** The agent's attestation record, in order except for what is changed. */
function attested(change: Readonly<Record<string, string>>): string {
  const row = {
    agent_id: `'buyer'`,
    measurement: `'m1'`,
    evidence_hash: `'${'e'.repeat(43)}'`,
    verifier: `'attester'`,
    kid: `(SELECT kid FROM party_keys WHERE party_id = 'attester')`,
    token: `'a.b.c'`,
    debug: 'false',
    compromised: 'false',
    valid_until: `now() + interval '1 hour'`,
    recorded_at: 'now()',
    ...change,
  };
  return `DELETE FROM attestations;
          INSERT INTO attestations (${Object.keys(row).join()}) VALUES (${Object.values(row).join()})`;
}
