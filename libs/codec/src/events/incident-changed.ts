import { z } from 'zod';
import { identifier, sha256Hash, uuid } from '../tokens/fields.js';
import { timeMs, version1 } from './fields.js';

/** `incidents.v1`: a flow was contained, or its case moved on. */
export const incidentChangedSchema = z.strictObject({
  v: version1,
  incident_id: uuid,
  flow_id: uuid,
  version: z.int().min(1).describe('counts up by one with each change; consumers drop what is not newer'),
  change: z.enum([
    'opened',
    'cause_added',
    'cause_cleared',
    'escalated',
    'overdue',
    'revalidated',
    'revoked',
    'closed',
  ]),
  causes: z.array(identifier).max(64).describe('those not cleared yet'),
  rule: identifier.nullable().describe('drift rule that opened it'),
  leaf_hash: sha256Hash,
  changed_at_ms: timeMs,
});
export type IncidentChanged = z.infer<typeof incidentChangedSchema>;
