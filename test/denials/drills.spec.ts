import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { MandateClaim } from '@spendgate/codec';
import { inControlAct, revokeMandates, setDetectors } from '@spendgate/store';
import { type IssuedTestArtifact, TEST_SPENDING, intentClaims, mandateClaim, namedId } from '@spendgate/testing';
import { WatchedWorld } from './watched-world.js';

/** A new server may have to start first. */
const HOOK_MS = 60_000;
const environment = { max_age_seconds: 300, measurements: ['good'] };
const TEAM = mandateClaim('team', { agent: null, depth: 0 });
const MAIN = mandateClaim('main', { parent: TEAM.id, depth: 1, environment, spending: TEST_SPENDING });

let watched: WatchedWorld;
let open: IssuedTestArtifact;
/** Each begins with a flow that works: a capture has passed, and another hold is open. */
beforeEach(async () => {
  watched = await WatchedWorld.open([TEAM, MAIN]);
  const first = await watched.issued();
  open = await watched.issued();
  await watched.look();
  expect(await watched.capture(first)).toBe('capturing');
}, HOOK_MS);
afterEach(() => watched.close());

const run = <T>(sql: string, values: readonly unknown[] = []): Promise<T[]> => watched.run<T>(sql, values);
const counted = async (sql: string): Promise<number> =>
  Number((await run<{ n: string }>(`SELECT count(*) AS n FROM ${sql}`))[0]?.n);

/** Neither the open hold is captured nor another artifact issued, and no person had to act for it. */
async function expectStopped(): Promise<readonly [capture: string, intent: string]> {
  const artifacts = await counted('artifacts');
  const codes = [await watched.capture(open), (await watched.ask()).outcome] as const;
  expect(codes).not.toContain('capturing');
  expect(codes).not.toContain('authorized');
  expect(await counted('artifacts')).toBe(artifacts);
  expect(await counted('ops_acts')).toBe(0);
  const taken = await run(
    'SELECT captured::float8 AS captured, capturing::float8 AS capturing FROM holds WHERE artifact_id = $1',
    [open.id],
  );
  expect(taken).toEqual([{ captured: 0, capturing: 0 }]);
  return codes;
}

interface Drill {
  readonly title: string;
  readonly fault: () => Promise<unknown>;
  /** Whether it is found by a detector's look before anybody asks. */
  readonly looked: boolean;
  readonly codes: readonly [capture: string, intent: string];
}

const PLANT = `INSERT INTO party_keys (kid, kind, party_id, alg, jwk, active_from)
  SELECT 'planted', kind, party_id, alg, jwk, now() FROM party_keys WHERE party_id = `;
const CONTAINED = ['flow_contained', 'flow_contained'] as const;
const UNVERIFIABLE = ['trust_unverifiable', 'trust_unverifiable'] as const;

