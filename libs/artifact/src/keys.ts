import { DOMAIN_PURPOSES } from '@spendgate/codec';
import type { JwsAlgorithm, PARTY_PURPOSES, TokenPurpose } from '@spendgate/codec';

/** A header `alg` we verify; Ed25519 goes by two names (RFC 8037 `EdDSA`, RFC 9864 `Ed25519`). */
export type TokenAlgorithm = JwsAlgorithm;

/** What a key may sign: the purposes of the codec's token table. */
export type KeyPurpose = TokenPurpose;
export type DomainKeyPurpose = (typeof DOMAIN_PURPOSES)[number];
export type PartyKeyPurpose = (typeof PARTY_PURPOSES)[number];
/** Every purpose a domain has, for the one process that runs all roles. */
export const ALL_DOMAIN_PURPOSES: readonly DomainKeyPurpose[] = DOMAIN_PURPOSES;

/** Public members of a key, RFC 7517 with RFC 8037 (OKP) and RFC 7518 §6.2 (EC); nothing else is kept. */
export type PublicJwk =
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string }
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string };

/** A public key that passed `parsePublicKey`: valid point, canonical encoding, its thumbprint as kid. Plain data. */
export interface VerificationKey {
  /** RFC 7638 thumbprint, base64url of SHA-256. */
  readonly kid: string;
  /** Header `alg` values this key answers to; one algorithm, at most two names. */
  readonly algorithms: readonly TokenAlgorithm[];
  readonly jwk: PublicJwk;
  /** `null` only in key sets of strangers, where nothing says it. */
  readonly purpose: KeyPurpose | null;
  /** The party id that owns the key, the domain's issuer for domain keys, `null` in key sets of strangers. */
  readonly party: string | null;
  /** Active in [activeFromMs, retiredAtMs), Unix ms; `null` = not retired. */
  readonly activeFromMs: number;
  readonly retiredAtMs: number | null;
}

/** Finds a key by kid, in memory: whoever calls loads what the batch's kids need beforehand. */
export type KeyLookup = (kid: string) => VerificationKey | undefined;

/** Signs with one private key. The file-backed signer is here; a KMS or PKCS#11 has the same shape. */
export interface Signer {
  readonly kid: string;
  readonly alg: TokenAlgorithm;
  readonly purpose: KeyPurpose;
  /** The public half, to register or publish. */
  readonly jwk: PublicJwk;
  /** Raw JWS signature (64 bytes) over the signing input, computed in the thread pool. */
  sign(signingInput: Buffer): Promise<Buffer>;
}
