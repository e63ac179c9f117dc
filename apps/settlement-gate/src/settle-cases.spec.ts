import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Signer } from '@spendgate/artifact';
import { listSettlementCases, takeOpsAct } from '@spendgate/store';
import {
  type IssuedTestArtifact,
  type TestRuntime,
  captureClaims,
  issueTestArtifact,
  mandateClaim,
  openTestRuntime,
  opsClaims,
  outcomeClaims,
  refundClaims,
  registerBank,
  signOpsAct,
  signOutcome,
  signRequest,
} from '@spendgate/testing';
import { type GateParts, createGateParts } from './gate-parts.js';
import { GATE_SETTINGS } from './gate.settings.js';
import { RefundSweep } from './sweeps/refund-sweep.js';

const HOOK_MS = 60_000;
const LIMITS = { currency: 'USD', total: '100000.00', per_transaction: null };
const BOUNDS = { sharePercent: 20, countMin: 3 };

let world: TestRuntime;
let gate: GateParts;
let bank: Signer;

beforeAll(async () => {
  world = await openTestRuntime({
    settings: GATE_SETTINGS,
    people: { ada: ['operator'], grace: ['approver'] },
  });
  await world.domain.mandates([mandateClaim('main', { limits: LIMITS })]);
  bank = await registerBank(world);
  gate = createGateParts(world.as('spendgate_gate'));
}, HOOK_MS);
afterAll(async () => {
  await gate.events.stop();
  await world.close();
});

const ask = async (claims: object) => gate.door.present(await signRequest(world.domain.settler, claims));
const bankSays = async (claims: object) => gate.door.present(await signOutcome(bank, { ...claims, iss: 'bank' }));
const cases = (closed = false) => listSettlementCases(world.database.pool, closed, 100);

async function captured(): Promise<IssuedTestArtifact> {
  const artifact = await issueTestArtifact(world, { counterparty: 'bank-shop', amount: '10.00' });
  await ask(captureClaims(artifact, 'c', '10.00'));
  return artifact;
}

/** The case of an artifact's capture, with whether its leaf is the one of a recorded outcome. */
async function casesOf({ id }: IssuedTestArtifact): Promise<unknown[]> {
  const { rows } = await world.database.pool.query<Record<string, unknown>>(
    `SELECT c.kind, c.amount::float8, c.currency, count(l.leaf_hash)::int AS leaves
     FROM settlement_cases c JOIN settlements s USING (settlement_id) LEFT JOIN leaves l ON l.leaf_hash = c.leaf_hash
     WHERE s.artifact_id = $1 GROUP BY c.case_id ORDER BY c.opened_at, c.case_id`,
    [id],
  );
  return rows;
}

describe('a report that opens a case', () => {
  it('is a row with the leaf of the report: a chargeback, and a word that cannot follow', async () => {
    const disputed = await captured();
    const word = outcomeClaims(disputed, { capture_id: 'c' }, 'charged_back', '10.00');
    await bankSays(word);
    await bankSays(word);
    expect(await casesOf(disputed)).toEqual([{ kind: 'chargeback', amount: 10, currency: 'USD', leaves: 1 }]);
    await bankSays(outcomeClaims(disputed, { capture_id: 'c' }, 'reversed', '10.00'));
    expect(await casesOf(disputed)).toMatchObject([{ kind: 'chargeback' }, { kind: 'contradiction' }]);
  });

  it('is none when the word repeats what is known, and none when nobody may say it', async () => {
    const artifact = await captured();
    for (const word of ['completed', 'completed', 'unknown'] as const) {
      await bankSays(outcomeClaims(artifact, { capture_id: 'c' }, word, '10.00'));
    }
    const forged = outcomeClaims(artifact, { capture_id: 'c' }, 'charged_back', '10.00', { iss: 'bank' });
    expect(await gate.door.present(await signOutcome(world.domain.settler, forged))).toMatchObject({ kind: 'refused' });
    expect(await casesOf(artifact)).toEqual([]);
  });

  it('shows what the rail says moved when it is another amount than granted', async () => {
    await world.domain.mandates([mandateClaim('other amount', { limits: LIMITS })]);
    const artifact = await issueTestArtifact(world, { mandate: 'other amount', counterparty: 'bank-shop' });
    await ask(captureClaims(artifact, 'c', '5.00'));
    await bankSays(outcomeClaims(artifact, { capture_id: 'c' }, 'completed', '7.00'));
    expect(await casesOf(artifact)).toEqual([{ kind: 'contradiction', amount: 7, currency: 'USD', leaves: 1 }]);
  });
});

