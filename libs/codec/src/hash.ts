import { hash } from 'node:crypto';
import { canonicalize } from './canonical.js';

/** SHA-256 (FIPS 180-4) of bytes, or of a text's UTF-8 bytes. */
export function sha256(data: Uint8Array | string): Buffer {
  // A digest as text and its bytes from the shared pool cost half of a Buffer with memory of its own.
  return Buffer.from(hash('sha256', data, 'binary'), 'binary');
}

/** SHA-256 as it is written in JSON: base64url without padding, 43 characters. */
export function sha256Text(data: Uint8Array | string): string {
  return hash('sha256', data, 'base64url');
}

/** SHA-256 in hexadecimal digits, lower case. */
export function sha256Hex(data: Uint8Array | string): string {
  return hash('sha256', data, 'hex');
}

/**
 * Digest of a JSON value: SHA-256 over its RFC 8785 form, so that equal values have equal digests whoever wrote them.
 *
 * @throws {TypeError} the value is not JSON (RFC 8785 §3.1)
 */
export function hashJson(value: unknown): Buffer {
  return sha256(canonicalize(value));
}

/** {@link hashJson} in base64url, 43 characters. */
export function hashJsonText(value: unknown): string {
  return sha256Text(canonicalize(value));
}
