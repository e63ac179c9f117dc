import { z } from 'zod';
import { DEAD_LETTER_PAYLOAD_BYTES_MAX } from '../limits.js';
import { sha256Hash } from '../tokens/fields.js';
import { decimalCount, version1 } from './fields.js';

const base64 = (bytesMax: number): z.ZodString =>
  z
    .string()
    .max(Math.ceil(bytesMax / 3) * 4)
    .regex(/^[A-Za-z0-9+/]*={0,2}$/);

/** `dead-letters.v1`: a record that could not be read as a request at all, with the reason. */
export const deadLetterSchema = z.strictObject({
  v: version1,
  topic: z.string().max(249).describe('without prefix'),
  partition: z.int().min(0),
  offset: decimalCount,
  reason: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/)
    .describe('denial code, or the ERR_ code of our own defect'),
  field: z.string().max(256).exactOptional(),
  key: base64(256).nullable().describe('first 256 bytes, base64'),
  tombstone: z.boolean().describe('the record had no value'),
  payload: base64(DEAD_LETTER_PAYLOAD_BYTES_MAX).describe('first 4 KiB, base64'),
  payload_bytes: z.int().min(0).describe('bytes of the whole'),
  payload_hash: sha256Hash.describe('of the whole'),
  headers: z.record(z.string().max(256), z.string().max(256)).describe('cut to 32 of 256 characters'),
  suppressed: z.int().min(0).describe('letters of this partition above the quota since the last one written'),
});
export type DeadLetterEvent = z.infer<typeof deadLetterSchema>;
