import { z } from 'zod';
import { artifactProof, heads, loggedParts, statusList } from './bundle-parts.js';
import { BUNDLE_LEAVES_MAX } from './limits.js';
import { issuer, uuid } from './tokens/fields.js';

/**
 * One artifact with all that proves it, in the five parts of the product's fourth principle (E4). Lists are in the order
 * of the log. Every member: docs/reference/bundle.md.
 */
export const bundleSchema = z.strictObject({
  v: z.literal(1),
  domain: issuer,
  subject: z.strictObject({ kind: z.literal('artifact'), id: uuid }),
  proof: z.strictObject(artifactProof),
  synchronization: z.strictObject({ status_list: statusList, ...heads }),
  ...loggedParts(BUNDLE_LEAVES_MAX),
});
export type Bundle = z.infer<typeof bundleSchema>;
