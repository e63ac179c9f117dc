import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { signCanonical } from '@spendgate/artifact';
import {
  type ArtifactChange,
  type IssuedTestArtifact,
  type TestRuntime,
  captureClaims,
  issueTestArtifact,
  mandateClaim,
  openTestRuntime,
  outcomeClaims,
  refundClaims,
  signOutcome,
  signRequest,
  voidClaims,
} from '@spendgate/testing';
import { type GateParts, createGateParts } from './gate-parts.js';
import { GATE_SETTINGS } from './gate.settings.js';
import type { GateAnswer } from './settling/gate-item.js';

/** A new server may have to start first. */
const HOOK_MS = 60_000;
const LIMITS = { currency: 'USD', total: '100000.00', per_transaction: null };
const ROOT = mandateClaim('root', { agent: null, limits: LIMITS });
const TEAM = mandateClaim('team', { agent: null, parent: ROOT.id, depth: 1, limits: LIMITS });
const MAIN = mandateClaim('main', { parent: TEAM.id, depth: 2, limits: LIMITS });

let world: TestRuntime;
let gate: GateParts;

beforeAll(async () => {
  world = await openTestRuntime({ settings: GATE_SETTINGS });
  await world.domain.mandates([ROOT, TEAM, MAIN]);
  gate = createGateParts(world.as('spendgate_gate'));
}, HOOK_MS);
afterAll(async () => {
  await gate.events.stop();
  await world.close();
});

const issue = (change: ArtifactChange = {}): Promise<IssuedTestArtifact> => issueTestArtifact(world, change);
const present = async (claims: object): Promise<GateAnswer> =>
  gate.door.present(await signRequest(world.domain.settler, claims));
const report = async (claims: object): Promise<GateAnswer> =>
  gate.door.present(await signOutcome(world.domain.settler, claims));

/** The word that matters of an answer: its code, or the state of the settlement. */
function word(answer: GateAnswer): string {
  return answer.kind === 'outcome' ? answer.state : (answer.code ?? (answer.kind === 'settlement' ? answer.state : ''));
}

async function holdOf({ id }: IssuedTestArtifact): Promise<Record<string, number>> {
  const { rows } = await world.database.pool.query<Record<string, number>>(
    `SELECT held::float8, capturing::float8, captured::float8, released::float8, refunded::float8
     FROM holds WHERE artifact_id = $1`,
    [id],
  );
  return rows[0] ?? {};
}

describe('capture', () => {
  it('F4, F5: grants up to the last cent of the hold and not one more', async () => {
    const artifact = await issue({ amount: '12.50' });
    expect(word(await present(captureClaims(artifact, 'a', '12.51')))).toBe('amount_exceeds_artifact');
    expect(word(await present(captureClaims(artifact, 'b', '12.50')))).toBe('capturing');
    expect(await holdOf(artifact)).toMatchObject({ held: 0, capturing: 12.5 });
    expect(word(await present(captureClaims(artifact, 'c', '0.01')))).toBe('artifact_consumed');
  });

  it('takes several captures of a multi artifact, and no more than it allows', async () => {
    const artifact = await issue({ maxCaptures: 2 });
    expect(word(await present(captureClaims(artifact, '1', '1.00')))).toBe('capturing');
    expect(word(await present(captureClaims(artifact, '2', '1.00')))).toBe('capturing');
    expect(word(await present(captureClaims(artifact, '3', '1.00')))).toBe('capture_limit');
  });

  it('releases the rest with a final capture, and with the only one of a single artifact', async () => {
    const multi = await issue();
    await present(captureClaims(multi, '1', '2.00', { final: true }));
    expect(await holdOf(multi)).toMatchObject({ held: 0, capturing: 2, released: 10.5 });
    const single = await issue({ mode: 'single' });
    await present(captureClaims(single, '1', '2.00'));
    expect(await holdOf(single)).toMatchObject({ held: 0, capturing: 2, released: 10.5 });
  });

  it('gives one signed receipt whose bytes never change', async () => {
    const artifact = await issue();
    const claims = captureClaims(artifact, 'r', '1.00');
    const [first, again] = [await present(claims), await present(claims)];
    if (first.kind !== 'settlement' || again.kind !== 'settlement') throw new Error('not settled');
    expect(again).toEqual({ ...first, replayed: true });
    const sign = (text: string): Promise<string> => signCanonical(gate.receiptSigner, 'settlement-receipt+jwt', text);
    expect(await sign(again.receiptClaims)).toBe(await sign(first.receiptClaims));
    expect(JSON.parse(first.receiptClaims)).toMatchObject({
      outcome: 'authorized',
      amount: { value: '1.00', currency: 'USD' },
      money: { held: '11.50', capturing: '1.00' },
    });
  });
});

