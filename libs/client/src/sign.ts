import { canonicalize } from '@spendgate/codec';

/** A private Ed25519 key as JWK (RFC 8037 §2), with its `kid` (RFC 7638 thumbprint) and the party it belongs to. */
export interface PartyKey {
  readonly kid: string;
  /** Party id: what `iss` will say. */
  readonly party: string;
  readonly jwk: { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string; readonly d: string };
}

/** Signs for one party. Holds the imported key, so that signing many objects imports it once. */
export class PartySigner {
  private constructor(
    readonly party: string,
    readonly kid: string,
    private readonly key: CryptoKey,
  ) {}

  /** @throws {DOMException} when the JWK is no Ed25519 private key */
  static async from({ kid, party, jwk }: PartyKey): Promise<PartySigner> {
    const { kty, crv, x, d } = jwk;
    const key = await crypto.subtle.importKey('jwk', { kty, crv, x, d }, 'Ed25519', false, ['sign']);
    return new PartySigner(party, kid, key);
  }

  /**
   * Signs claims as a compact JWS (RFC 7515 §7.1) over their RFC 8785 form. Ed25519 is deterministic: equal claims give
   * equal bytes, so a request signed again after a crash is the same request.
   */
  async sign(typ: string, claims: Readonly<Record<string, unknown>>): Promise<string> {
    const header = base64url(utf8(canonicalize({ alg: 'EdDSA', kid: this.kid, typ })));
    const signingInput = `${header}.${base64url(utf8(canonicalize(claims)))}`;
    return `${signingInput}.${base64url(await this.signBytes(utf8(signingInput)))}`;
  }

  /** Raw Ed25519 signature, 64 bytes; HTTP message signatures (RFC 9421) use it. */
  async signBytes(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await crypto.subtle.sign('Ed25519', this.key, bytes));
  }
}

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function base64url(bytes: Uint8Array): string {
  // btoa takes one character a byte; apply would overflow the stack on large payloads
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}
