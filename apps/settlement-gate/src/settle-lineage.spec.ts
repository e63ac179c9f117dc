import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { canonicalize, sha256Text } from '@spendgate/codec';
import {
  type IssuedTestArtifact,
  type TestRuntime,
  captureClaims,
  issueTestArtifact,
  mandateClaim,
  namedId,
  openTestRuntime,
  signRequest,
  tamperWith,
  until,
} from '@spendgate/testing';
import { createGateParts } from './gate-parts.js';
import { GATE_SETTINGS } from './gate.settings.js';
import { RunningGate } from './running-gate.js';

/** A new server may have to start first. */
const HOOK_MS = 60_000;
const ROOT = mandateClaim('root', { agent: null });
const NAMES = [
  ...['rewritten', 'untouched', 'below', 'removed', 'orphan', 'misspelt'],
  ...['own-rewritten', 'own-removed', 'above-rewritten', 'above-removed', 'amended', 'whole'],
  ...['path-emptied', 'path-cut', 'root-moved'],
];

let world: TestRuntime;
beforeAll(async () => {
  world = await openTestRuntime({ settings: GATE_SETTINGS, environment: { SPENDGATE_GATE_SWEEP_MS: '50' } });
  await world.domain.mandates([
    ROOT,
    ...NAMES.flatMap((name) => {
      const team = mandateClaim(`${name}-team`, { agent: null, parent: ROOT.id, depth: 1 });
      return [team, mandateClaim(name, { parent: team.id, depth: 2 })];
    }),
  ]);
}, HOOK_MS);
afterAll(() => world.close());

/** Presents a capture to a gate that reads the mandates for the first time, with the gate's own rights. */
async function capture(artifact: IssuedTestArtifact): Promise<string | null> {
  const gate = createGateParts(world.as('spendgate_gate'));
  const answer = await gate.door.present(
    await signRequest(world.domain.settler, captureClaims(artifact, 'c', artifact.amount)),
  );
  await gate.events.stop();
  return answer.kind === 'settlement' ? (answer.code ?? answer.state) : answer.kind;
}

async function standing({ flowId, id }: IssuedTestArtifact): Promise<unknown> {
  const { rows } = await world.database.pool.query(
    `SELECT f.state, a.status, h.captured::float8 AS captured, h.capturing::float8 AS capturing,
       array(SELECT kind FROM incident_causes c JOIN incidents i USING (incident_id) WHERE i.flow_id = f.flow_id) AS causes
     FROM flows f JOIN artifacts a USING (flow_id) JOIN holds h USING (hold_id) WHERE f.flow_id = $1 AND a.artifact_id = $2`,
    [flowId, id],
  );
  return rows[0];
}

const tamper = (sql: string, values: readonly string[]): Promise<void> => tamperWith(world.database.pool, sql, values);

/** Other claims with the hash they have: the row agrees with itself, as a careful hand would leave it. */
async function rewrite(mandate: string): Promise<void> {
  const { rows } = await world.database.pool.query<{ claims: string }>(
    'SELECT claims FROM mandates WHERE mandate_id = $1',
    [mandate],
  );
  const claim = JSON.parse(rows[0]?.claims ?? '{}') as { version: number }; // as: canonical claims of a mandate
  const claims = canonicalize({ ...claim, version: claim.version + 1 });
  await tamper('UPDATE mandates SET claims = $2, mandate_hash = $3 WHERE mandate_id = $1', [
    mandate,
    claims,
    sha256Text(claims),
  ]);
}

const remove = (mandate: string): Promise<void> => tamper('DELETE FROM mandates WHERE mandate_id = $1', [mandate]);
const misspell = (mandate: string): Promise<void> =>
  tamper(`UPDATE mandates SET mandate_hash = '${'A'.repeat(43)}' WHERE mandate_id = $1`, [mandate]);
const above = (name: string): string => namedId(`${name}-team`);

/** Other places in the tree than its claims say: what the budgets above would no longer be asked for. */
const move = (name: string, set: string): Promise<void> =>
  tamper(`UPDATE mandates SET ${set} WHERE mandate_id = ANY ($1::uuid[])`, [`{${namedId(name)}}`]);

