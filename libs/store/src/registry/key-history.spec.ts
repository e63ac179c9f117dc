import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner } from '@spendgate/artifact';
import { encodeLeaf } from '@spendgate/codec';
import { type TestDatabase, startTestDatabase } from '@spendgate/testing';
import { type ControlAct, inControlAct } from '../control-lock.js';
import { openDomain } from '../control/open-domain.js';
import { recordKeys, retireKey, revokeKey } from '../control/record-keys.js';
import { recordParties } from '../control/record-parties.js';
import type { PartyRef } from './facts.js';
import { Registry } from './registry.js';

/** Two agents, the first with three keys: one active, one retired with a successor, one removed. */
const BUYER: PartyRef = { kind: 'agent', id: 'buyer' };
const OTHER: PartyRef = { kind: 'agent', id: 'other' };
const [active, retired, removed, others, planted] = Array.from({ length: 5 }, () => PrivateKeySigner.generate('agent'));
const DAY_MS = 86_400_000;
let database: TestDatabase;

const act = <T>(run: (control: ControlAct) => Promise<T>): Promise<T> => inControlAct(database.pool, run);
const key = (signer: PrivateKeySigner | undefined, owner: PartyRef) => {
  if (signer === undefined) throw new Error('one of five');
  const { kid, alg, jwk } = signer;
  return { kid, alg, jwk, kind: owner.kind, partyId: owner.id };
};

/** Of parties a process loads for the first time. */
async function continuity(): Promise<Record<string, string | undefined>> {
  const facts = await new Registry(database.pool).at({ parties: [BUYER, OTHER] });
  return Object.fromEntries([BUYER, OTHER].map(({ kind, id }) => [id, facts.party(kind, id)?.continuity]));
}

beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('TRUNCATE domain, parties, party_keys, domain_keys, lanes, leaves, outbox');
  await openDomain(database.pool, { issuer: 'urn:spendgate:test', kind: 'own', rulesVersion: 1 });
  await act(async (control) => {
    await recordParties(control, [
      { ...BUYER, name: 'Buyer' },
      { ...OTHER, name: 'Other' },
    ]);
    await recordKeys(control, [key(active, BUYER), key(retired, BUYER), key(removed, BUYER), key(others, OTHER)]);
  });
  await act((control) => retireKey(control, retired?.kid ?? '', control.atMs + DAY_MS, active?.kid ?? null));
  await act((control) => revokeKey(control, removed?.kid ?? ''));
});

