import { z } from 'zod';
import { denialCode, partyId, requestId, sha256Hash, uuid } from '../tokens/fields.js';
import { flowSequence, timeMs, version1 } from './fields.js';

/** `authorization-decisions.v1`: that a decision was made. Amounts, payees and the artifact are fetched by who may. */
export const authorizationDecidedSchema = z.strictObject({
  v: version1,
  decision_id: uuid,
  intent_id: uuid,
  intent_jti: requestId.describe('what the agent called its intent'),
  flow_id: uuid,
  sequence: flowSequence,
  agent: partyId,
  outcome: z.enum(['authorized', 'denied', 'parked']),
  code: denialCode.nullable().describe('null when authorized'),
  field: z.string().max(256).nullable(),
  artifact_id: uuid.nullable().describe('null unless authorized'),
  supersedes: uuid.nullable().describe('the parked decision this one ends'),
  decision_hash: sha256Hash,
  leaf_hash: sha256Hash,
  judged_at_ms: timeMs,
});
export type AuthorizationDecided = z.infer<typeof authorizationDecidedSchema>;
