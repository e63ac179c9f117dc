import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, type Signer, signToken } from '@spendgate/artifact';
import type { KeyTransitionClaims } from '@spendgate/codec';
import { TOPICS } from '@spendgate/messaging';
import { type LaneLease, type PartyKind, inControlAct, recordKeys, recordParties, revokeKey } from '@spendgate/store';
import {
  type TestRuntime,
  batchOf,
  intentClaims,
  mandateClaim,
  namedId,
  openTestRuntime,
  signIntent,
  signTransition,
  transitionClaims,
  until,
} from '@spendgate/testing';
import { AuthorizeBatch } from './authorize-batch.js';
import { createAuthorizerParts } from './authorizer-parts.js';
import { AUTHORIZER_SETTINGS } from './authorizer.settings.js';
import { SubmitTransition } from './http/submit-transition.js';
import { replayDecisions } from './replay-decisions.js';

let world: TestRuntime;
let authorize: AuthorizeBatch;
let lane: LaneLease;
let next = 0n;
let agents = 0;
/** An agent of its own for each case, with its key and its mandate. */
let agent: string;
let key: Signer;

beforeAll(async () => {
  world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS, people: { ada: ['operator'] } });
  authorize = new AuthorizeBatch(createAuthorizerParts(world.runtime));
  lane = await world.lane(TOPICS.paymentIntents);
}, 60_000);
afterAll(() => world.close());
beforeEach(async () => {
  agent = `agent-${(agents += 1)}`;
  key = await enrol('agent', agent);
  await world.domain.mandates([mandateClaim(agent, { agent })]);
});

async function enrol(
  kind: PartyKind,
  id: string,
  signer: Signer = PrivateKeySigner.generate('agent'),
): Promise<Signer> {
  const { kid, alg, jwk } = signer;
  await inControlAct(world.runtime.pool, async (act) => {
    await recordParties(act, [{ kind, id, name: id }]);
    await recordKeys(act, [{ kid, kind, partyId: id, alg, jwk, activeFromMs: 0 }]);
  });
  return signer;
}

const fresh = (): PrivateKeySigner => PrivateKeySigner.generate('agent');

/** At the door; a new door has a full bucket. */
async function post(token: string): Promise<Record<string, unknown> & { status: number }> {
  const { pool, clock, domain } = world.runtime;
  const door = new SubmitTransition({ pool, clock, issuer: domain.issuer });
  const { status, body } = await door.execute({ body: Buffer.from(token), idempotencyKey: undefined });
  return { ...body, status };
}

async function rotate(old: Signer, successor: Signer, change: Partial<KeyTransitionClaims> = {}) {
  return post(await signTransition(old, successor, transitionClaims(agent, old, successor, change)));
}

/** What becomes of an intent signed by a key: the outcome, or the code it is refused or denied with. */
async function spend(signer: Signer, by = authorize): Promise<string> {
  const jti = `${agent}-${next}`;
  const claims = intentClaims(jti, Date.now(), { iss: agent, mandate: namedId(agent) });
  await by.execute(batchOf(lane, [await signIntent(signer, claims)], { firstOffset: next }));
  next += 1n;
  const at = [lane.laneId, String(next - 1n)];
  const { rows } = await world.database.pool.query<{ said: string }>(
    `SELECT coalesce(code, outcome) AS said FROM decisions WHERE lane_id = $1 AND lane_offset = $2
     UNION ALL SELECT code FROM refusals WHERE lane_id = $1 AND lane_offset = $2`,
    at,
  );
  return rows[0]?.said ?? 'nothing';
}

/** As a process that has just started sees it. */
const restarted = (): AuthorizeBatch => {
  world.runtime.registry.forget();
  return authorize;
};

const over = { from: 1, until: 2 };

