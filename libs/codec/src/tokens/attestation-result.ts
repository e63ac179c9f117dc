import { z } from 'zod';
import { measurement, partyId, requestClaims, sha256Hash } from './fields.js';

/** Evidence older than a day says nothing about a runtime. */
export const ATTESTATION_LIFETIME_SECONDS_MAX = 86_400;

/**
 * `attestation-result+jwt`: what a registered attester found out about an agent's runtime (RATS, RFC 9334 §8.4; claim
 * names of EAT, RFC 9711, and of EAR for the verdict). The result is stale at `exp`.
 */
export const attestationResultSchema = z.strictObject({
  ...requestClaims,
  sub: partyId.describe('the agent'),
  eat_nonce: z
    .string()
    .regex(/^[A-Za-z0-9_-]{8,88}$/)
    .describe('the challenge answered, base64url (RFC 9711 §4.1)'),
  ueid: z
    .string()
    .regex(/^[A-Za-z0-9_-]{10,44}$/)
    .describe('the instance, base64url (RFC 9711 §4.2.1)'),
  measurements: z
    .array(measurement)
    .min(1)
    .max(16)
    .describe('what was measured (RFC 9711 §4.2.16); each must be a reference value of the mandate'),
  dbgstat: z
    .enum(['enabled', 'disabled', 'disabled-since-boot', 'disabled-permanently', 'disabled-fully-and-permanently'])
    .describe('debug state (RFC 9711 §4.2.9); enabled is runtime_integrity_failure'),
  'ear.status': z
    .enum(['affirming', 'warning', 'contraindicated', 'none'])
    .describe("the attester's verdict; contraindicated is runtime_integrity_failure, none cannot be relied on"),
  evidence_hash: sha256Hash.describe('SHA-256 of the evidence appraised'),
  cnf: z
    .strictObject({ jkt: sha256Hash.describe('RFC 7638 thumbprint') })
    .exactOptional()
    .describe('the agent key seen in that runtime (RFC 7800)'),
});
export type AttestationResultClaims = z.infer<typeof attestationResultSchema>;

/** @returns the first claim that contradicts another */
export function checkAttestationResult(claims: AttestationResultClaims): string | null {
  return new Set(claims.measurements).size === claims.measurements.length ? null : 'measurements';
}