describe('an artifact whose lineage is broken in the database', () => {
  it('the mandate it came of is rewritten: lineage_fragmented, nothing moves, and the flow is contained', async () => {
    const artifact = await issueTestArtifact(world, { mandate: 'rewritten' });
    await rewrite(artifact.flowId);
    expect(await capture(artifact)).toBe('lineage_fragmented');
    expect(await standing(artifact)).toEqual({
      state: 'contained', status: 2, captured: 0, capturing: 0, causes: ['lineage'],
    }); // prettier-ignore
    expect(await capture(await issueTestArtifact(world, { mandate: 'untouched' }))).toBe('capturing');
  });

  it('B10: the mandate it came of is removed: lineage_fragmented as the sweep names it, and the flow is contained', async () => {
    const artifact = await issueTestArtifact(world, { mandate: 'removed' });
    await remove(artifact.flowId);
    expect(await capture(artifact)).toBe('lineage_fragmented');
    expect(await standing(artifact)).toEqual({
      state: 'contained', status: 2, captured: 0, capturing: 0, causes: ['lineage'],
    }); // prettier-ignore
  });

  it.each([
    ['B9: the mandate above is rewritten', 'authorization_discontinuity', 'below', () => rewrite(above('below'))],
    ['B9: the mandate above is removed', 'authorization_discontinuity', 'orphan', () => remove(above('orphan'))],
    ['a hash is not that of its claims', 'trust_unverifiable', 'misspelt', () => misspell(namedId('misspelt'))],
  ])('%s: %s, and nothing moves', async (_, code, name, damage) => {
    const artifact = await issueTestArtifact(world, { mandate: name });
    await damage();
    expect(await capture(artifact)).toBe(code);
    expect(await standing(artifact)).toMatchObject({ captured: 0, capturing: 0 });
  });
});

describe('the sweep', () => {
  const BROKEN = [
    ...['own-rewritten', 'own-removed', 'above-rewritten', 'above-removed'],
    ...['path-emptied', 'path-cut', 'root-moved'],
  ];

  it('B10: contains a flow whose lineage breaks while nobody presents anything, and no other', async () => {
    const artifacts = new Map<string, IssuedTestArtifact>();
    for (const name of [...BROKEN, 'amended', 'whole'])
      artifacts.set(name, await issueTestArtifact(world, { mandate: name }));
    await rewrite(namedId('own-rewritten'));
    await remove(namedId('own-removed'));
    await rewrite(above('above-rewritten'));
    await remove(above('above-removed'));
    await move('path-emptied', `path = '{}'`);
    await move('path-cut', 'path = path[:2]');
    await move('root-moved', 'path = path[2:], root_id = path[2], depth = depth - 1');
    await world.domain.mandates([mandateClaim('amended', { parent: above('amended'), depth: 2, version: 2 })]);
    const gate = createGateParts(world.as('spendgate_gate'));
    const running = new RunningGate(gate);
    await running.start();
    const states = async () => {
      const found = [...artifacts].map(async ([name, artifact]) => [name, await standing(artifact)]);
      return Object.fromEntries(await Promise.all(found)) as Record<string, { state: string; causes: string[] }>; // as: rows above
    };
    const isContained = ({ state }: { state: string }): boolean => state === 'contained';
    await until(
      'as many are contained',
      async () => Object.values(await states()).filter(isContained).length === BROKEN.length,
    );
    await running.stop();
    const found = await states();
    expect(Object.keys(found).filter((name) => isContained(found[name] ?? { state: '' }))).toEqual(BROKEN);
    expect(found['above-removed']).toMatchObject({ status: 2, causes: ['lineage'], captured: 0 });
    expect(found['whole']).toMatchObject({ state: 'executing', status: 0, causes: [] });
    expect(found['amended']).toMatchObject({ state: 'executing', status: 0, causes: [] });
    const flows = [...artifacts.values()].map(({ flowId }) => flowId);
    const { rows } = await world.database.pool.query(
      `SELECT i.rule, count(*)::int AS incidents,
         (SELECT count(*)::int FROM leaves WHERE leaf::json ->> 'type' LIKE 'incident_%'
            AND payload::json ->> 'incident' = ANY (array_agg(i.incident_id::text))) AS leaves
       FROM incidents i WHERE i.flow_id = ANY ($1::uuid[]) GROUP BY 1 ORDER BY 1`,
      [flows],
    );
    expect(rows).toEqual([
      { rule: 'exact.authorization_discontinuity', incidents: 5, leaves: 5 }, // once each, however often it looked
      { rule: 'exact.lineage_fragmented', incidents: 2, leaves: 2 },
    ]);
  });
});