describe('a signed key transition', () => {
  it('B21: lets both keys spend while they overlap, and only the new one from the end of the overlap on', async () => {
    const successor = fresh();
    expect(await spend(successor)).toBe('key_unknown');
    const now = Math.floor(Date.now() / 1_000);
    const answer = await rotate(key, successor, { overlap: { from: now, until: now + 3 } });
    expect(answer).toMatchObject({ status: 201, party: agent, new: { kid: successor.kid }, replayed: false });
    expect([await spend(key), await spend(successor)]).toEqual(['authorized', 'authorized']);
    await until('the end of the overlap', async () => {
      const { rows } = await world.database.pool.query<{ over: boolean }>(
        'SELECT clock_timestamp() >= to_timestamp($1) AS over',
        [now + 3],
      );
      return rows[0]?.over === true;
    });
    expect([await spend(key), await spend(successor)]).toEqual(['key_retired', 'authorized']);
    expect(await spend(successor, restarted())).toBe('authorized');
  });

  it('B21: an unsigned change of the same key is identity_discontinuity, and other agents go on', async () => {
    const other = await enrol('agent', 'bystander');
    await world.domain.mandates([mandateClaim('bystander', { agent: 'bystander' })]);
    const swapped = fresh();
    await world.database.pool.query('UPDATE party_keys SET kid = $1, jwk = $2 WHERE kid = $3', [
      swapped.kid,
      swapped.jwk,
      key.kid,
    ]);
    expect(await spend(swapped, restarted())).toBe('identity_discontinuity');
    agent = 'bystander';
    expect(await spend(other)).toBe('authorized');
  });

  it('B21: a key planted beside the real one spoils both, also while the agent is cached', async () => {
    expect(await spend(key)).toBe('authorized');
    const planted = fresh();
    await world.database.pool.query(
      `INSERT INTO party_keys (kid, kind, party_id, alg, jwk, active_from) VALUES ($1, 'agent', $2, 'EdDSA', $3, 'epoch')`,
      [planted.kid, agent, planted.jwk],
    );
    expect(await spend(planted)).toBe('identity_discontinuity');
    expect(await spend(key, restarted())).toBe('identity_discontinuity');
  });

  it('is in force when it is answered: without an overlap the old key is key_retired at once', async () => {
    const successor = fresh();
    expect(await rotate(key, successor, { overlap: over })).toMatchObject({ status: 201 });
    expect([await spend(key), await spend(successor)]).toEqual(['key_retired', 'authorized']);
  });

  it('may be followed by another, as long as the chain is', async () => {
    let current = key;
    for (let length = 0; length < 5; length += 1) {
      const successor = fresh();
      expect(await rotate(current, successor, { overlap: over })).toMatchObject({ status: 201 });
      current = successor;
    }
    expect([await spend(key), await spend(current, restarted())]).toEqual(['key_retired', 'authorized']);
  });

  it('changes nothing when it is sent again, and says so', async () => {
    const successor = fresh();
    const token = await signTransition(key, successor, transitionClaims(agent, key, successor));
    const first = await post(token);
    const again = await post(token);
    expect([first.status, again.status, again['replayed']]).toEqual([201, 200, true]);
    expect([again['old'], again['new']]).toEqual([first['old'], first['new']]);
  });

  it('leaves replay as it was: decisions made before, in and after it recompute to the same bytes', async () => {
    const successor = fresh();
    await spend(key);
    await rotate(key, successor, { overlap: over });
    await spend(key);
    await spend(successor);
    const report = await replayDecisions(world.database.pool);
    expect(report).toMatchObject({ differences: [], notRecomputable: 0 });
  });
});

