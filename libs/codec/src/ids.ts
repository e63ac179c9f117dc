import { canonicalize } from './canonical.js';
import { sha256Hex } from './hash.js';

/** Largest time a 48-bit millisecond field holds; the year is 10889. */
const TIME_MS_MAX = 0xffff_ffff_ffff;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * A UUID version 8 (RFC 9562 §5.8) from bytes of our choice: version and variant bits are overwritten, the other 122
 * are kept. Ids made so are functions of what they name: a second run, another replica or a stranger gets the same.
 *
 * @param bytes at least 16; the rest is ignored
 */
export function uuid8(bytes: Uint8Array): string {
  if (bytes.length < 16) throw new RangeError('a UUID takes 16 bytes');
  return spell(Buffer.from(bytes.subarray(0, 16)).toString('hex'));
}

/** Hexadecimal digits of 16 bytes as a UUID of version 8, variant 10 (RFC 9562 §4.1, §4.2). */
function spell(hex: string): string {
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) & 3);
  return (
    `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-` +
    `${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
  );
}

/** @returns whether a text is a UUID in the one spelling we take: lower case with hyphens. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

function digestOf(inputs: readonly (string | number)[]): string {
  return sha256Hex(canonicalize(inputs));
}

/** Time first, so that indexes grow at one end; then the hash of the inputs. */
function timedUuid8(timeMs: number, inputs: readonly (string | number)[]): string {
  if (!Number.isInteger(timeMs) || timeMs < 0 || timeMs > TIME_MS_MAX) throw new RangeError('time in ms, 48 bits');
  return spell(timeMs.toString(16).padStart(12, '0') + digestOf(inputs));
}

/** What makes two intents the same one: re-signed, re-sent or over another door, it keeps its id. */
export interface IntentName {
  /** Issuer of the domain that decides, as in the intent's `aud`. */
  readonly issuer: string;
  readonly agent: string;
  readonly mandate: string;
  readonly jti: string;
}

/** No time part: the id must be known before the log gives a time, and a replay must find the first one. */
export function intentId({ issuer, agent, mandate, jti }: IntentName): string {
  return spell(digestOf(['intent', issuer, agent, mandate, jti]));
}

/**
 * @param appendedAtMs when the log took the intent, Unix ms
 * @param attempt 0 for the first decision; a decision after parking counts up
 */
export function decisionId(appendedAtMs: number, intent: string, attempt: number): string {
  return timedUuid8(appendedAtMs, ['decision', intent, attempt]);
}

/** @param renewal 0 for the first artifact of a hold; of a renewal the attempt of its decision, which counts up */
export function artifactId(appendedAtMs: number, intent: string, epoch: number, renewal: number): string {
  return timedUuid8(appendedAtMs, ['artifact', intent, epoch, renewal]);
}

/** A hold outlives its artifact: renewals keep it. */
export function holdId(appendedAtMs: number, intent: string): string {
  return timedUuid8(appendedAtMs, ['hold', intent]);
}

/** A renewal re-signed or re-sent is the same one. @param signer party id */
export function renewalId(issuer: string, signer: string, artifact: string, jti: string): string {
  return spell(digestOf(['renewal', issuer, signer, artifact, jti]));
}

/** @param actionId the presenter's `capture_id`, `void_id` or `refund_id` */
export function settlementId(artifact: string, action: 'capture' | 'void' | 'refund', actionId: string): string {
  return spell(digestOf(['settlement', artifact, action, actionId]));
}

/** One report of a settlement's outcome, by who reports it and the report's `jti`. */
export function outcomeId(reporter: string, jti: string): string {
  return spell(digestOf(['outcome', reporter, jti]));
}
