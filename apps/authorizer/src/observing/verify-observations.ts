import { verifyCompactBatch } from '@spendgate/artifact';
import type { RegistryFacts, RegistryNeeds } from '@spendgate/store';
import { type Judged, refuse } from '../intake/candidate.js';
import { OBSERVATION_TYP, type Observation } from './observation.js';

/** Whom the registry must know for these results. */
export function attesterNeeds(observed: readonly Observation[]): RegistryNeeds {
  return {
    kids: observed.map(({ compact }) => compact.header.kid),
    parties: observed.flatMap(({ claims }) => [
      { kind: 'attester' as const, id: claims.iss },
      { kind: 'agent' as const, id: claims.sub },
    ]),
  };
}

/** Form is in order; here it is who signed: an active attester, for this domain, about an agent there is. */
export async function verifyObservations(
  observed: readonly Observation[],
  { facts, issuer, atMs }: { readonly facts: RegistryFacts; readonly issuer: string; readonly atMs: number },
): Promise<Judged<Observation>[]> {
  const verdicts = await verifyCompactBatch(
    observed.map(({ compact }) => compact),
    { typ: OBSERVATION_TYP, keys: (kid) => facts.key(kid), atMs },
  );
  return observed.map((observation, index): Judged<Observation> => {
    const { record, claims } = observation;
    const verdict = verdicts[index];
    if (verdict === undefined) return refuse(record, 'internal_denied');
    if (!verdict.ok) return refuse(record, verdict.code, verdict.field);
    if (claims.aud !== issuer) return refuse(record, 'domain_mismatch', 'aud');
    const attester = facts.party('attester', claims.iss);
    if (attester?.state !== 'active' || verdict.key.party !== claims.iss)
      return refuse(record, 'issuer_unknown', 'iss');
    if (facts.key(verdict.key.kid)?.continuity === 'broken') {
      return refuse(record, 'identity_discontinuity', 'header.kid');
    }
    if (facts.party('agent', claims.sub) === undefined) return refuse(record, 'agent_unknown', 'sub');
    return { ok: true, value: observation };
  });
}