const DRILLS: readonly Drill[] = [
  {
    title: 'B1: a key of the settlement service that holds the artifact is explained by no signed act',
    fault: () => run(`${PLANT} 'settler'`),
    looked: true,
    codes: ['identity_discontinuity', 'identity_discontinuity'],
  },
  {
    title: 'B2: the claims of the live artifact were rewritten',
    fault: () => run(`UPDATE artifacts SET claims = replace(claims, '12.50', '99.50')`),
    looked: true,
    codes: CONTAINED,
  },
  {
    title: 'B3: a key was planted in the agent’s name',
    fault: () => run(`${PLANT} 'buyer'`),
    looked: true,
    codes: ['identity_discontinuity', 'identity_discontinuity'],
  },
  {
    title: 'B4: another policy is in force than was activated',
    fault: () => run(`UPDATE policies SET policy_text = policy_text || ' '`),
    looked: true,
    codes: ['governance_discontinuity', 'governance_discontinuity'],
  },
  {
    title: 'B5: the runtime is another one than the mandate names',
    fault: () => run(`UPDATE attestations SET measurement = 'evil'`),
    looked: true,
    codes: ['flow_contained', 'environment_integrity_failure'],
  },
  {
    title: 'B6: the artifact’s own row was taken away',
    fault: () => run('DELETE FROM artifacts WHERE artifact_id = $1', [open.id]),
    looked: true,
    codes: ['artifact_not_issued', 'flow_contained'],
  },
  {
    title: 'B7: the mandate above it is another one',
    fault: () => watched.rewrite(TEAM.id, (claims) => ({ ...claims, version: 9 })),
    looked: true,
    codes: ['authorization_discontinuity', 'authorization_discontinuity'],
  },
  {
    title: 'B8: what others were shown as the log’s size went back',
    fault: () => run('UPDATE domain_watch SET tree_size = 1000000'), // as if a detector had seen a longer log
    looked: true,
    codes: ['governance_discontinuity', 'governance_discontinuity'],
  },
  {
    title: 'D4: what cannot be verified does not go on: nobody has looked in time',
    fault: () => run('UPDATE domain_watch SET due_at = now()'),
    looked: false,
    codes: UNVERIFIABLE,
  },
  {
    title: 'D5: continuity is not fragmented: a level of the chain is gone',
    fault: () => run(`SET session_replication_role = replica; DELETE FROM mandates WHERE mandate_id = '${TEAM.id}'`),
    looked: false,
    codes: ['authorization_discontinuity', 'authorization_discontinuity'],
  },
  {
    title: 'D6: trust does not diverge: the tables say another key than the log',
    fault: () => run(`${PLANT} 'buyer'`),
    looked: false,
    codes: ['identity_discontinuity', 'identity_discontinuity'],
  },
  {
    title: 'D7: synchronisation does not drift: the control epoch went back',
    fault: () => run('UPDATE domain_watch SET control_epoch = 1000000'),
    looked: true,
    codes: ['governance_discontinuity', 'governance_discontinuity'],
  },
  {
    title: 'D38: invalidity is assumed: the mandate was revoked by its principal, nobody told the presenter',
    fault: () =>
      inControlAct(watched.world.database.pool, (act) =>
        revokeMandates(act, { mandateIds: [MAIN.id], by: 'acme', reason: 'drill' }),
      ),
    looked: false,
    codes: ['mandate_revoked', 'mandate_revoked'],
  },
  {
    title: 'D39: failing synchronisation is assumed: no leaf has come under a signed head for longer than the bound',
    fault: () =>
      run(`UPDATE leaves SET leaf = regexp_replace(leaf, '"time":[0-9]+', '"time":1') WHERE leaf LIKE '%decision%'`), // since 1970
    looked: false,
    codes: ['audit_unavailable', 'no decision'],
  },
  {
    title: 'D40: expanding authority is assumed: somebody with SQL raised the limit',
    fault: () =>
      watched.rewrite(MAIN.id, (claims: MandateClaim) => ({
        ...claims,
        limits: { ...claims.limits, total: '1000000.00' },
      })),
    looked: false,
    codes: ['lineage_fragmented', 'flow_contained'],
  },
  {
    title: 'D41: fragmentation is assumed: the agent’s own mandate is gone',
    fault: () => run(`SET session_replication_role = replica; DELETE FROM mandates WHERE mandate_id = '${MAIN.id}'`),
    looked: true,
    codes: ['lineage_fragmented', 'mandate_unknown'],
  },
];

describe('with an open hold, without anybody acting', () => {
  it.each(DRILLS)('$title', async ({ fault, looked, codes }) => {
    await fault();
    if (looked) await watched.look();
    expect(await expectStopped()).toEqual(codes);
  });

  it('D37: drift is assumed: evidence of spending that its mandate does not declare', async () => {
    await inControlAct(watched.world.database.pool, (act) => setDetectors(act, { mode: 'enforce', eventsPerDay: 0 }));
    const codes: string[] = [];
    while (!codes.includes('drift_detected') && codes.length < 20) {
      codes.push((await watched.ask({ amount: { value: '95.00', currency: 'USD' } })).outcome);
    }
    expect(codes.at(-1)).toBe('drift_detected');
    expect(await expectStopped()).toEqual(CONTAINED);
  });

  it('D3: stops by itself when what made it legitimate has ended, and says when it was found', async () => {
    const [before] = await run<{ at: Date }>('SELECT clock_timestamp() AS at');
    await run(`UPDATE attestations SET compromised = true`);
    await watched.look();
    const [incident] = await run<{ found: Date; rule: string; acts: number }>(
      `SELECT opened_at AS found, rule, (SELECT count(*)::int FROM ops_acts) AS acts FROM incidents`,
    );
    expect([incident?.rule, incident?.acts]).toEqual(['exact.runtime_integrity_failure', 0]);
    expect(incident?.found.getTime()).toBeGreaterThanOrEqual(Math.floor(before?.at.getTime() ?? Infinity));
    expect(await expectStopped()).toEqual(['flow_contained', 'runtime_integrity_failure']);
  });

  it('D8: nothing persists without authorization: what a revoked mandate had is given back, and its artifacts never pass again', async () => {
    await inControlAct(watched.world.database.pool, (act) =>
      revokeMandates(act, { mandateIds: [MAIN.id], by: 'acme', reason: 'drill' }),
    );
    expect(await run('SELECT state FROM flows WHERE flow_id = $1', [MAIN.id])).toEqual([{ state: 'revoked' }]);
    expect(await run('SELECT DISTINCT status FROM artifacts')).toEqual([{ status: 1 }]);
    expect(await watched.capture(open)).toBe('mandate_revoked');
    const claims = intentClaims('after', Date.now());
    expect([claims.mandate, (await watched.ask()).outcome]).toEqual([namedId('main'), 'mandate_revoked']);
  });
});
