import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { takeOpsAct } from '@spendgate/store';
import {
  type IssuedTestArtifact,
  type TestRuntime,
  issueTestArtifact,
  mandateClaim,
  namedId,
  openTestRuntime,
  opsClaims,
  signOpsAct,
} from '@spendgate/testing';
import { DETECTOR_SETTINGS } from './detector.settings.js';
import type { DriftDetector } from './drift-detector.js';
import { createDetector } from './drift-detector.module.js';

/** A new server may have to start first. */
const HOOK_MS = 60_000;

let world: TestRuntime;
let started: DriftDetector[];
beforeEach(async () => {
  // Nothing here waits for the bound, and a machine may stand still for longer than the default one.
  const environment = { SPENDGATE_DOMAIN_WATCH_SECONDS: '300' };
  world = await openTestRuntime({ settings: DETECTOR_SETTINGS, environment, people: { ada: ['operator'] } });
  started = [];
}, HOOK_MS);
afterEach(async () => {
  for (const detector of started) await detector.stop();
  await world.close();
});

async function rows<T>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
  return (await world.database.pool.query(sql, [...values])).rows as T[]; // as: the query names its columns
}

/** With the rights of its own role. */
async function start(owner: string): Promise<DriftDetector> {
  const detector = createDetector(world.as('spendgate_detector'), owner);
  await detector.start();
  started.push(detector);
  return detector;
}

async function live(...names: string[]): Promise<IssuedTestArtifact[]> {
  await world.domain.mandates(names.map((name) => mandateClaim(name)));
  const issued: IssuedTestArtifact[] = [];
  for (const mandate of names) issued.push(await issueTestArtifact(world, { mandate }));
  return issued;
}

const listed = async (): Promise<string[]> =>
  (await rows<{ id: string }>('SELECT flow_id AS id FROM flow_watches ORDER BY 1')).map(({ id }) => id);
const leavesOf = (type: string) =>
  rows<{ payload: Record<string, unknown> }>(
    `SELECT payload::json AS payload FROM leaves WHERE leaf::json ->> 'type' = $1 ORDER BY lane_id, seq`,
    [type],
  );

describe('the watch', () => {
  it('begins with the first detector: flows with live artifacts are on the list, verified, and a leaf says so', async () => {
    const [a, b] = await live('a', 'b');
    await world.domain.mandates([mandateClaim('idle')]);
    await start('one');
    expect(await listed()).toEqual([a?.flowId, b?.flowId].sort());
    const [watch] = await rows(
      `SELECT governance, limbs, due_at > now() AS fresh,
         (SELECT bool_and(verified_at > now() - interval '10 s') FROM flow_watches) AS visited FROM domain_watch`,
    );
    const limbs = { policy: 'verified', keys: 'verified', audit: 'verified', watch: 'verified' };
    expect(watch).toEqual({ governance: 'verified', limbs, fresh: true, visited: true });
    const said = (await leavesOf('verification_changed')).map(({ payload }) => [payload['limb'], payload['verdict']]);
    expect(said).toEqual([
      ['watch', 'unknown'],
      ['policy', 'verified'],
      ['keys', 'verified'],
      ['audit', 'verified'],
      ['watch', 'verified'],
    ]);
    const told = await rows<{ id: string }>(
      `SELECT body::json #>> '{subject,id}' AS id FROM outbox WHERE topic = 'control.v1' AND kind = 'verification_changed'
       ORDER BY seq`,
    );
    expect(told.map(({ id }) => id)).toEqual(said.map(([limb]) => limb));
  });

  it('is one detector’s: a second stands by, and takes over when the first has stopped', async () => {
    const first = await start('one');
    const second = await start('two');
    expect([first.isActive, second.isActive]).toEqual([true, false]);
    expect(await rows('SELECT owner FROM domain_watch')).toEqual([{ owner: 'one' }]);
    started.shift();
    await first.stop();
    const third = await start('three');
    expect(third.isActive || second.isActive).toBe(true);
  });

  it('is lost by a detector that stood still: what it saw is written nowhere', async () => {
    const first = await start('one');
    await rows(`UPDATE domain_watch SET owner = 'two', leased_until = now() + interval '1 h', verified_at = 'epoch'`);
    started.shift();
    await first.stop();
    const [row] = await rows<{ owner: string; at: Date }>('SELECT owner, verified_at AS at FROM domain_watch');
    expect([row?.owner, row?.at.getTime()]).toEqual(['two', 0]);
  });

  it('takes flows off the list when nothing of them is live, and writes no leaf while nothing is', async () => {
    await live('a');
    const detector = await start('one');
    started.shift();
    await detector.stop();
    expect(await leavesOf('verification_swept')).toEqual([
      { payload: expect.objectContaining({ flows: 1, contained: 0, digest: expect.stringMatching(/^[\w-]{43}$/) }) },
    ]);
    await rows('UPDATE holds SET ended = true');
    await rows(`UPDATE flow_watches SET verified_at = now() - interval '45 s'`);
    const again = await start('two');
    expect(await listed()).toEqual([]);
    started.shift();
    await again.stop();
    expect(await leavesOf('verification_swept')).toHaveLength(1);
  });
});

