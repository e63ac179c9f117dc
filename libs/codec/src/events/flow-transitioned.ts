import { z } from 'zod';
import { sha256Hash, uuid } from '../tokens/fields.js';
import { flowEvent, flowSequence, flowState, timeMs, version1 } from './fields.js';

/** `flow-transitions.v1`: one step of a flow through its nine phases. */
export const flowTransitionedSchema = z.strictObject({
  v: version1,
  flow_id: uuid,
  sequence: flowSequence,
  epoch: z.int().min(0).describe('epoch of trust after the step'),
  event: flowEvent,
  from: flowState,
  to: flowState,
  leaf_hash: sha256Hash.nullable().describe('its own leaf, or the leaf of the decision that caused it'),
  transitioned_at_ms: timeMs,
});
export type FlowTransitioned = z.infer<typeof flowTransitionedSchema>;
