import { hash } from 'node:crypto';

/** Bytes of a SHA-256 digest (FIPS 180-4), and of every hash of the tree. */
export const HASH_BYTES = 32;

/** The one place the tree takes SHA-256 from: a build for another runtime replaces this file. */
export function sha256(data: Uint8Array): Uint8Array {
  return hash('sha256', data, 'buffer');
}