describe('void and refund', () => {
  it('gives back what is held and ends the artifact, asked by the service or by the agent', async () => {
    const first = await issue();
    expect(word(await present(voidClaims(first, 'v')))).toBe('released');
    expect(word(await present(captureClaims(first, 'late', '1.00')))).toBe('artifact_revoked');
    const second = await issue();
    const token = await signRequest(world.domain.agent('buyer'), voidClaims(second, 'v', { iss: 'buyer' }));
    expect(word(await gate.door.present(token))).toBe('released');
    expect(await holdOf(second)).toMatchObject({ held: 0, released: 12.5 });
  });

  it('refunds what was captured, counting refunds whose outcome is open', async () => {
    const artifact = await issue();
    await present(captureClaims(artifact, 'c', '10.00'));
    expect(word(await present(refundClaims(artifact, 'c', 'early', '1.00')))).toBe('amount_exceeds_artifact');
    await report(outcomeClaims(artifact, { capture_id: 'c' }, 'completed', '10.00'));
    expect(word(await present(refundClaims(artifact, 'c', 'r1', '6.00')))).toBe('refunding');
    expect(word(await present(refundClaims(artifact, 'c', 'r2', '6.00')))).toBe('amount_exceeds_artifact');
    expect(word(await report(outcomeClaims(artifact, { refund_id: 'r1' }, 'completed', '6.00')))).toBe('refunded');
    expect(word(await present(refundClaims(artifact, 'c', 'r3', '4.00')))).toBe('refunding');
    expect(await holdOf(artifact)).toMatchObject({ captured: 10, refunded: 6 });
  });
});

describe('outcomes', () => {
  it.each([
    ['completed', 'captured', { captured: 5, capturing: 0 }],
    ['failed', 'returned', { held: 12.5, capturing: 0 }],
    ['unknown', 'unknown', { capturing: 5 }],
  ] as const)('moves a capture reported %s to %s', async (outcome, state, money) => {
    const artifact = await issue();
    await present(captureClaims(artifact, 'c', '5.00'));
    expect(word(await report(outcomeClaims(artifact, { capture_id: 'c' }, outcome, '5.00')))).toBe(state);
    expect(await holdOf(artifact)).toMatchObject(money);
  });

  it('ends unknown by the word of the rail only', async () => {
    const artifact = await issue();
    await present(captureClaims(artifact, 'c', '5.00'));
    await report(outcomeClaims(artifact, { capture_id: 'c' }, 'unknown', '5.00'));
    expect(word(await report(outcomeClaims(artifact, { capture_id: 'c' }, 'completed', '5.00')))).toBe('captured');
  });

  it('takes money that moved with another amount for neither a capture nor none', async () => {
    const artifact = await issue();
    await present(captureClaims(artifact, 'c', '5.00'));
    expect(word(await report(outcomeClaims(artifact, { capture_id: 'c' }, 'completed', '6.00')))).toBe('unknown');
    expect(await holdOf(artifact)).toMatchObject({ capturing: 5, captured: 0 });
  });

  it('repeats a report without effect', async () => {
    const artifact = await issue();
    await present(captureClaims(artifact, 'c', '5.00'));
    const claims = outcomeClaims(artifact, { capture_id: 'c' }, 'completed', '5.00');
    expect(await report(claims)).toMatchObject({ applied: true, replayed: false });
    expect(await report(claims)).toMatchObject({ applied: true, replayed: true, state: 'captured' });
    expect(await holdOf(artifact)).toMatchObject({ captured: 5 });
  });
});