describe('a key transition is refused', () => {
  it('signature_invalid: when the new key did not sign for the very same claims, or not at all', async () => {
    const [successor, stranger] = [fresh(), fresh()];
    const claims = transitionClaims(agent, key, successor);
    const others = { ...claims, overlap: { ...claims.overlap, until: claims.overlap.until + 1 } };
    expect(await post(await signTransition(key, successor, claims, others))).toMatchObject({
      code: 'signature_invalid',
      field: 'proof',
    });
    expect(await post(await signTransition(key, stranger, claims))).toMatchObject({ field: 'proof' });
    const bare = await signToken(key, 'key-transition+jwt', claims);
    expect(await post(bare)).toMatchObject({ code: 'malformed', field: 'proof' });
  });

  it('when the old key did not sign it: by the new key, by a stranger, by another agent', async () => {
    const [successor, stranger] = [fresh(), fresh()];
    const rival = await enrol('agent', `rival-of-${agent}`);
    const claims = transitionClaims(agent, key, successor);
    const by = async (signer: Signer) => (await post(await signTransition(signer, successor, claims)))['code'];
    expect([await by(successor), await by(stranger), await by(rival)]).toEqual([
      'key_unknown',
      'key_unknown',
      'issuer_unknown',
    ]);
    expect(await spend(successor)).toBe('key_unknown');
  });

  it('key_retired: by a key that is retired or removed', async () => {
    await inControlAct(world.runtime.pool, (act) => revokeKey(act, key.kid));
    expect(await rotate(key, fresh())).toMatchObject({ status: 401, code: 'key_retired' });
    expect(await spend(key)).toBe('key_retired');
  });

  it('idempotency_conflict: a fork from a key that has a successor, and a way back to an older key', async () => {
    const successor = fresh();
    await rotate(key, successor);
    expect(await rotate(key, fresh())).toMatchObject({ code: 'idempotency_conflict', field: 'old.kid' });
    expect(await rotate(successor, key)).toMatchObject({ code: 'idempotency_conflict', field: 'new.kid' });
  });

  it('agent_key_mismatch: to a key of another party, whatever kind it is', async () => {
    const owners = [
      ['agent', await enrol('agent', `other-${agent}`)],
      ['service', world.domain.settler],
    ] as const;
    for (const [, taken] of owners) {
      expect(await rotate(key, taken)).toMatchObject({ code: 'agent_key_mismatch', field: 'new.kid' });
    }
  });

  it.each<[string, string, (claims: KeyTransitionClaims) => Partial<KeyTransitionClaims>]>([
    ['key_unknown', 'purpose', () => ({ purpose: 'settlement' })],
    ['domain_mismatch', 'aud', () => ({ aud: 'urn:spendgate:other' })],
    ['issuer_unknown', 'iss', () => ({ iss: 'somebody' })],
    ['signature_invalid', 'exp', ({ iat }) => ({ iat: iat - 600, exp: iat - 300 })],
    ['signature_invalid', 'iat', ({ iat }) => ({ iat: iat + 120, exp: iat + 300 })],
    ['malformed', 'old.kid', () => ({ old: { kid: fresh().kid } })],
    ['malformed', 'new.kid', () => ({ new: { kid: fresh().kid, jwk: fresh().jwk } })],
    ['malformed', 'overlap.from', ({ exp }) => ({ overlap: { from: exp + 1, until: exp + 2 } })],
    ['malformed', 'overlap.until', ({ iat }) => ({ overlap: { from: iat, until: iat + 91 * 86_400 } })],
    ['malformed', 'new.jwk', () => ({ new: { kid: fresh().kid, jwk: { kty: 'OKP', crv: 'Ed25519', x: 'AQ'.padEnd(43, 'A') } } })],
  ])('%s (%s)', async (code, field, change) => {
    const successor = fresh();
    const claims = transitionClaims(agent, key, successor);
    expect(await rotate(key, successor, change(claims))).toMatchObject({ code, field });
    expect(await spend(key)).toBe('authorized');
  }); // prettier-ignore

  it('scope_mismatch: for a person, whose new key another operator must confirm', async () => {
    const [ada, successor] = [world.domain.person('ada'), PrivateKeySigner.generate('person')];
    const token = await signTransition(ada, successor, transitionClaims('ada', ada, successor));
    expect(await post(token)).toMatchObject({ status: 403, code: 'scope_mismatch', field: 'iss' });
  });

  it('identity_discontinuity: by a key nobody enrolled', async () => {
    const planted = fresh();
    await world.database.pool.query(
      `INSERT INTO party_keys (kid, kind, party_id, alg, jwk, active_from) VALUES ($1, 'agent', $2, 'EdDSA', $3, 'epoch')`,
      [planted.kid, agent, planted.jwk],
    );
    expect(await rotate(planted, fresh())).toMatchObject({ code: 'identity_discontinuity' });
  });

  it('rate_limited: beyond five at once, so that nobody makes everybody wait', async () => {
    const { pool, clock, domain } = world.runtime;
    const door = new SubmitTransition({ pool, clock, issuer: domain.issuer });
    const statuses: number[] = [];
    for (let current = key; statuses.length < 6;) {
      const successor = fresh();
      const token = await signTransition(current, successor, transitionClaims(agent, current, successor));
      statuses.push((await door.execute({ body: Buffer.from(token), idempotencyKey: undefined })).status);
      current = successor;
    }
    expect(statuses).toEqual([201, 201, 201, 201, 201, 429]);
  });

  it('of two at once from one key, one wins and the other is a conflict', async () => {
    for (let round = 0; round < 10; round += 1) {
      const contenders = [fresh(), fresh()];
      const answers = await Promise.all(contenders.map((successor) => rotate(key, successor, { overlap: over })));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 422]);
      const winner = contenders[answers.findIndex(({ status }) => status === 201)];
      if (winner === undefined) throw new Error('one of them won');
      key = winner;
    }
    expect(await spend(key)).toBe('authorized');
  });
});
