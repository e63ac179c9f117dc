import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, signToken } from '@spendgate/artifact';
import { type PartyKind, inControlAct, recordCounterparties, recordDomainKeys, recordParties } from '@spendgate/store';
import {
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
import { VerifyArtifact } from './verify-artifact.js';

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
beforeEach(async () => {
  await setParty('agent', 'buyer', 'active');
  await setParty('settlement_service', 'settler', 'active');
  await setPayee('active');
});
afterAll(async () => {
  await gate.events.stop();
  await world.close();
});

function setParty(kind: PartyKind, id: string, state: 'active' | 'disabled'): Promise<unknown> {
  return inControlAct(world.runtime.pool, (act) => recordParties(act, [{ kind, id, name: id, state }]));
}

function setPayee(state: 'active' | 'disabled'): Promise<unknown> {
  const casino = { id: 'casino', legalName: 'Casino', category: '7995', settlementServices: ['settler'], state };
  return inControlAct(world.runtime.pool, (act) => recordCounterparties(act, [casino]));
}

const issue = (): Promise<IssuedTestArtifact> => issueTestArtifact(world, { counterparty: 'casino' });
const present = async (claims: object): Promise<GateAnswer> =>
  gate.door.present(await signRequest(world.domain.settler, claims));
const report = async (claims: object): Promise<GateAnswer> =>
  gate.door.present(await signOutcome(world.domain.settler, claims));

async function captured(): Promise<IssuedTestArtifact> {
  const artifact = await issue();
  await present(captureClaims(artifact, 'first', '5.00'));
  await report(outcomeClaims(artifact, { capture_id: 'first' }, 'completed', '5.00'));
  return artifact;
}

describe.each([
  ['agent', () => setParty('agent', 'buyer', 'disabled')],
  ['counterparty', () => setPayee('disabled')],
] as const)('a disabled %s', (field, disable) => {
  it('I7: stops the next capture at once, and the same request is granted when it is active again', async () => {
    const artifact = await issue();
    await disable();
    const claims = captureClaims(artifact, 'c', '12.50');
    expect(await present(claims)).toMatchObject({ code: 'flow_contained', field });
    await setParty('agent', 'buyer', 'active');
    await setPayee('active');
    expect(await present(claims)).toMatchObject({ code: null, state: 'capturing' });
  });

  it('leaves what brings money back: voids and refunds', async () => {
    const [open, spent] = [await issue(), await captured()];
    await disable();
    expect(await present(voidClaims(open, 'v'))).toMatchObject({ code: null, state: 'released' });
    expect(await present(refundClaims(spent, 'first', 'r', '5.00'))).toMatchObject({ code: null, state: 'refunding' });
  });

  it('I3: shows at /v1/artifacts/verify', async () => {
    const signer = PrivateKeySigner.generate('artifact');
    const { kid, alg, jwk } = signer;
    await inControlAct(world.runtime.pool, (act) => recordDomainKeys(act, [{ kid, purpose: 'artifact', alg, jwk }]));
    const token = Buffer.from(await signToken(signer, 'authorization-artifact+jwt', (await issue()).claims));
    const verify = new VerifyArtifact(gate);
    expect(await verify.execute(token)).toMatchObject({ valid: true, code: null });
    await disable();
    expect(await verify.execute(token)).toMatchObject({ valid: false, code: 'flow_contained', field });
  });
});

describe('/v1/artifacts/verify', () => {
  it('I12: lets callers nobody knows share a bounded place, and turns the rest away as rate_limited', async () => {
    const verify = new VerifyArtifact(gate, { atOnceMax: 1, waitingMax: 0 });
    const [first, second] = await Promise.allSettled(['a', 'b'].map((token) => verify.execute(Buffer.from(token))));
    expect(first).toMatchObject({ status: 'fulfilled', value: { valid: false, code: 'malformed' } });
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'ERR_DOOR_FULL' } });
  });
});

describe('a disabled reporter', () => {
  it.each(['completed', 'failed'] as const)(
    'I7: a settlement service that was disabled cannot say %s',
    async (word) => {
      const artifact = await issue();
      await present(captureClaims(artifact, 'c', '12.50'));
      await setParty('settlement_service', 'settler', 'disabled');
      const claims = outcomeClaims(artifact, { capture_id: 'c' }, word, '12.50');
      expect(await report(claims)).toMatchObject({ kind: 'refused', code: 'audience_mismatch', field: 'iss' });
      await setParty('settlement_service', 'settler', 'active');
      expect(await report(claims)).toMatchObject({ kind: 'outcome', applied: true });
    },
  );
});
