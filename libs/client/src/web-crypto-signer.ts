import { type Signer, thumbprint } from '@spendgate/artifact';

/** A private Ed25519 key as JWK (RFC 8037 §2). */
export interface PrivateEd25519Jwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly d: string;
}

/**
 * A signer on WebCrypto: no key file, no native module, so it runs wherever `fetch` does.
 *
 * Ed25519 is deterministic: a request signed again after a crash has the same bytes, so it is the same request.
 *
 * @throws {DOMException} when the JWK is no Ed25519 private key
 */
export async function webCryptoSigner(jwk: PrivateEd25519Jwk, purpose: Signer['purpose']): Promise<Signer> {
  const { kty, crv, x, d } = jwk;
  const key = await crypto.subtle.importKey('jwk', { kty, crv, x, d }, 'Ed25519', false, ['sign']);
  const publicJwk = { kty, crv, x };
  return {
    kid: thumbprint(publicJwk),
    alg: 'EdDSA',
    purpose,
    jwk: publicJwk,
    sign: async (signingInput) => Buffer.from(await crypto.subtle.sign('Ed25519', key, new Uint8Array(signingInput))),
  };
}
