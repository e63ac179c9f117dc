import { z } from 'zod';
import { absoluteUri, commonClaims, issuer, uuid } from './fields.js';

/** A list past its `exp` is `trust_unverifiable` offline; an hour bounds what a mirror may serve. */
export const STATUS_LIST_LIFETIME_SECONDS_MAX = 3_600;

/** `statuslist+jwt`: Token Status List §5.1. The domain addresses itself: the list is public. */
export const statusListSchema = z.strictObject({
  ...commonClaims(issuer, issuer, uuid),
  sub: absoluteUri.describe('uri of the list, as artifacts name it'),
  ttl: z.int().min(1).max(STATUS_LIST_LIFETIME_SECONDS_MAX).describe('seconds a copy may be used'),
  status_list: z.strictObject({
    bits: z.literal(2).describe('bits per entry: 0 valid, 1 revoked, 2 suspended'),
    lst: z
      .string()
      .regex(/^[A-Za-z0-9_-]+$/)
      .describe('DEFLATE with the ZLIB format (RFC 1950), base64url'),
  }),
});
export type StatusListClaims = z.infer<typeof statusListSchema>;
