import { z } from 'zod';
import { denialCode, sha256Hash, uuid } from '../tokens/fields.js';
import { decimalCount, timeMs, version1 } from './fields.js';

const place = {
  v: version1,
  topic: z.string().max(249).describe('without prefix'),
  partition: z.int().min(0),
};

/** `intent-refusals.v1`: the answer to a record that got no signed decision; above the source's rate, summaries. */
export const intentRefusedSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...place,
    kind: z.literal('refusal'),
    offset: decimalCount,
    ce_id: z.string().max(512).nullable().describe("the record's own CloudEvents id, if it had a usable one"),
    code: denialCode,
    field: z.string().max(256).nullable(),
    decision_id: uuid.nullable().describe('of a replay: the decision already recorded'),
    refused_at_ms: timeMs,
  }),
  z.strictObject({
    ...place,
    kind: z.literal('summary'),
    first_offset: decimalCount,
    last_offset: decimalCount,
    code: denialCode,
    count: z.int().min(1).describe('records refused for this code between the two offsets'),
    digest: sha256Hash.describe('SHA-256 over the digests of the records, in order'),
    refused_at_ms: timeMs,
  }),
]);
export type IntentRefused = z.infer<typeof intentRefusedSchema>;
