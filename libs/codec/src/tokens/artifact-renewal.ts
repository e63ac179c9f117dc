import { z } from 'zod';
import { amount, artifactReference, requestClaims, timeSeconds, uuid } from './fields.js';
import { CAPTURES_MAX } from './payment-intent.js';

/**
 * `artifact-renewal+jwt`: the agent or the artifact's audience asks for a new artifact on the same hold. Each optional
 * claim narrows; absent, the old value stays. Nothing here can widen: a larger value is `scope_escalation`.
 */
export const artifactRenewalSchema = z.strictObject({
  ...requestClaims,
  mandate: uuid.describe('the flow; also the Kafka key'),
  artifact: artifactReference.describe('the artifact to replace; it is revoked in the same transaction'),
  hold: uuid.describe('the hold both stand on'),
  amount: amount.exactOptional().describe('most that may be captured in all, what was captured before included'),
  max_captures: z.int().min(1).max(CAPTURES_MAX).exactOptional().describe('not more than before'),
  settle_by: timeSeconds.exactOptional().describe('Unix seconds; not later than before'),
});
export type ArtifactRenewalClaims = z.infer<typeof artifactRenewalSchema>;
