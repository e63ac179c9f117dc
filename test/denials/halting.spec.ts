import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AUTHORIZER_SETTINGS, AuthorizeBatch, createAuthorizerParts, replayDecisions } from '@spendgate/authorizer';
import { type ArtifactClaims, canonicalize, sha256Text } from '@spendgate/codec';
import { DETECTOR_SETTINGS, createDetector } from '@spendgate/drift-detector';
import { TOPICS } from '@spendgate/messaging';
import { GATE_SETTINGS, createGateParts, replaySettlements } from '@spendgate/settlement-gate';
import {
  type IssuedTestArtifact,
  type TestRuntime,
  artifactOf,
  batchOf,
  captureClaims,
  intentClaims,
  mandateClaim,
  openTestRuntime,
  signIntent,
  signRequest,
} from '@spendgate/testing';

/** A new server may have to start first. */
const HOOK_MS = 60_000;
const TEAM = mandateClaim('team', { agent: null, depth: 0 });
const environment = { max_age_seconds: 300, measurements: ['good'] };
const MAIN = mandateClaim('main', { parent: TEAM.id, depth: 1, environment });

let world: TestRuntime;
let asked = 0n;
beforeEach(async () => {
  const settings = { ...AUTHORIZER_SETTINGS, ...GATE_SETTINGS, ...DETECTOR_SETTINGS };
  // Nothing here waits for the bound, and a machine may stand still for longer than the default one.
  const slow = { SPENDGATE_DOMAIN_WATCH_SECONDS: '300' };
  world = await openTestRuntime({ settings, environment: slow });
  await world.domain.mandates([TEAM, MAIN]);
  await run(
    `INSERT INTO attestations VALUES ('buyer', 'good', 'e', 'attester', false, false, now() + interval '1 h', 't', now(), $1)`,
    [world.domain.attester.kid],
  );
  asked = 0n;
}, HOOK_MS);
afterEach(() => world.close());

async function run<T>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
  return (await world.database.pool.query(sql, [...values])).rows as T[]; // as: the query names its columns
}

interface Decided {
  readonly outcome: string;
  readonly field: string | null;
  readonly artifact: IssuedTestArtifact | null;
}

/** What an intent comes to, by an authorizer that has read nothing yet. */
async function ask(): Promise<Decided> {
  const authorize = new AuthorizeBatch(createAuthorizerParts(world.as('spendgate_authorizer')));
  const at = asked++;
  const token = await signIntent(world.domain.agent('buyer'), intentClaims(`i-${at}`, Date.now()));
  await authorize.execute(batchOf(await world.lane(TOPICS.paymentIntents), [token], { firstOffset: at }));
  type Row = { outcome: string; field: string | null; claims: string | null };
  const [row] = await run<Row>(
    `SELECT coalesce(d.code, d.outcome) AS outcome, d.field, a.claims
     FROM decisions d LEFT JOIN artifacts a USING (artifact_id) WHERE d.lane_offset = $1`,
    [at],
  );
  const claims = JSON.parse(row?.claims ?? 'null') as ArtifactClaims | null; // as: our own column
  return {
    outcome: row?.outcome ?? 'no decision',
    field: row?.field ?? null,
    artifact: claims === null ? null : artifactOf(claims),
  };
}

/** What a capture comes to, by a gate that has read nothing yet. */
async function capture(artifact: IssuedTestArtifact): Promise<string> {
  const gate = createGateParts(world.as('spendgate_gate'));
  const claims = captureClaims(artifact, `c-${artifact.id}`, artifact.amount);
  const answer = await gate.door.present(await signRequest(world.domain.settler, claims));
  await gate.events.stop();
  return answer.kind === 'settlement' ? (answer.code ?? answer.state) : answer.kind;
}

async function issued(): Promise<IssuedTestArtifact> {
  const { outcome, artifact } = await ask();
  if (artifact === null) throw new Error(outcome);
  return artifact;
}

/** A detector's whole look at the domain and every flow that is due, as the next one of a running detector. */
async function look(): Promise<void> {
  await run(`UPDATE flow_watches SET verified_at = now() - interval '45 s'`);
  const detector = createDetector(world.as('spendgate_detector'));
  await detector.start();
  await detector.stop();
}

async function rewrite(mandate: string): Promise<void> {
  const [row] = await run<{ claims: string }>('SELECT claims FROM mandates WHERE mandate_id = $1', [mandate]);
  const claims = canonicalize({ ...(JSON.parse(row?.claims ?? '{}') as object), version: 9 }); // as: canonical claims
  await run('UPDATE mandates SET claims = $2, mandate_hash = $3 WHERE mandate_id = $1', [
    mandate,
    claims,
    sha256Text(claims),
  ]);
}

