import { verify as nodeVerify } from 'node:crypto';
import type { VerificationKey } from './keys.js';
import { nodePublicKey } from './public-key.js';

/** Both algorithms have signatures of 64 bytes: R ‖ S (RFC 8032), r ‖ s (RFC 7518 §3.4). */
const SIGNATURE_BYTES = 64;

/**
 * Verifies one signature in the libuv pool, off the main thread. OpenSSL refuses S ≥ L (RFC 8032 §5.1.7), so an
 * Ed25519 signature cannot be respelled.
 *
 * @returns `false` for anything that does not verify; it never throws for what an attacker sent
 */
export function verifyRaw(key: VerificationKey, signed: Buffer, signature: Buffer): Promise<boolean> {
  if (signature.length !== SIGNATURE_BYTES) return Promise.resolve(false);
  const publicKey = nodePublicKey(key.jwk);
  return new Promise((resolve) => {
    if (key.jwk.kty === 'EC') {
      const p1363 = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
      nodeVerify('sha256', signed, p1363, signature, (error, valid) => resolve(error === null && valid));
    } else {
      nodeVerify(null, signed, publicKey, signature, (error, valid) => resolve(error === null && valid));
    }
  });
}
