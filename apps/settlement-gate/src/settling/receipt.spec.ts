import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseClaims } from '@spendgate/codec';
import {
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
import { type GateParts, createGateParts } from '../gate-parts.js';
import { GATE_SETTINGS } from '../gate.settings.js';

/** A new server may have to start first. */
const HOOK_MS = 60_000;
const LIMITS = { currency: 'USD', total: '100000.00', per_transaction: null };

let world: TestRuntime;
let gate: GateParts;

beforeAll(async () => {
  world = await openTestRuntime({ settings: GATE_SETTINGS });
  await world.domain.mandates([mandateClaim('main', { limits: LIMITS })]);
  gate = createGateParts(world.as('spendgate_gate'));
}, HOOK_MS);
afterAll(async () => {
  await gate.events.stop();
  await world.close();
});

describe('receipts', () => {
  it('are of their own published schema, whatever was asked and whatever came out', async () => {
    const present = async (claims: object) => gate.door.present(await signRequest(world.domain.settler, claims));
    const artifact = await issueTestArtifact(world, { maxCaptures: 2 });
    const other = await issueTestArtifact(world, {});
    const answers = [
      await present(captureClaims(artifact, 'c1', '1.00')),
      await present(captureClaims(artifact, 'c2', '1000.00')),
      await present(captureClaims(artifact, 'c3', '1.00', { counterparty: 'casino' })),
    ];
    await gate.door.present(
      await signOutcome(world.domain.settler, outcomeClaims(artifact, { capture_id: 'c1' }, 'completed', '1.00')),
    );
    answers.push(
      await present(refundClaims(artifact, 'c1', 'r1', '0.50')),
      await present(refundClaims(artifact, 'nothing', 'r2', '0.50')),
      await present(voidClaims(other, 'v1')),
      await present(captureClaims(other, 'c4', '1.00')),
      await present({ ...captureClaims(artifact, 'c5', '1.00'), artifact: { id: artifact.id, hash: other.hash } }),
    );
    const receipts = answers.map((answer) => (answer.kind === 'settlement' ? answer.receiptClaims : answer.kind));
    const read = receipts.map((text) => parseClaims('settlement-receipt+jwt', JSON.parse(text)));
    expect(read.filter((each) => !each.ok)).toEqual([]);
    expect(new Set(read.map((each) => each.ok && `${each.claims.action} ${each.claims.outcome}`))).toEqual(
      new Set(['capture authorized', 'capture denied', 'refund authorized', 'refund denied', 'void authorized']),
    );
  });
});
