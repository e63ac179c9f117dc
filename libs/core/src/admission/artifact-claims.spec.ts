import { describe, expect, it } from '@jest/globals';
import { facts, hash, intent, level, ORGANISATION, OWN, state, T0_MS } from '../examples/admission-example.js';
import { artifactClaims, type ArtifactNaming } from './artifact-claims.js';
import { decideIntent } from './decide-intent.js';
import type { AdmissionFacts, AdmissionState } from './types.js';

const naming: ArtifactNaming = {
  issuer: 'urn:spendgate:demo',
  artifactId: '00000000-0000-8000-8000-0000000000f1',
  decisionHash: hash('d'),
  statusUri: 'https://spend.example/status/0/1',
  statusIdx: 42,
};
const NO_ENVIRONMENT = { measurement: null, evidence_hash: null, verifier: null, valid_until: null };

function issued(before: AdmissionState = state, known: AdmissionFacts = facts) {
  const result = decideIntent(intent, before, known);
  return artifactClaims(intent, result.decision, result.state, known, naming);
}

describe('artifactClaims', () => {
  it('A1–A10: carries scope, initiator, environment, policy, times, constraints, attribution and governance', () => {
    const T0 = T0_MS / 1000;
    expect(issued()).toEqual({
      ...{ iss: 'urn:spendgate:demo', aud: 'settler', iat: T0, nbf: T0, exp: T0 + 900, jti: naming.artifactId },
      ...{ sub: 'shopper-1', cnf: { jkt: hash('j') }, act: { sub: 'shopper-1', act: { sub: 'acme' } } },
      authorization_details: [
        {
          type: 'machine_commerce_payment',
          actions: ['capture', 'void', 'refund'],
          amount: { value: '12.50', currency: 'USD' },
          counterparty: { id: 'cdnow', name: 'CDNOW, Inc.' },
          capture: { mode: 'single', max_captures: 1, settle_by: T0 + 900 },
          reference: 'customer-1',
        },
      ],
      flow: { id: OWN, epoch: 1, mandate: OWN, baseline_hash: hash('B') },
      policy: { id: 'default', version: 1, set_hash: hash('s'), hash: hash('p'), decision_hash: hash('d') },
      env: NO_ENVIRONMENT,
      lineage: { root: ORGANISATION, parent: OWN, parent_hash: hash('A'), depth: 2 },
      status: { status_list: { idx: 42, uri: 'https://spend.example/status/0/1' } },
    });
  });

  it('A3: binds to the attested environment where a level requires one', () => {
    const strict = level(0, { environment: { maxAgeSeconds: 600, measurements: ['build-7'] } });
    expect(issued({ ...state, levels: [strict, level(1), level(2)] }).env).toEqual({
      ...{ measurement: 'build-7', evidence_hash: hash('e'), verifier: 'attester', valid_until: T0_MS / 1000 + 3_600 },
    });
  });

  it('A9: names every agent that granted to the next, and the root principal innermost (RFC 8693 §4.1)', () => {
    const levels = [level(0), level(1, { agent: 'planner' }), level(2)];
    expect(issued({ ...state, levels }).act).toEqual({
      sub: 'shopper-1',
      act: { sub: 'planner', act: { sub: 'acme' } },
    });
  });

  it('D2: says the same for the same decision', () => {
    expect(issued()).toEqual(issued());
  });

  it('A17: a denial has no artifact', () => {
    expect(() => issued(state, { ...facts, issuer: 'unknown' })).toThrow('ERR_NOT_AUTHORIZED');
    const { decision, state: after } = decideIntent(intent, state, facts);
    const missing = [
      { ...facts, policy: 'unknown' as const },
      { ...facts, counterparty: 'absent' as const },
    ];
    for (const known of missing) {
      expect(() => artifactClaims(intent, decision, after, known, naming)).toThrow('ERR_NOT_AUTHORIZED');
    }
    expect(() => artifactClaims(intent, decision, { ...after, levels: [] }, facts, naming)).toThrow(
      'ERR_NOT_AUTHORIZED',
    );
  });
});
