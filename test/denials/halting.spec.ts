import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { replayDecisions } from '@spendgate/authorizer';
import { replaySettlements } from '@spendgate/settlement-gate';
import { mandateClaim } from '@spendgate/testing';
import { WatchedWorld } from './watched-world.js';

/** A new server may have to start first. */
const HOOK_MS = 60_000;
const TEAM = mandateClaim('team', { agent: null, depth: 0 });
const environment = { max_age_seconds: 300, measurements: ['good'] };
const MAIN = mandateClaim('main', { parent: TEAM.id, depth: 1, environment });

let watched: WatchedWorld;
beforeEach(async () => {
  watched = await WatchedWorld.open([TEAM, MAIN]);
}, HOOK_MS);
afterEach(() => watched.close());

const run = <T>(sql: string, values: readonly unknown[] = []): Promise<T[]> => watched.run<T>(sql, values);
const rewrite = (mandate: string): Promise<void> => watched.rewrite(mandate, (claims) => ({ ...claims, version: 9 }));

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
      const [first, open] = [await watched.issued(), await watched.issued()];
      await watched.look();
      expect(await watched.capture(first)).toBe('capturing');
      await fault();
      if (looks) await watched.look();
      const [captured, intent] = [await watched.capture(open), await watched.ask()];
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
    const open = await watched.issued();
    await watched.look();
    await run(`UPDATE domain_watch SET due_at = now()`);
    expect([await watched.capture(open), (await watched.ask()).outcome]).toEqual([
      'trust_unverifiable',
      'trust_unverifiable',
    ]);
    await watched.look();
    expect([await watched.capture(open), (await watched.ask()).outcome]).toEqual(['capturing', 'authorized']);
    expect(await run('SELECT incident_id FROM incidents')).toEqual([]);
  });

  it('D2: every one of these decisions is recomputed from its read set to the same bytes', async () => {
    const open = await watched.issued();
    await watched.look();
    await run(`UPDATE domain_watch SET due_at = now()`);
    await watched.capture(open);
    await watched.ask();
    await watched.look();
    await run(`UPDATE policies SET policy_text = policy_text || ' '`);
    await watched.look();
    await watched.ask();
    const { checked, differences } = await replayDecisions(watched.world.database.pool);
    expect([checked, differences]).toEqual([3, []]);
    const settled = [];
    for await (const each of replaySettlements(watched.world.database.pool)) settled.push(each.differences);
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
    const open = await watched.issued();
    expect(await watched.capture(await watched.issued())).toBe('capturing');
    await watched.look();
    await run('DELETE FROM flow_watches');
    expect(await watched.capture(open)).toBe('trust_unverifiable');
    await watched.issued();
    await run(`UPDATE flow_watches SET verified_at = now() - interval '20 s'`);
    await watched.issued();
    const fresh = `SELECT flow_id AS flow, verified_at > now() - interval '10 s' AS fresh FROM flow_watches`;
    expect(await run(fresh)).toEqual([{ flow: open.flowId, fresh: true }]);
  });
});
