import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { Buffer } from './buffer.js';

/** Where the 32 bytes of a key begin in its SubjectPublicKeyInfo (RFC 8410 §4). */
const SPKI_PREFIX_BYTES = 12;

/** SHA-256 at once, as `node:crypto` has it: WebCrypto only answers later, and a tree is made of many small hashes. */
export function hash(algorithm, data, encoding) {
  if (algorithm !== 'sha256') throw new TypeError(`no such hash: ${algorithm}`);
  const digest = Buffer.from(sha256(typeof data === 'string' ? Buffer.from(data) : data));
  return encoding === 'buffer' ? digest : digest.toString(encoding);
}

/** The two kinds of key the verifier knows. @throws when a P-256 point is not on its curve */
export function createPublicKey({ key, format }) {
  if (format === 'der') return key.subarray(SPKI_PREFIX_BYTES);
  if (key.kty === 'OKP') return Buffer.from(key.x, 'base64url');
  const point = Buffer.concat([Uint8Array.of(4), Buffer.from(key.x, 'base64url'), Buffer.from(key.y, 'base64url')]);
  p256.Point.fromBytes(point).assertValidity();
  return point;
}

/** Ed25519 over a message (RFC 8032 §5.1.7), with S < L and canonical points, as OpenSSL has it. */
export function verify(algorithm, message, publicKey, signature) {
  if (algorithm !== null) throw new TypeError(`no such signature: ${algorithm}`);
  return ed25519.verify(signature, message, publicKey, { zip215: false });
}