describe('the share of refunds', () => {
  const sweep = (bounds = BOUNDS): RefundSweep => new RefundSweep(gate.runtime.pool, bounds);

  /** Settlements of a day in the past, as another service would have them: only what the sweep reads is of interest. */
  async function day(service: string, currency: string, captures: number, refunds: readonly string[]): Promise<void> {
    const artifact = await captured();
    for (const [action, amounts] of [
      ['capture', Array<string>(captures).fill('10')],
      ['refund', refunds],
    ] as const) {
      for (const amount of amounts) {
        await world.database.pool.query(
          `INSERT INTO settlements (settlement_id, flow_id, artifact_id, action, action_id, presenter, presenter_kind,
             body_hash, request, outcome, amount, currency, state, rail, claims, read_set, decision_hash, leaf_hash,
             lane_id, judged_at)
           SELECT gen_random_uuid(), flow_id, artifact_id, $2, 'x', $3, presenter_kind, body_hash, request, outcome, $4,
             $5, CASE WHEN $2 = 'capture' THEN 'captured' ELSE 'refunding' END, rail, claims, read_set, decision_hash,
             leaf_hash, lane_id, judged_at FROM settlements WHERE artifact_id = $1 AND action = 'capture' LIMIT 1`,
          [artifact.id, action, service, amount, currency],
        );
      }
    }
  }
  const shares = async (service: string): Promise<unknown[]> =>
    (await cases()).filter((each) => each.service === service).map(({ kind, amount, currency }) => [kind, amount, currency]); // prettier-ignore

  it('above its bound opens one case for service, day and currency, though three gates look at once', async () => {
    await day('gives-back', 'USD', 10, ['9', '9', '9']);
    await day('gives-back', 'EUR', 10, ['1', '1', '1']);
    const leavesBefore = await openedLeaves();
    const sweeps = [sweep(), sweep(), sweep()];
    const opened = await Promise.all(sweeps.map((each) => each.run()));
    expect(opened.flat()).toEqual(['gives-back']);
    for (const each of sweeps) expect(await each.run()).toEqual([]);
    expect(await sweep().run()).toEqual([]); // another process, which remembers nothing
    expect(await shares('gives-back')).toEqual([['refund_share', '27', 'USD']]);
    expect((await openedLeaves()) - leavesBefore).toBe(1);
    const { rows } = await world.database.pool.query(
      `SELECT body::json->'subject'->>'id' AS id FROM outbox WHERE topic = 'control.v1' AND kind = 'case_opened'`,
    );
    expect(rows).toEqual([{ id: 'gives-back' }]);
  });

  it('is of each service alone: what another one gives back is not yours, nor do its captures cover you', async () => {
    await day('honest', 'USD', 10, ['5', '5', '5']);
    await day('attacker', 'USD', 0, ['50', '50', '50']);
    expect(await sweep().run()).toEqual(['attacker']);
    expect(await shares('honest')).toEqual([]);
  });

  it('opens none below the number of refunds that counts, whatever they were', async () => {
    await day('one-sale', 'USD', 1, ['10', '10']);
    expect(await sweep().run()).toEqual([]);
  });

  it('is looked at again when refunds were added, also by a process that saw the day before', async () => {
    const own = sweep();
    await day('grows', 'USD', 10, ['5', '5', '5']);
    expect(await own.run()).toEqual([]);
    await day('grows', 'USD', 0, ['6']);
    expect(await own.run()).toEqual(['grows']);
  });

  it('counts refunds that were really granted', async () => {
    for (let count = 0; count < 6; count += 1) {
      const artifact = await captured();
      await bankSays(outcomeClaims(artifact, { capture_id: 'c' }, 'completed', '10.00'));
      await ask(refundClaims(artifact, 'c', 'r', '10.00'));
    }
    expect(await sweep().run()).toEqual(['settler']);
  });

  async function openedLeaves(): Promise<number> {
    const { rows } = await world.database.pool.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM leaves WHERE leaf::json->>'type' = 'case_opened'`,
    );
    return rows[0]?.count ?? 0;
  }
});

describe('close_case', () => {
  const close = async (id: string, by: string) => {
    const claims = opsClaims(by, 'close_case', [{ kind: 'case', id }]);
    return takeOpsAct(world.database.pool, await signOpsAct(world.domain.person(by), claims));
  };

  it('is one operator’s act, once, with a reason; an approver or an agent closes nothing', async () => {
    const [open] = await cases();
    const id = open?.id ?? '';
    expect(await close(id, 'grace')).toMatchObject({ ok: false, because: 'forbidden' });
    const byAgent = opsClaims('buyer', 'close_case', [{ kind: 'case', id }]);
    const forged = await signOpsAct(world.domain.agent('buyer'), byAgent);
    expect(await takeOpsAct(world.database.pool, forged)).toMatchObject({ ok: false, because: 'unverified' });
    expect(await close(id, 'ada')).toMatchObject({ ok: true, state: 'done', changes: [{ id, change: 'closed' }] }); // prettier-ignore
    expect(await close(id, 'ada')).toMatchObject({ ok: false, because: 'conflict' });
    expect((await cases()).some((each) => each.id === id)).toBe(false);
    const closed = (await cases(true)).find((each) => each.id === id);
    expect(closed).toMatchObject({ closedBy: 'ada', closingReason: 'spec' });
    expect(await sweepAgain()).toEqual([]); // a closed case is not opened anew
  });

  it('of a case nobody opened is refused', async () => {
    const nobody = '11111111-2222-4333-8444-555555555555';
    expect(await close(nobody, 'ada')).toMatchObject({ ok: false, because: 'absent' });
    expect(await close('no-id', 'ada')).toMatchObject({ ok: false, because: 'invalid' });
  });

  const sweepAgain = (): Promise<string[]> => new RefundSweep(gate.runtime.pool, BOUNDS).run();
});