describe('a flow nobody uses', () => {
  const BREAKS: readonly (readonly [name: string, kind: string, rule: string, sql: string])[] = [
    ['B3: a key planted in the agent’s name', 'identity', 'exact.identity_discontinuity',
      `INSERT INTO party_keys (kid, kind, party_id, alg, jwk, active_from)
       SELECT 'planted', kind, party_id, alg, jwk, now() FROM party_keys WHERE party_id = 'buyer'`],
    ['B4: another policy text under the same hash', 'policy', 'exact.governance_discontinuity',
      `UPDATE policies SET policy_text = policy_text || ' '`],
    ['B5: a runtime its attester calls compromised', 'environment', 'exact.runtime_integrity_failure',
      `INSERT INTO attestations VALUES ('buyer', 'good', 'e', 'attester', false, true, now() + interval '1 h', 't', now(), 'k')`],
    ['B7: a mandate cut off from those above it', 'lineage', 'exact.authorization_discontinuity',
      `UPDATE mandates SET path = '{}'`],
    ['B2: claims of an artifact rewritten', 'lineage', 'exact.artifact_altered',
      `UPDATE artifacts SET claims = replace(claims, '12.50', '99.50')`],
    ['B6: the mandate it came of is another one', 'lineage', 'exact.lineage_fragmented',
      `UPDATE mandates SET mandate_hash = '${'A'.repeat(43)}'`],
    ['an artifact taken away', 'lineage', 'exact.artifact_altered', 'DELETE FROM artifacts'],
  ]; // prettier-ignore

  it.each(BREAKS)('%s: contained (%s, %s) by the next visit, its artifacts suspended', async (_, kind, rule, sql) => {
    const [artifact] = await live('a');
    const detector = await start('one');
    started.shift();
    await detector.stop();
    await rows(sql);
    await rows(`UPDATE flow_watches SET verified_at = now() - interval '45 s'`);
    await start('two');
    const [flow] = await rows(
      `SELECT f.state, array(SELECT c.kind || ' ' || c.rule FROM incident_causes c JOIN incidents i USING (incident_id)
         WHERE i.flow_id = f.flow_id) AS causes,
         (SELECT count(*)::int FROM artifacts a WHERE a.flow_id = f.flow_id AND a.status = 0) AS valid
       FROM flows f WHERE f.flow_id = $1`,
      [artifact?.flowId],
    );
    expect(flow).toEqual({ state: 'contained', causes: [`${kind} ${rule}`], valid: 0 });
    expect(await listed()).toEqual([artifact?.flowId]);
    const told = await rows('SELECT DISTINCT topic FROM outbox WHERE key = $1 ORDER BY 1', [artifact?.flowId]);
    expect(told).toEqual([{ topic: 'flow-transitions.v1' }, { topic: 'incidents.v1' }]);
  });

  it('B21: contained for a planted key is not cleared of it while the key stands: it would enter the new baseline', async () => {
    await live('a');
    await rows(
      `INSERT INTO party_keys (kid, kind, party_id, alg, jwk, active_from)
       SELECT 'planted', kind, party_id, alg, jwk, now() FROM party_keys WHERE party_id = 'buyer'`,
    );
    await start('one');
    const [incident] = await rows<{ id: string }>('SELECT incident_id AS id FROM incidents');
    const clear = async (version: number) => {
      const target = { kind: 'incident', id: incident?.id ?? '', version };
      const claims = opsClaims('ada', 'clear_cause', [target], { causes: ['identity'] });
      return takeOpsAct(world.database.pool, await signOpsAct(world.domain.person('ada'), claims));
    };
    expect(await clear(1)).toMatchObject({ ok: false, problem: expect.stringContaining('unsigned keys') });
    await rows(`DELETE FROM party_keys WHERE kid = 'planted'`);
    expect(await clear(1)).toMatchObject({ ok: true, state: 'done' });
  });

  it('unwatched for longer than its bound is contained; for less it is verified and goes on', async () => {
    const [a, b] = await live('a', 'b');
    const detector = await start('one');
    started.shift();
    await detector.stop();
    await rows(`UPDATE flow_watches SET verified_at = now() - interval '8 days' WHERE flow_id = $1`, [a?.flowId]);
    await rows(`UPDATE flow_watches SET verified_at = now() - interval '6 days' WHERE flow_id = $1`, [b?.flowId]);
    await start('two');
    const states = await rows(
      'SELECT flow_id = $1 AS lapsed, state FROM flows WHERE flow_id = ANY ($2::uuid[]) ORDER BY 1 DESC',
      [a?.flowId, [a?.flowId, b?.flowId]],
    );
    expect(states).toEqual([
      { lapsed: true, state: 'contained' },
      { lapsed: false, state: 'executing' },
    ]);
    expect(await rows('SELECT rule FROM incident_causes')).toEqual([{ rule: 'exact.watch_lapsed' }]);
  });

  it('whose evidence has only lapsed is no drift: the limb is named, and nothing is contained', async () => {
    const environment = { max_age_seconds: 300, measurements: ['good'] };
    await world.domain.mandates([mandateClaim('attested', { environment })]);
    await issueTestArtifact(world, { mandate: 'attested' });
    await start('one');
    expect(await rows('SELECT flow_id AS id, unverified FROM flow_watches')).toEqual([
      { id: namedId('attested'), unverified: { environment: 'stale' } },
    ]);
    expect(await rows('SELECT incident_id FROM incidents')).toEqual([]);
  });
});
