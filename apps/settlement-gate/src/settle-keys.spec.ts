import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, type Signer } from '@spendgate/artifact';
import { type PartyKind, inControlAct, recordKeys, recordParties, revokeKey, rotateKey } from '@spendgate/store';
import {
  type IssuedTestArtifact,
  type TestRuntime,
  captureClaims,
  issueTestArtifact,
  mandateClaim,
  openTestRuntime,
  signRequest,
  signTransition,
  transitionClaims,
  until,
} from '@spendgate/testing';
import { type GateParts, createGateParts } from './gate-parts.js';
import { GATE_SETTINGS } from './gate.settings.js';

/** A new server may have to start first. */
const HOOK_MS = 60_000;
const LIMITS = { currency: 'USD', total: '100000.00', per_transaction: null };
/** An overlap that was over before it was posted: the old key retires with the transition. */
const OVER = { from: 1, until: 2 };

let world: TestRuntime;
let gate: GateParts;
let captures = 0;

beforeAll(async () => {
  world = await openTestRuntime({ settings: GATE_SETTINGS, agents: ['buyer', 'other'] });
  const own = ['main', 'other'].map((name) =>
    mandateClaim(name, { limits: LIMITS, agent: name === 'main' ? 'buyer' : name }),
  );
  await world.domain.mandates(own);
  gate = createGateParts(world.as('spendgate_gate'));
}, HOOK_MS);
afterAll(async () => {
  await gate.events.stop();
  await world.close();
});

const fresh = (): PrivateKeySigner => PrivateKeySigner.generate('settlement');

async function enrol(kind: PartyKind, id: string, { kid, alg, jwk }: Signer): Promise<void> {
  await inControlAct(world.runtime.pool, async (act) => {
    await recordParties(act, [{ kind, id, name: id }]);
    await recordKeys(act, [{ kid, kind, partyId: id, alg, jwk, activeFromMs: 0 }]);
  });
}

/** An artifact bound to a key of `settler` that nothing else uses. */
async function bound(mandate = 'main'): Promise<{ artifact: IssuedTestArtifact; key: Signer }> {
  const key = fresh();
  await enrol('settlement_service', 'settler', key);
  return { artifact: await issueTestArtifact(world, { mandate, jkt: key.kid }), key };
}

async function rotate(old: Signer, overlap = OVER): Promise<Signer> {
  const successor = fresh();
  const token = await signTransition(old, successor, transitionClaims('settler', old, successor, { overlap }));
  const verdict = await inControlAct(world.runtime.pool, (act) => rotateKey(act, token));
  expect(verdict).toMatchObject({ ok: true });
  return successor;
}

/** What becomes of a capture of 1.00 that this key signs. */
async function capture(artifact: IssuedTestArtifact, signer: Signer): Promise<string> {
  const claims = captureClaims(artifact, `c-${(captures += 1)}`, '1.00');
  const answer = await gate.door.present(await signRequest(signer, claims));
  return answer.kind === 'outcome' ? answer.state : (answer.code ?? 'granted');
}

describe('the key an artifact is bound to', () => {
  it('B21: presents it in the overlap with its successor, and is key_retired from the end of the overlap on', async () => {
    const { artifact, key } = await bound();
    const now = Math.floor(Date.now() / 1_000);
    const successor = await rotate(key, { from: now, until: now + 3 });
    expect([await capture(artifact, key), await capture(artifact, successor)]).toEqual(['granted', 'granted']);
    await until('the end of the overlap', async () => {
      const { rows } = await world.database.pool.query<{ over: boolean }>(
        'SELECT clock_timestamp() >= to_timestamp($1) AS over',
        [now + 3],
      );
      return rows[0]?.over === true;
    });
    expect([await capture(artifact, key), await capture(artifact, successor)]).toEqual(['key_retired', 'granted']);
  });

  it('B21: may have its place taken by its signed successor and by that one’s, not by another key of the service', async () => {
    const { artifact, key } = await bound();
    const second = await rotate(await rotate(key));
    const { key: another } = await bound();
    expect([await capture(artifact, second), await capture(artifact, another)]).toEqual([
      'granted',
      'audience_mismatch',
    ]);
  });

  it('B21: takes its artifacts with it when it is removed: neither it nor its successor presents them', async () => {
    const { artifact, key } = await bound();
    const successor = await rotate(key);
    const later = await issueTestArtifact(world, { jkt: successor.kid });
    await inControlAct(world.runtime.pool, (act) => revokeKey(act, key.kid));
    expect([await capture(artifact, key), await capture(artifact, successor)]).toEqual([
      'key_retired',
      'audience_mismatch',
    ]);
    expect(await capture(later, successor)).toBe('granted');
  });

  it('B21: breaks the chain where it is removed: what came before it reaches no further', async () => {
    const { artifact, key } = await bound();
    const middle = await rotate(key);
    const last = await rotate(middle);
    await inControlAct(world.runtime.pool, (act) => revokeKey(act, middle.kid));
    expect([await capture(artifact, middle), await capture(artifact, last)]).toEqual([
      'key_retired',
      'audience_mismatch',
    ]);
  });
});

describe('a key row that no signed transition explains', () => {
  it('B21: of the presenter is identity_discontinuity at the gate, and other services go on', async () => {
    const rival = fresh();
    await enrol('settlement_service', 'rival', rival);
    const artifact = await issueTestArtifact(world, { jkt: rival.kid });
    const swapped = fresh();
    await edit('UPDATE party_keys SET kid = $1, jwk = $2 WHERE kid = $3', [swapped.kid, swapped.jwk, rival.kid]);
    const claims = captureClaims(artifact, 'swapped', '1.00', { iss: 'rival' });
    const answer = await gate.door.present(await signRequest(swapped, claims));
    expect(answer).toMatchObject({ code: 'identity_discontinuity' });
    const { artifact: good, key } = await bound();
    expect(await capture(good, key)).toBe('granted');
  });

  it('B21: of the agent stops what was issued to it before, while other agents’ artifacts are captured', async () => {
    const [{ artifact, key }, { artifact: others, key: theirs }] = [await bound('other'), await bound()];
    const planted = PrivateKeySigner.generate('agent');
    await edit(
      `INSERT INTO party_keys (kid, kind, party_id, alg, jwk, active_from) VALUES ($1, 'agent', 'other', 'EdDSA', $2, 'epoch')`,
      [planted.kid, planted.jwk],
    );
    expect([await capture(artifact, key), await capture(others, theirs)]).toEqual([
      'identity_discontinuity',
      'granted',
    ]);
  });
});

/** By a superuser, behind our back; a process that starts now knows nothing of before. */
async function edit(sql: string, values: readonly unknown[]): Promise<void> {
  await world.database.pool.query(sql, [...values]);
  world.runtime.registry.forget();
}
