import { z } from 'zod';
import {
  artifactReference,
  commonClaims,
  denialCode,
  issuer,
  partyId,
  requestId,
  sha256Hash,
  timeSeconds,
  uuid,
} from './fields.js';

/** Kept as evidence as long as a chargeback can come. */
export const DECISION_LIFETIME_SECONDS_MAX = 400 * 86_400;

const STAGES = ['policy', 'identity', 'runtime_integrity', 'environment', 'governance', 'issue'] as const;

/** A limit that stopped a spend; shown only to who may see that level. */
export const shownLimit = z.strictObject({
  mandate: uuid,
  name: z.string().max(128).describe('total, per_transaction, per_day, category:5411/per_month/count, …'),
  limit: z.string().describe('decimal string in major units; of a `…/count` a number of spends'),
  available: z.string().describe('the same'),
});

/** `decision+jwt`: what was decided on an intent, for the agent; names its audit leaf, so a leaf left out is provable. */
export const decisionSchema = z.strictObject({
  ...commonClaims(issuer, partyId, uuid),
  intent_id: uuid.describe('hash of domain, agent, mandate and jti of the intent'),
  intent_jti: requestId.describe("the intent's jti"),
  intent_hash: sha256Hash.describe("SHA-256 over the RFC 8785 form of the intent's claims without iat and exp"),
  mandate: uuid.describe('also the flow'),
  outcome: z.enum(['authorized', 'denied', 'parked']),
  code: denialCode.nullable().describe('denial code; null when authorized'),
  field: z.string().max(256).nullable().describe('the claim, or the missing source, the code is about'),
  limit: shownLimit.nullable().describe('the limit that stopped it, if the agent may see that level'),
  stages: z
    .array(z.strictObject({ stage: z.enum(STAGES), verdict: z.enum(['passed', 'failed', 'not_run']) }))
    .length(STAGES.length)
    .describe('all six in order; after a failed one nothing ran'),
  artifact: artifactReference.nullable().describe('issued artifact; null unless authorized'),
  parked_until: timeSeconds.nullable().describe('the wait ends; Unix seconds; null unless parked'),
  decision_hash: sha256Hash.describe('the frozen read set: replay must give it again'),
  leaf_hash: sha256Hash.describe('RFC 9162 hash of its audit leaf'),
  supersedes: uuid
    .nullable()
    .describe('the decision this one takes the place of: it waited, or its artifact was renewed'),
});
export type DecisionClaims = z.infer<typeof decisionSchema>;

/** @returns the first claim that contradicts another */
export function checkDecision(claims: DecisionClaims): string | null {
  if (claims.stages.some(({ stage }, i) => stage !== STAGES[i])) return 'stages';
  if ((claims.outcome === 'authorized') !== (claims.code === null)) return 'code';
  if ((claims.outcome === 'authorized') !== (claims.artifact !== null)) return 'artifact';
  if ((claims.outcome === 'parked') !== (claims.parked_until !== null)) return 'parked_until';
  return null;
}