describe('the keys of a party', () => {
  it('are explained by the recorded acts that enrolled, retired and removed them', async () => {
    expect(await continuity()).toEqual({ buyer: 'verified', other: 'verified' });
  });

  it('are explained when a retirement is brought forward, and none is ever put off', async () => {
    const sooner = await act((control) => retireKey(control, retired?.kid ?? '', control.atMs, null));
    const later = await act((control) => retireKey(control, retired?.kid ?? '', control.atMs + DAY_MS, null));
    expect([sooner, later]).toEqual([true, false]);
    expect(await continuity()).toEqual({ buyer: 'verified', other: 'verified' });
  });

  it.each<[string, string, (string | undefined)[]]>([
    ['one is swapped for another', 'UPDATE party_keys SET kid = $1, jwk = $2 WHERE kid = $3', [planted?.kid, JSON.stringify(planted?.jwk), active?.kid]],
    ['one keeps its kid and gets another point', 'UPDATE party_keys SET jwk = $1 WHERE kid = $2', [JSON.stringify(planted?.jwk), active?.kid]],
    ['one is planted beside them', `INSERT INTO party_keys (kid, kind, party_id, alg, jwk, active_from) VALUES ($1, 'agent', 'buyer', 'EdDSA', $2, 'epoch')`, [planted?.kid, JSON.stringify(planted?.jwk)]],
    ['one is deleted', 'DELETE FROM party_keys WHERE kid = $1', [active?.kid]],
    ['a removed one is brought back', 'UPDATE party_keys SET removed_at = NULL, retired_at = NULL WHERE kid = $1', [removed?.kid]],
    ['a retirement is taken back', 'UPDATE party_keys SET retired_at = NULL WHERE kid = $1', [retired?.kid]],
    ['a retirement is put off', `UPDATE party_keys SET retired_at = retired_at + interval '1 ms' WHERE kid = $1`, [retired?.kid]],
    ['one is retired by nobody', 'UPDATE party_keys SET retired_at = now() WHERE kid = $1', [active?.kid]],
    ['one is active before it was enrolled', `UPDATE party_keys SET active_from = 'epoch' WHERE kid = $1`, [active?.kid]],
    ['one gets a successor nobody signed for', 'UPDATE party_keys SET successor_kid = $1 WHERE kid = $2', [removed?.kid, active?.kid]],
    ['what the log says of one was edited', `UPDATE leaves SET payload = replace(payload, '"successor":null', '"successor":"x"') WHERE payload LIKE '{"act":"key\\_added%' AND payload LIKE '%' || $1 || '%'`, [active?.kid]],
    ['a leaf about one was taken away', `UPDATE leaves SET payload = NULL WHERE payload LIKE '{"act":"key\\_removed%' AND payload LIKE '%' || $1 || '%'`, [removed?.kid]],
    ['a leaf about one is no JSON any more', `UPDATE leaves SET payload = payload || '}' WHERE payload LIKE '{"act":"key\\_removed%' AND payload LIKE '%' || $1 || '%'`, [removed?.kid]],
  ])('B21: are broken when %s behind the back of the log; the other agent goes on', async (_how, sql, values) => {
    expect((await database.pool.query(sql, values)).rowCount).toBe(1);
    expect(await continuity()).toEqual({ buyer: 'broken', other: 'verified' });
  }); // prettier-ignore

  it('are broken on both sides when one is given to another party', async () => {
    await database.pool.query(`UPDATE party_keys SET party_id = 'other' WHERE kid = $1`, [active?.kid]);
    expect(await continuity()).toEqual({ buyer: 'broken', other: 'broken' });
  });

  it('show it at a key that is loaded while its party is still cached', async () => {
    const registry = new Registry(database.pool);
    await registry.at({ parties: [BUYER] });
    await database.pool.query(
      `INSERT INTO party_keys (kid, kind, party_id, alg, jwk, active_from) VALUES ($1, 'agent', 'buyer', 'EdDSA', $2, 'epoch')`,
      [planted?.kid, planted?.jwk],
    );
    const facts = await registry.at({ kids: [planted?.kid ?? ''], parties: [BUYER] });
    expect(facts.party('agent', 'buyer')?.continuity).toBe('verified');
    expect(facts.key(planted?.kid ?? '')?.continuity).toBe('broken');
  });

  it('are found by index, whatever else the log holds', async () => {
    const salt = Buffer.alloc(32);
    const leaf = encodeLeaf({
      domain: 'urn:spendgate:test',
      type: 'control_act',
      timeMs: 1,
      payload: {},
      salt,
      causes: [],
    });
    await database.pool.query(
      `INSERT INTO leaves SELECT 999, n, $1, $2, '{"note":"' || n || '"}', $3 FROM generate_series(1, 20000) AS n`,
      [leaf.leafHash, leaf.leaf, salt],
    );
    await database.pool.query('ANALYZE leaves');
    const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT 1 FROM unnest(ARRAY['buyer']) AS w (party_id) JOIN leaves l
       ON substring(l.payload from '"party":"([^"]*)"') = w.party_id AND l.payload LIKE '{"act":"key\\_%'`,
    );
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('leaves_of_keys');
  });
});

describe('enrolling a key', () => {
  const SMALL_ORDER = { kty: 'OKP', crv: 'Ed25519', x: 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' } as const;
  /** p + 2, which is 2 in another spelling. */
  const Y = Buffer.concat([Buffer.of(0xef), Buffer.alloc(30, 0xff), Buffer.of(0x7f)]);
  const NON_CANONICAL = { kty: 'OKP', crv: 'Ed25519', x: Y.toString('base64url') } as const;
  const OFF_CURVE = {
    kty: 'EC',
    crv: 'P-256',
    x: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE',
    y: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE',
  } as const;

  it.each([
    ['a point of small order', { ...key(planted, BUYER), jwk: SMALL_ORDER }, 'weak_key'],
    ['a point not in canonical form', { ...key(planted, BUYER), jwk: NON_CANONICAL }, 'point_invalid'],
    ['a point off the curve', { ...key(planted, BUYER), jwk: OFF_CURVE, alg: 'ES256' as const }, 'point_invalid'],
    ['a kid that is not its thumbprint', { ...key(planted, BUYER), kid: 'x'.repeat(43) }, 'thumbprint'],
    ['an alg it does not have', { ...key(planted, BUYER), alg: 'ES256' as const }, 'alg'],
  ])('refuses %s', async (_what, declared, because) => {
    const refusal = act((control) => recordKeys(control, [declared]));
    await expect(refusal).rejects.toThrow(/ERR_KEY_REFUSED/);
    await expect(refusal).rejects.toThrow(because);
  });

  it('refuses a key of another party, of another kind of party, declared for two at once, or of the domain', async () => {
    const planting = (owner: PartyRef) => key(planted, owner);
    const person: PartyRef = { kind: 'person', id: 'buyer' };
    const own = { kid: planted?.kid ?? '', purpose: 'artifact' as const, alg: 'EdDSA' as const, jwk: planted?.jwk };
    await expect(act((control) => recordKeys(control, [key(active, OTHER)]))).rejects.toThrow('ERR_KEY_OWNED');
    await expect(act((control) => recordKeys(control, [key(active, person)]))).rejects.toThrow('ERR_KEY_OWNED');
    const two = [planting(BUYER), planting(OTHER)];
    await expect(act((control) => recordKeys(control, two))).rejects.toThrow('ERR_KEY_OWNED');
    await database.pool.query(
      `INSERT INTO domain_keys (kid, purpose, alg, jwk, active_from) VALUES ($1, $2, $3, $4, now())`,
      [own.kid, own.purpose, own.alg, own.jwk],
    );
    await expect(act((control) => recordKeys(control, [planting(BUYER)]))).rejects.toThrow(
      'belongs to domain artifact',
    );
  });
});
