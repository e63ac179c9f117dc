import { findKey, readClaims, verifyWith } from '@spendgate/artifact';
import type { KeyLookup, VerificationKey } from '@spendgate/artifact';
import { TOKEN_BYTES_MAX, splitCompact } from '@spendgate/codec';
import type { ArtifactClaims } from '@spendgate/codec';
import type { DenialCode } from '@spendgate/core';

export const ARTIFACT_TYP = 'authorization-artifact+jwt';

/** A denial code and what it is about. */
export interface Fault {
  readonly ok: false;
  readonly code: DenialCode;
  readonly detail: string;
}

/** What could be had of an artifact: its claims and its signature's verdict stand or fall apart from each other. */
export interface ArtifactRead {
  readonly claims: { readonly ok: true; readonly value: ArtifactClaims } | Fault;
  readonly signature: { readonly ok: true; readonly key: VerificationKey } | Fault;
}

/**
 * Takes an artifact apart once. The key must have been active when the artifact says it was issued: keys retire, and
 * what they signed before stays signed. A thief of a retired key can backdate; the inclusion proof is what finds that.
 */
export async function readArtifact(given: {
  readonly artifact: string;
  readonly keys: { readonly find: KeyLookup };
  readonly atMs: number;
}): Promise<ArtifactRead> {
  const bytes = Buffer.from(given.artifact);
  const split = splitCompact(bytes, { typ: ARTIFACT_TYP, bytesMax: TOKEN_BYTES_MAX });
  if (!split.ok) {
    const fault: Fault = { ok: false, code: split.code, detail: split.field };
    return { claims: fault, signature: fault };
  }
  const claims = readClaims(ARTIFACT_TYP, split.jws);
  const activeAtMs = claims.ok ? claims.claims.iat * 1000 : given.atMs;
  const found = findKey(split.jws.header, { typ: ARTIFACT_TYP, keys: given.keys.find, atMs: activeAtMs });
  const isSigned = found.ok && (await verifyWith(found.key, bytes));
  const unsigned: Fault = { ok: false, code: 'signature_invalid', detail: 'signature' };
  return {
    claims: claims.ok ? { ok: true, value: claims.claims } : { ok: false, code: claims.code, detail: claims.field },
    signature: isSigned ? found : found.ok ? unsigned : { ok: false, code: found.code, detail: found.field },
  };
}
