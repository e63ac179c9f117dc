import { createHash, createPrivateKey } from 'node:crypto';
import { PrivateKeySigner, type KeyPurpose, signToken } from '@spendgate/artifact';
import { TOKENS, type TokenTyp, canonicalize, hashJsonText } from '@spendgate/codec';
import { TOKEN_EXAMPLES } from './token-examples.js';

/** One published vector: the claims, the key that verifies, and the exact bytes. */
export interface TokenVector {
  readonly typ: TokenTyp;
  readonly claims: object;
  /** RFC 8785 form of the claims: the payload's bytes. */
  readonly canonical: string;
  /** SHA-256 of it, base64url. */
  readonly hash: string;
  /** Public JWK (RFC 8037) with its RFC 7638 thumbprint as kid. */
  readonly key: object;
  /** Compact JWS (RFC 7515 §7.1). */
  readonly jws: string;
}

/** PKCS #8 head of an Ed25519 private key (RFC 8410 §7); the 32-byte seed follows. */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The key of an example is made from its name, so that anyone can make it again; it protects nothing. */
function exampleSigner(typ: TokenTyp): PrivateKeySigner {
  const [purpose] = TOKENS[typ].purposes;
  const seed = createHash('sha256').update(`spendgate example key: ${purpose}`).digest();
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
  return PrivateKeySigner.fromJwk(key.export({ format: 'jwk' }), purpose as KeyPurpose); // as: same names, two tables
}

/** @returns one vector per `typ`, in the order of the token table; the same bytes on every run */
export function makeTokenVectors(): Promise<TokenVector[]> {
  const typs = Object.keys(TOKENS) as TokenTyp[]; // as: Object.keys widens the names of our own table
  return Promise.all(
    typs.map(async (typ) => {
      const claims = TOKEN_EXAMPLES[typ];
      const signer = exampleSigner(typ);
      return {
        typ,
        claims,
        canonical: canonicalize(claims),
        hash: hashJsonText(claims),
        key: { ...signer.jwk, kid: signer.kid, alg: 'EdDSA' },
        jws: await signToken(signer, typ, claims),
      };
    }),
  );
}
