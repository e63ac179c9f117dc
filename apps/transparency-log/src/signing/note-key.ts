import type { PublicJwk, Signer } from '@spendgate/artifact';
import { type NoteKey, NOTE_SIGNATURE } from '@spendgate/audit-log';
import { InvariantError } from '@spendgate/core';

/**
 * The checkpoint key as notes know it.
 *
 * @throws {InvariantError} `ERR_KEY_UNSUITED`: notes are signed with Ed25519 (C2SP signed-note)
 */
export function noteKeyOf(origin: string, jwk: PublicJwk): NoteKey {
  if (jwk.kty !== 'OKP') throw new InvariantError('ERR_KEY_UNSUITED', 'a checkpoint key is an Ed25519 key');
  return { name: origin, type: NOTE_SIGNATURE.ed25519, publicKey: Buffer.from(jwk.x, 'base64url') };
}

/** The key this role signs checkpoints with. @throws {InvariantError} `ERR_KEY_MISSING` */
export function requireSigner(signer: Signer | undefined, purpose: string): Signer {
  if (signer === undefined) throw new InvariantError('ERR_KEY_MISSING', `the log was given no ${purpose} key`);
  return signer;
}
