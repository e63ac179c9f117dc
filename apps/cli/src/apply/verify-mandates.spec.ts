import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, type Signer, signToken } from '@spendgate/artifact';
import type { MandateClaim } from '@spendgate/codec';
import { RULES_VERSION } from '@spendgate/core';
import { type KeyDeclaration, inControlAct, openDomain, recordKeys, recordParties } from '@spendgate/store';
import { type TestDatabase, mandateClaim, startTestDatabase } from '@spendgate/testing';
import type { Change } from './change.js';
import { verifyMandates } from './verify-mandates.js';

const ISSUER = 'https://pay.example';
const CLAIM = mandateClaim('team');
const principal = PrivateKeySigner.generate('principal');
/** An agent may have the name of a principal: party ids are unique within a kind only. */
const namesake = PrivateKeySigner.generate('agent');

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
  await openDomain(database.pool, { issuer: ISSUER, kind: 'own', rulesVersion: RULES_VERSION });
  await inControlAct(database.pool, async (act) => {
    const owners = [
      ['principal', principal],
      ['agent', namesake],
    ] as const;
    await recordParties(
      act,
      owners.map(([kind]) => ({ kind, id: 'acme', name: 'Acme' })),
    );
    await recordKeys(
      act,
      owners.map(([kind, { kid, alg, jwk }]) => ({ kid, kind, partyId: 'acme', alg, jwk, activeFromMs: 0 })),
    );
  });
}, 60_000);
afterAll(() => database.close());

/** @returns the problem, or `verified` */
async function verdictOn(
  signer: Signer,
  change: object = {},
  { claim = CLAIM, keys = [] }: { claim?: MandateClaim; keys?: readonly KeyDeclaration[] } = {},
): Promise<string> {
  const iat = Math.floor(Date.now() / 1_000);
  const claims = { iss: 'acme', aud: ISSUER, iat, exp: iat + 3_600, jti: 'team:1', mandate: CLAIM, ...change };
  const token = await signToken(signer, 'mandate+jwt', claims);
  const nothing = { domainKeys: [], parties: [], counterparties: [], policies: [], detectors: null };
  const declared: Change = { kind: 'declare', ...nothing, keys, mandates: [{ claim, token }] };
  return verifyMandates(database.pool, declared).then(
    () => 'verified',
    (problem: Error) => problem.message.split(': ').at(-1) ?? '',
  );
}

describe('a declared mandate', () => {
  it('is taken when its own principal signed it for this domain', async () => {
    expect(await verdictOn(principal)).toBe('verified');
  });

  it('I11: is refused when it was signed for another domain', async () => {
    expect(await verdictOn(principal, { aud: 'https://other.example' })).toBe('audience_mismatch (aud)');
  });

  it('A33: is refused when an agent of the same name signed it, registered or declared beside it', async () => {
    expect(await verdictOn(namesake)).toBe('not signed with a key of its principal');
    const other = PrivateKeySigner.generate('agent');
    const { kid, alg, jwk } = other;
    const key: KeyDeclaration = { kid, kind: 'agent', partyId: 'acme', alg, jwk, activeFromMs: 0 };
    expect(await verdictOn(other, {}, { keys: [key] })).toBe('key_unknown (header.kid)');
  });

  it('A25: is refused when other content was signed', async () => {
    expect(await verdictOn(principal, {}, { claim: { ...CLAIM, depth: 1 } })).toBe('signed for another content');
  });

  it('is refused when the row of its principal’s key was put there by nobody’s act', async () => {
    const planted = PrivateKeySigner.generate('principal');
    await database.pool.query(
      `INSERT INTO party_keys (kid, kind, party_id, alg, jwk, active_from)
       VALUES ($1, 'principal', 'acme', $2, $3, 'epoch')`,
      [planted.kid, planted.alg, planted.jwk],
    );
    expect(await verdictOn(planted)).toBe('the log does not explain the keys of its principal');
  });
});
