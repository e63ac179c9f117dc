import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Signer } from '@spendgate/artifact';
import {
  type IssuedTestArtifact,
  type TestRuntime,
  captureClaims,
  issueTestArtifact,
  mandateClaim,
  openTestRuntime,
  outcomeClaims,
  refundClaims,
  registerBank,
  signOutcome,
  signRequest,
} from '@spendgate/testing';
import { type GateParts, createGateParts } from './gate-parts.js';
import { GATE_SETTINGS } from './gate.settings.js';
import type { GateAnswer } from './settling/gate-item.js';

const HOOK_MS = 60_000;
const LIMITS = { currency: 'USD', total: '100.00', per_transaction: null };
const ROOT = mandateClaim('root', { agent: null, limits: LIMITS });
const MAIN = mandateClaim('main', { parent: ROOT.id, depth: 1, limits: LIMITS });

let world: TestRuntime;
let gate: GateParts;
let bank: Signer;

beforeAll(async () => {
  world = await openTestRuntime({ settings: GATE_SETTINGS });
  await world.domain.mandates([ROOT, MAIN]);
  bank = await registerBank(world);
  gate = createGateParts(world.as('spendgate_gate'));
}, HOOK_MS);
afterAll(async () => {
  await gate.events.stop();
  await world.close();
});

const present = async (claims: object): Promise<GateAnswer> =>
  gate.door.present(await signRequest(world.domain.settler, claims));
const serviceSays = async (claims: object): Promise<GateAnswer> =>
  gate.door.present(await signOutcome(world.domain.settler, claims));
const bankSays = async (claims: object): Promise<GateAnswer> =>
  gate.door.present(await signOutcome(bank, { ...claims, iss: 'bank' }));

/** What both levels have captured, and of it restored; what the holds say must be the same. */
async function sums(): Promise<unknown> {
  const { rows } = await world.database.pool.query(
    `SELECT DISTINCT captured::float8, refunded::float8 AS restored,
       (SELECT sum(refunded)::float8 FROM holds) AS refunded,
       refunded = (SELECT sum(restored) FROM holds) AND captured = (SELECT sum(captured) FROM holds) AS balanced
     FROM budgets`,
  );
  return rows;
}

async function refunding(counterparty: string): Promise<IssuedTestArtifact> {
  const artifact = await issueTestArtifact(world, { counterparty, amount: '10.00' });
  await present(captureClaims(artifact, 'c', '10.00'));
  await serviceSays(outcomeClaims(artifact, { capture_id: 'c' }, 'completed', '10.00'));
  await present(refundClaims(artifact, 'c', 'r', '10.00'));
  return artifact;
}

describe('a completed refund', () => {
  it('I1: on the word of the service alone is recorded, and no level gets its limit back', async () => {
    for (const cycle of [1, 2, 3]) {
      const artifact = await refunding('shop');
      const answer = await serviceSays(outcomeClaims(artifact, { refund_id: 'r' }, 'completed', '10.00'));
      expect(answer).toMatchObject({ kind: 'outcome', applied: true, state: 'refunded' });
      expect(await sums()).toEqual([{ captured: 10 * cycle, restored: 0, refunded: 10 * cycle, balanced: true }]);
    }
  });

  it('I9: by the rail’s word restores every level, also after the service said so, and only once', async () => {
    const artifact = await refunding('bank-shop');
    const claims = outcomeClaims(artifact, { refund_id: 'r' }, 'completed', '10.00');
    expect(await serviceSays(claims)).toMatchObject({ applied: true, state: 'refunded' });
    expect(await sums()).toEqual([{ captured: 40, restored: 0, refunded: 40, balanced: true }]);
    expect(await bankSays(claims)).toMatchObject({ applied: true, state: 'refunded' });
    expect(await sums()).toEqual([{ captured: 40, restored: 10, refunded: 40, balanced: true }]);
    expect(await bankSays({ ...claims, jti: 'once-more' })).toMatchObject({ applied: false, state: 'refunded' });
    expect(await sums()).toEqual([{ captured: 40, restored: 10, refunded: 40, balanced: true }]);
  });
});