/** What goes wrong, whether the detector looks before anybody asks, and what both doors say then. */
type Condition = readonly [
  title: string,
  fault: () => Promise<unknown>,
  looks: boolean,
  codes: readonly [capture: string, intent: string],
  rule: string | null,
];
const CONDITIONS: readonly Condition[] = [
  ['C17: trust cannot be verified, because nobody has looked in time',
    () => run(`UPDATE domain_watch SET due_at = now()`), false, ['trust_unverifiable', 'trust_unverifiable'], null],
  ['C17: trust in this flow cannot be verified, because nobody has looked at it in time',
    () => run(`UPDATE flow_watches SET verified_at = now() - interval '61 s'`), false,
    ['trust_unverifiable', 'trust_unverifiable'], null],
  ['C18: the authorization’s integrity is broken: the mandate above it is another one',
    () => rewrite(TEAM.id), false, ['authorization_discontinuity', 'authorization_discontinuity'], null],
  ['C18: the same, found by the detector before anybody asked',
    () => rewrite(TEAM.id), true, ['authorization_discontinuity', 'authorization_discontinuity'],
    'exact.authorization_discontinuity'],
  ['C19: governance continuity fails: another policy is in force than two people activated',
    () => run(`UPDATE policies SET policy_text = policy_text || ' '`), true,
    ['governance_discontinuity', 'governance_discontinuity'], 'exact.governance_discontinuity'],
  ['C20: trust expires: the evidence of the runtime is past its time',
    () => run(`UPDATE attestations SET valid_until = now()`), false, ['environment_stale', 'environment_stale'], null],
  ['C21: integrity degrades: an artifact’s row is not what was issued',
    () => run(`UPDATE artifacts SET claims = replace(claims, 'shop', 'casino')`), true,
    ['flow_contained', 'flow_contained'], 'exact.artifact_altered'],
  ['C22: cryptographic verification fails: a key of the agent is explained by no signed act',
    () => run(`INSERT INTO party_keys (kid, kind, party_id, alg, jwk, active_from)
       SELECT 'planted', kind, party_id, alg, jwk, now() FROM party_keys WHERE party_id = 'buyer'`), true,
    ['identity_discontinuity', 'identity_discontinuity'], 'exact.identity_discontinuity'],
]; // prettier-ignore

describe('with an open hold, while the domain is watched', () => {
  it.each(CONDITIONS)(
    '%s: no capture, no artifact, and the reason is on record',
    async (_, fault, looks, codes, rule) => {
      const [first, open] = [await issued(), await issued()];
      await look();
      expect(await capture(first)).toBe('capturing');
      await fault();
      if (looks) await look();
      const [captured, intent] = [await capture(open), await ask()];
      expect([captured, intent.outcome]).toEqual(codes);
      const [recorded] = await run(
        `SELECT array(SELECT code FROM settlements WHERE artifact_id = $1) AS settlements,
         array(SELECT code FROM decisions WHERE code IS NOT NULL) AS decisions,
         array(SELECT DISTINCT rule FROM incident_causes WHERE evidence LIKE '%sweep%') AS found,
         (SELECT count(*)::int FROM artifacts) AS artifacts, (SELECT held::float8 FROM holds WHERE artifact_id = $1) AS held`,
        [open.id],
      );
      expect(recorded).toEqual({
        settlements: [codes[0]],
        decisions: [codes[1]],
        found: rule === null ? [] : [rule],
        artifacts: 2,
        held: 12.5,
      });
    },
  );

  it('C6: what only nobody looked at heals by itself: a retry of the capture and the next intent pass', async () => {
    const open = await issued();
    await look();
    await run(`UPDATE domain_watch SET due_at = now()`);
    expect([await capture(open), (await ask()).outcome]).toEqual(['trust_unverifiable', 'trust_unverifiable']);
    await look();
    expect([await capture(open), (await ask()).outcome]).toEqual(['capturing', 'authorized']);
    expect(await run('SELECT incident_id FROM incidents')).toEqual([]);
  });

  it('D2: every one of these decisions is recomputed from its read set to the same bytes', async () => {
    const open = await issued();
    await look();
    await run(`UPDATE domain_watch SET due_at = now()`);
    await capture(open);
    await ask();
    await look();
    await run(`UPDATE policies SET policy_text = policy_text || ' '`);
    await look();
    await ask();
    const { checked, differences } = await replayDecisions(world.database.pool);
    expect([checked, differences]).toEqual([3, []]);
    const settled = [];
    for await (const each of replaySettlements(world.database.pool)) settled.push(each.differences);
    expect(settled).toEqual([[]]);
    const frozen = await run(
      `SELECT read_set::json #>> '{watches,watch}' AS watch, read_set::json #>> '{watches,governance}' AS governance
       FROM decisions ORDER BY lane_offset`,
    );
    expect(frozen).toEqual([
      { watch: 'verified', governance: 'verified' },
      { watch: 'stale', governance: 'verified' },
      { watch: 'verified', governance: 'broken' },
    ]);
  });

  it('a live flow on no list is not trusted; a decision that finds its flow whole says so', async () => {
    expect(await run('SELECT flow_id FROM flow_watches')).toEqual([]); // nobody began yet: nothing is overdue
    const open = await issued();
    expect(await capture(await issued())).toBe('capturing');
    await look();
    await run('DELETE FROM flow_watches');
    expect(await capture(open)).toBe('trust_unverifiable');
    await issued();
    await run(`UPDATE flow_watches SET verified_at = now() - interval '20 s'`);
    await issued();
    const watched = `SELECT flow_id AS flow, verified_at > now() - interval '10 s' AS fresh FROM flow_watches`;
    expect(await run(watched)).toEqual([{ flow: open.flowId, fresh: true }]);
  });
});
