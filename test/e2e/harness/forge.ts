import type { Signer } from '@spendgate/artifact';

/** Parts of a compact JWS as an attacker may choose them: nothing here keeps to a rule. */
export interface Forgery {
  /** Members of the header in order; JSON text is taken as it is. */
  readonly header: Readonly<Record<string, unknown>> | string;
  /** Claims, or the payload's bytes. */
  readonly payload: object | Buffer;
  /** Signs header and payload as they are; absent: the signature is empty. */
  readonly signer?: Pick<Signer, 'sign'>;
}

/** The header our own signer writes. */
export function honestHeader(signer: Signer, typ: string): Readonly<Record<string, unknown>> {
  return { alg: signer.alg, kid: signer.kid, typ };
}

/** Puts a compact JWS together, whatever its parts say. */
export async function forge({ header, payload, signer }: Forgery): Promise<string> {
  const headerText = typeof header === 'string' ? header : JSON.stringify(header);
  const payloadBytes = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload));
  const input = `${Buffer.from(headerText).toString('base64url')}.${payloadBytes.toString('base64url')}`;
  const signature = signer === undefined ? Buffer.alloc(0) : await signer.sign(Buffer.from(input));
  return `${input}.${signature.toString('base64url')}`;
}

/** A token in every form of ours, over any payload. */
export function sealed(signer: Signer, typ: string, payload: object | Buffer): Promise<string> {
  return forge({ header: honestHeader(signer, typ), payload, signer });
}
