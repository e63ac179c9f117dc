import { PrivateKeySigner } from '@spendgate/artifact';
import { type KeyTransitionClaims, hashJsonText } from '@spendgate/codec';
import { namedId } from '@spendgate/testing';
import { sealed } from '../forge.js';
import { INPUTS_ISSUER, type InputsWorld } from '../inputs-world.js';
import { issueArtifact } from '../settlement-blocks.js';
import type { HonestRequest } from './matrix.js';

/** A door by which authority is granted, kept or taken, with an honest request at it. */
export interface AuthorityDoor {
  readonly path: string;
  readonly honest: HonestRequest;
}

let made = 0;

/** Claims of a request of this moment, with a `jti` no other has. */
function request(iss: string): Readonly<Record<string, unknown>> {
  const iat = Math.floor(Date.now() / 1000);
  return { iss, aud: INPUTS_ISSUER, iat, exp: iat + 300, jti: `authority-${(made += 1)}` };
}

/** The doors beside intents and settlements; each honest request is taken once, and harms no other. */
export async function authorityDoors(world: InputsWorld): Promise<Readonly<Record<string, AuthorityDoor>>> {
  return {
    mandates: mandateDoor(world),
    observations: observationDoor(world),
    'key transitions': await transitionDoor(world),
    renewals: await renewalDoor(world),
    'ops acts': actDoor(world, '/v1/ops/acts', 'halt', world.mandate('yen')),
    revocations: actDoor(world, '/v1/revocations', 'revoke', world.mandate('shopOnly')),
  };
}

function mandateDoor(world: InputsWorld): AuthorityDoor {
  const grant = {
    id: namedId('attacked'),
    version: 1,
    parent: world.mandate('http'),
    principal: 'acme',
    agent: 'buyer',
    limits: { currency: 'USD', total: '1.00', per_transaction: '1.00' },
    counterparties: ['shop'],
    validity: { from: 1, until: 2_000_000_000 },
    policy: { id: 'default' },
    environment: { max_age_seconds: 300, measurements: ['m1'] },
    approvals: { above: '0.50' },
    delegation: null,
    park_seconds: 60,
    depth: 1,
  };
  const nullable = ['agent', 'limits.per_transaction', 'counterparties', 'environment', 'approvals', 'park_seconds'];
  const honest = {
    family: 'mandate',
    typ: 'mandate+jwt',
    signer: world.parties.principal,
    claims: () => ({ ...request('acme'), mandate: grant }),
    optional: [],
    nullable: nullable.map((name) => `mandate.${name}`),
    codes: {},
  };
  return { path: '/v1/mandates', honest };
}

function observationDoor({ parties }: InputsWorld): AuthorityDoor {
  const seen = {
    sub: 'buyer',
    eat_nonce: 'abcdefghijk',
    ueid: 'abcdefghijkl',
    measurements: ['m1'],
    dbgstat: 'disabled',
    'ear.status': 'affirming',
    evidence_hash: 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
  };
  const honest = {
    family: 'observation',
    typ: 'attestation-result+jwt',
    signer: parties.attester,
    claims: () => ({ ...request('attester'), ...seen }),
    optional: ['cnf'],
    codes: {},
  };
  return { path: '/v1/observations', honest };
}

async function transitionDoor({ parties }: InputsWorld): Promise<AuthorityDoor> {
  const successor = PrivateKeySigner.generate('settlement');
  const { otherSettler: old } = parties;
  const common = request('other-settler') as Pick<KeyTransitionClaims, 'iss' | 'aud' | 'iat' | 'exp' | 'jti'>; // as: made so above
  const claims: KeyTransitionClaims = {
    ...common,
    purpose: 'settlement',
    old: { kid: old.kid },
    new: { kid: successor.kid, jwk: successor.jwk },
    overlap: { from: common.iat, until: common.iat + 3_600 },
  };
  const proof = await sealed(successor, 'key-transition+jwt', claims);
  const honest = {
    family: 'transition',
    typ: 'key-transition+jwt',
    signer: old,
    claims: () => ({ ...claims, proof }),
    optional: [],
    codes: {},
  };
  return { path: '/v1/key-transitions', honest };
}

async function renewalDoor(world: InputsWorld): Promise<AuthorityDoor> {
  const artifact = await issueArtifact(world, 'to-renew');
  const payload = Buffer.from(artifact.split('.')[1] ?? '', 'base64url').toString();
  const issued = JSON.parse(payload) as { jti: string }; // as: our own artifact
  const found = await world.pool.query('SELECT hold_id FROM artifacts WHERE artifact_id = $1', [issued.jti]);
  const [row] = found.rows as { hold_id: string }[]; // as: the query names its column
  const asked = {
    mandate: world.mandate('settling'),
    artifact: { id: issued.jti, hash: hashJsonText(issued) },
    hold: row?.hold_id ?? '',
    amount: { value: '500.00', currency: 'USD' },
    max_captures: 2,
  };
  const honest = {
    family: 'renewal',
    typ: 'artifact-renewal+jwt',
    signer: world.parties.buyer,
    claims: () => ({ ...request('buyer'), ...asked }),
    optional: ['amount', 'max_captures', 'settle_by'],
    codes: {},
  };
  return { path: `/v1/artifacts/${issued.jti}/renew`, honest };
}

function actDoor({ parties }: InputsWorld, path: string, action: string, mandate: string): AuthorityDoor {
  const act = { action, targets: [{ kind: 'mandate', id: mandate, version: 1 }], reason: 'an attack', causes: [] };
  const honest = {
    family: action,
    typ: 'ops-action+jwt',
    signer: parties.person,
    claims: () => ({ ...request('ada'), ...act, request: null, change_hash: null }),
    optional: [],
    codes: {},
  };
  return { path, honest };
}
