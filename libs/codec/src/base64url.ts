const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const TEXT = /^[A-Za-z0-9_-]*$/;

/**
 * Whether a text is base64url (RFC 4648 §5) in its one spelling: no padding, no whitespace, and no bits set that decode
 * to nothing (§3.5). `Buffer.from` takes all of these, so two texts could carry one signature.
 */
export function isCanonicalBase64url(text: string): boolean {
  return TEXT.test(text) && hasCleanTail(text);
}

/** For texts whose characters are known to be of the alphabet. */
export function hasCleanTail(text: string): boolean {
  const rest = text.length % 4;
  if (rest === 0) return true;
  if (rest === 1) return false;
  const last = ALPHABET.indexOf(text.charAt(text.length - 1));
  return rest === 2 ? (last & 0x0f) === 0 : (last & 0x03) === 0;
}

/** @returns the bytes, or null when the text is not in its one spelling */
export function decodeBase64url(text: string): Buffer | null {
  return isCanonicalBase64url(text) ? Buffer.from(text, 'base64url') : null;
}

export function encodeBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}
