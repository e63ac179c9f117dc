import { z } from 'zod';

/** Shapes that appear in many answers. Amounts are decimal text in major units with exactly the currency's digits. */
export const UUID = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
export const TOKEN = z
  .string()
  .regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/)
  .describe('JWS compact serialization (RFC 7515 §7.1)');
export const AMOUNT = z.string().regex(/^(0|[1-9]\d*)(\.\d+)?$/);
export const CURRENCY = z
  .string()
  .regex(/^[A-Z]{3}$/)
  .describe('ISO 4217 alphabetic code');
export const SECONDS = z.number().int().min(0).describe('Unix time in seconds');
export const MILLISECONDS = z.number().int().min(0).describe('Unix time in milliseconds');
export const HASH = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/)
  .describe('SHA-256, base64url');
export const CODE = z.string().describe('code of the denials table').nullable();
export const MONEY = z.object({ value: AMOUNT, currency: CURRENCY });

/** Members of every list. */
export const PAGE = {
  has_more: z.boolean(),
  next_cursor: z.string().nullable().describe('opaque; `cursor` of the next page, which `Link` names too (RFC 8288)'),
};
export const CURSOR = { about: '`next_cursor` of the page before; opaque', schema: z.string().max(256) };

/** Values of the examples, the same in every table. */
export const EXAMPLE = {
  uuid: '01980f24-6a00-8000-8000-000000000001',
  other: '01980f24-6a00-8000-8000-000000000002',
  mandate: '2a1be532-74d0-87df-86ab-cc0c001f50d9',
  hash: 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
  token: 'eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJwYXkuZXhhbXBsZSJ9.c2lnbmF0dXJl',
} as const;
