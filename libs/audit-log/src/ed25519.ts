import { createPublicKey, verify } from 'node:crypto';

/** SubjectPublicKeyInfo of an Ed25519 key up to its 32 bytes (RFC 8410 §4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/**
 * Checks an Ed25519 signature (RFC 8032 §5.1.7). The one place notes take it from. Total.
 *
 * @param publicKey raw, 32 bytes
 */
export function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): 'valid' | 'signature_invalid' | 'key_malformed' {
  if (publicKey.length !== KEY_BYTES) return 'key_malformed';
  if (signature.length !== SIGNATURE_BYTES) return 'signature_invalid';
  try {
    const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
    return verify(null, message, key, signature) ? 'valid' : 'signature_invalid';
  } catch {
    return 'key_malformed';
  }
}
