import { DENIALS, type DenialCode } from '@spendgate/core';
import { z } from 'zod';

/** Shapes that several claims share. Each says its unit; each is bounded. */

/** 9999-12-31T23:59:59Z: what every database and calendar we meet can still write. */
const TIME_SECONDS_MAX = 253_402_300_799;

export const partyId = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/);
/** A domain's issuer: an absolute URI (RFC 3986 §4.3), such as `https://spend.example` or `urn:spendgate:demo`. */
export const issuer = z.string().regex(/^[a-z][a-z0-9+.-]{0,31}:[!-~]{1,222}$/);
/** ISO 18245 merchant category code. */
export const category = z.string().regex(/^[0-9]{4}$/);
export const uuid = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
/** A request's own name, chosen by who signs it; the retry key. */
export const requestId = z.string().regex(/^[A-Za-z0-9._~:-]{1,128}$/);
/** SHA-256 in base64url; the last character carries two bits that must be 0, so a digest has one spelling. */
export const sha256Hash = z.string().regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/);
/** Integer seconds since the Unix epoch (NumericDate of RFC 7519 §2, whole seconds only). */
export const timeSeconds = z.int().min(0).max(TIME_SECONDS_MAX);
export const count = z.int().min(0);
export const identifier = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/);
export const absoluteUri = z.string().regex(/^[a-z][a-z0-9+.-]{0,31}:[!-~]{1,479}$/);
/** A value an attester measured and a mandate lists: compared as text. */
export const measurement = z.string().regex(/^[A-Za-z0-9._:+/=-]{1,128}$/);

/** Judged by core, which knows the currency; only the JSON type is settled here: money is never a number. */
export const amount = z.strictObject({
  value: z.string().describe('decimal string in major units with exactly the currency\'s digits: "12.50", JPY "1250"'),
  currency: z.string().describe('ISO 4217 code or configured digital asset'),
});
export type AmountClaim = z.infer<typeof amount>;

/**
 * Text people read before they approve: no control characters, no line breaks, and none of the Unicode marks that turn
 * the reading direction, so that what is shown is what was signed.
 */
export function shownText(charsMax: number): z.ZodString {
  return z
    .string()
    .min(1)
    .max(charsMax)
    .regex(/^[^\p{Cc}\u2028\u2029\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]*$/u);
}

/** Which artifact, and the exact claims of it that the sender holds. */
export const artifactReference = z.strictObject({
  id: uuid.describe("the artifact's jti"),
  hash: sha256Hash.describe("SHA-256 over the RFC 8785 form of the artifact's claims"),
});
export type ArtifactReference = z.infer<typeof artifactReference>;

/** The denials table names every code there is. */
export const denialCode = z.enum(DENIALS.map(({ code }) => code) as [DenialCode, ...DenialCode[]]); // it is not empty

export const captureMode = z.enum(['single', 'partial', 'multi']);
export const settlementAction = z.enum(['capture', 'void', 'refund']);
export type SettlementAction = z.infer<typeof settlementAction>;

/** The five claims every token has; who may stand in `iss` and `aud`, and how `jti` looks, differs. */
export function commonClaims<I extends z.ZodType, A extends z.ZodType, J extends z.ZodType>(iss: I, aud: A, jti: J) {
  return {
    iss: iss.describe('who signed it: the party id, or the issuer of the domain (RFC 7519 §4.1.1)'),
    aud: aud.describe('who it is for: one party or one domain, never a list (RFC 7519 §4.1.3)'),
    iat: timeSeconds.describe('signed at; Unix seconds (RFC 7519 §4.1.6)'),
    exp: timeSeconds.describe('not accepted at this instant or later; Unix seconds (RFC 7519 §4.1.4)'),
    jti: jti.describe('its own name (RFC 7519 §4.1.7)'),
  };
}
/** A request: a party signs, the domain is asked. */
export const requestClaims = commonClaims(partyId, issuer, requestId);
