import { createPrivateKey, createPublicKey, generateKeyPairSync, sign as nodeSign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { canonicalize } from '@spendgate/codec';
import type { KeyPurpose, PublicJwk, Signer, TokenAlgorithm } from './keys.js';
import { parsePublicKey } from './public-key.js';

/** A private JWK as our key files and `--keys DIR` hold it. */
export type PrivateJwk = PublicJwk & { readonly d: string };

/**
 * Signs with a key in this process's memory. Ed25519 is deterministic (RFC 8032 §5.1.6): the same claims give the same
 * bytes after a crash. ES256 is not, so domain keys are Ed25519 and only parties may bring ES256.
 */
export class PrivateKeySigner implements Signer {
  private constructor(
    readonly kid: string,
    readonly alg: TokenAlgorithm,
    readonly purpose: KeyPurpose,
    readonly jwk: PublicJwk,
    private readonly privateKey: KeyObject,
  ) {}

  static generate(purpose: KeyPurpose, alg: TokenAlgorithm = 'EdDSA'): PrivateKeySigner {
    const { privateKey } =
      alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
    return PrivateKeySigner.fromKeyObject(privateKey, purpose, alg);
  }

  /** @throws {TypeError} the JWK is no Ed25519 or P-256 private key, or its public part is not the one of `d` */
  static fromJwk(jwk: object, purpose: KeyPurpose): PrivateKeySigner {
    const privateKey = createPrivateKey({ key: { ...jwk }, format: 'jwk' });
    const alg: unknown = 'alg' in jwk ? jwk.alg : undefined;
    const fallback = privateKey.asymmetricKeyType === 'ec' ? 'ES256' : 'EdDSA';
    const signer = PrivateKeySigner.fromKeyObject(privateKey, purpose, alg === 'Ed25519' ? alg : fallback);
    // A file whose x is another key's would publish a kid its signatures do not answer to.
    if ('x' in jwk && jwk.x !== signer.jwk.x) throw new TypeError('the public part of the key is not that of "d"');
    return signer;
  }

  private static fromKeyObject(privateKey: KeyObject, purpose: KeyPurpose, alg: TokenAlgorithm): PrivateKeySigner {
    const parsed = parsePublicKey(createPublicKey(privateKey).export({ format: 'jwk' }), { purpose });
    if (!parsed.ok) throw new TypeError(`no usable signing key: ${parsed.problem} (${parsed.detail})`);
    return new PrivateKeySigner(parsed.key.kid, alg, purpose, parsed.key.jwk, privateKey);
  }

  sign(signingInput: Buffer): Promise<Buffer> {
    const digest = this.alg === 'ES256' ? 'sha256' : null;
    return new Promise((resolve, reject) => {
      nodeSign(digest, signingInput, { key: this.privateKey, dsaEncoding: 'ieee-p1363' }, (error, signature) => {
        if (error === null) resolve(signature);
        else reject(error);
      });
    });
  }

  /** For key files only. */
  toPrivateJwk(): PrivateJwk {
    const { d } = this.privateKey.export({ format: 'jwk' });
    if (d === undefined) throw new TypeError('the key has no private part');
    return { ...this.jwk, d };
  }
}

/**
 * Signs claims as a compact JWS (RFC 7515 §7.1) with the header exactly `{"alg","kid","typ"}` and the payload in
 * RFC 8785 form, so equal claims are equal bytes.
 *
 * @param typ without `application/`, for example `payment-intent+jwt`
 */
export function signToken(signer: Signer, typ: string, claims: object): Promise<string> {
  return signCanonical(signer, typ, canonicalize(claims));
}

/** Signs claims that were stored in RFC 8785 form: the bytes are taken as they are, nothing is parsed again. */
export async function signCanonical(signer: Signer, typ: string, payload: string): Promise<string> {
  const input = `${headerOf(signer, typ)}.${Buffer.from(payload).toString('base64url')}`;
  const signature = await signer.sign(Buffer.from(input));
  return `${input}.${signature.toString('base64url')}`;
}

/** Signs a batch: all at once into the thread pool, results in order. */
export function signTokens(signer: Signer, typ: string, claims: readonly object[]): Promise<string[]> {
  return Promise.all(claims.map((one) => signToken(signer, typ, one)));
}

/** Headers by signer and typ: a signer never changes, and there are a dozen typs. */
const headers = new WeakMap<Signer, Map<string, string>>();

function headerOf(signer: Signer, typ: string): string {
  const own = headers.get(signer) ?? new Map<string, string>();
  headers.set(signer, own);
  const known = own.get(typ);
  if (known !== undefined) return known;
  const header = Buffer.from(canonicalize({ alg: signer.alg, kid: signer.kid, typ })).toString('base64url');
  own.set(typ, header);
  return header;
}
