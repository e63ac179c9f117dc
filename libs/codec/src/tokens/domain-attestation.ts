import { z } from 'zod';
import { commonClaims, count, identifier, issuer, sha256Hash, uuid } from './fields.js';

/** What was does not end, so the statement outlives every chargeback and audit period it may be asked in. */
export const DOMAIN_ATTESTATION_LIFETIME_SECONDS = 3_650 * 86_400;

const digest = sha256Hash.describe('SHA-256 over the RFC 8785 form of the sorted list of [id, state]');

/**
 * `domain-attestation+jwt`: what the domain says it was, as of one leaf of its log. Everything in it follows from the
 * leaves up to that one, so the same leaves give the same bytes whenever it is asked for.
 */
export const domainAttestationSchema = z.strictObject({
  ...commonClaims(issuer, issuer, uuid),
  as_of: z.strictObject({
    tree_size: count.describe('leaves it follows from'),
    leaf_index: count.describe('the last of them'),
    root: sha256Hash.describe('RFC 9162 root of these leaves'),
    time_ms: count.describe('latest time any of them names; Unix ms'),
  }),
  policies: z
    .array(z.strictObject({ id: z.string(), version: count, set_hash: sha256Hash }))
    .describe('policy sets in force, by id'),
  keys: z.strictObject({ active: count, digest }),
  mandates: z.strictObject({ standing: count, revoked: count, digest }),
  flows: z.strictObject({
    states: z
      .array(z.strictObject({ state: identifier, count }))
      .describe('flows by the state their last transition in the log names'),
    digest,
  }),
  incidents: z.strictObject({ open: count, digest }),
  quarantine: z.strictObject({
    halts: count.describe('agents, principals, policies, … that are halted or revoked'),
    flows: count.describe('flows that are drifting, contained or recovering'),
    artifacts: count.describe('artifacts suspended by name'),
    digest,
  }),
  redacted: count.describe('leaves it should follow from whose content was redacted'),
});
export type DomainAttestationClaims = z.infer<typeof domainAttestationSchema>;
