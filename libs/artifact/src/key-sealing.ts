import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';

/** A private JWK under a passphrase: scrypt (RFC 7914) makes the key, AES-256-GCM seals. All values base64url. */
export interface SealedKey {
  readonly sealed: 'scrypt-aes-256-gcm';
  /** log2 of the scrypt cost N. */
  readonly cost: number;
  readonly salt: string;
  readonly nonce: string;
  readonly ciphertext: string;
  readonly tag: string;
}

/** 2^15: about 0.1 s and 32 MB a guess. A file asking for more than 2^20 is refused, it would only stall the start. */
const COST = 15;
const COST_MAX = 20;
const BLOCK_SIZE = 8;

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);

export async function sealKey(jwk: object, passphrase: string): Promise<SealedKey> {
  const [salt, nonce] = [randomBytes(16), randomBytes(12)];
  const cipher = createCipheriv('aes-256-gcm', await keyFrom(passphrase, salt, COST), nonce);
  const ciphertext = Buffer.concat([cipher.update(JSON.stringify(jwk)), cipher.final()]);
  return {
    sealed: 'scrypt-aes-256-gcm',
    cost: COST,
    salt: salt.toString('base64url'),
    nonce: nonce.toString('base64url'),
    ciphertext: ciphertext.toString('base64url'),
    tag: cipher.getAuthTag().toString('base64url'),
  };
}

/** @returns `undefined` when the passphrase is wrong or the file was changed; the two cannot be told apart */
export async function openSealed(sealed: SealedKey, passphrase: string): Promise<object | undefined> {
  if (!Number.isInteger(sealed.cost) || sealed.cost < 1 || sealed.cost > COST_MAX) return undefined;
  const key = await keyFrom(passphrase, Buffer.from(sealed.salt, 'base64url'), sealed.cost);
  try {
    const nonce = Buffer.from(sealed.nonce, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
    decipher.setAuthTag(Buffer.from(sealed.tag, 'base64url'));
    const clear = Buffer.concat([decipher.update(Buffer.from(sealed.ciphertext, 'base64url')), decipher.final()]);
    const jwk: unknown = JSON.parse(clear.toString('utf8'));
    return typeof jwk === 'object' && jwk !== null ? jwk : undefined;
  } catch {
    return undefined;
  }
}

function keyFrom(passphrase: string, salt: Buffer, cost: number): Promise<Buffer> {
  const N = 2 ** cost;
  return derive(passphrase.normalize('NFKC'), salt, 32, { N, r: BLOCK_SIZE, p: 1, maxmem: 256 * N * BLOCK_SIZE });
}
