import {
  type AttestationResultClaims,
  type CompactJws,
  encodeLeaf,
  parseClaims,
  parseStrictJson,
  splitCompact,
} from '@spendgate/codec';
import type { TransportRecord } from '@spendgate/messaging';
import type { AttestationResult, LeafRow } from '@spendgate/store';
import type { Naming } from '../deciding/compose-decision.js';
import { type Judged, refuse } from '../intake/candidate.js';

export const OBSERVATION_TYP = 'attestation-result+jwt';

/** A record whose form is in order. Not yet verified. */
export interface Observation {
  readonly record: TransportRecord;
  readonly compact: CompactJws;
  readonly claims: AttestationResultClaims;
}

export function readObservation(record: TransportRecord): Judged<Observation> {
  if (record.value === null) return refuse(record, 'malformed', 'value');
  const split = splitCompact(record.value, { typ: OBSERVATION_TYP });
  if (!split.ok) return refuse(record, split.code, split.field);
  const json = parseStrictJson(split.jws.payloadBytes);
  if (!json.ok) return refuse(record, json.code, json.field);
  const parsed = parseClaims(OBSERVATION_TYP, json.value);
  if (!parsed.ok) return refuse(record, parsed.code === 'unknown_field' ? parsed.code : 'malformed', parsed.field);
  return { ok: true, value: { record, compact: split.jws, claims: parsed.claims } };
}

/**
 * What a result says, as decisions read it. Nothing that is less than good is left out, so that it can take the place of
 * something good: a result that names several measurements matches no reference value, one whose verdict is `none` is
 * over when it is made. RFC 9711 §4.2.9: only a debug state that says disabled is disabled.
 */
export function resultOf({ record, compact, claims }: Observation): AttestationResult {
  const vouches = claims['ear.status'] !== 'none';
  return {
    agentId: claims.sub,
    measurement: claims.measurements.join(' '),
    evidenceHash: claims.evidence_hash,
    verifier: claims.iss,
    kid: compact.header.kid,
    debug: claims.dbgstat === 'enabled',
    compromised: claims['ear.status'] === 'contraindicated',
    validUntilMs: (vouches ? claims.exp : claims.iat) * 1000,
    issuedAtMs: claims.iat * 1000,
    token: record.value?.toString('latin1') ?? '',
  };
}

export function observationLeaf(
  { claims }: Observation,
  judgedAtMs: number,
  { issuer, salts }: Pick<Naming, 'issuer' | 'salts'>,
): LeafRow {
  const salt = salts.salt();
  const payload = {
    agent: claims.sub,
    attester: claims.iss,
    jti: claims.jti,
    measurements: claims.measurements,
    debug_state: claims.dbgstat,
    status: claims['ear.status'],
    evidence_hash: claims.evidence_hash,
    issued_at: claims.iat,
    valid_until: claims.exp,
  };
  const type = 'attestation_recorded';
  const leaf = encodeLeaf({ domain: issuer, type, timeMs: judgedAtMs, payload, salt, causes: [] });
  return { ...leaf, salt };
}
