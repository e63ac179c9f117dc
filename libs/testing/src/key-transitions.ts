import { type Signer, signToken } from '@spendgate/artifact';
import type { KeyTransitionClaims } from '@spendgate/codec';
import { TEST_ISSUER } from './test-domain.js';

const TYP = 'key-transition+jwt';

/** A transition of `party` from one key to another at once, with a minute in which both sign. */
export function transitionClaims(
  party: string,
  old: Signer,
  successor: Signer,
  change: Partial<KeyTransitionClaims> = {},
): KeyTransitionClaims {
  const iat = Math.floor(Date.now() / 1_000);
  return {
    iss: party,
    aud: TEST_ISSUER,
    iat,
    exp: iat + 300,
    jti: `transition-${successor.kid}`,
    purpose: old.purpose,
    old: { kid: old.kid },
    new: { kid: successor.kid, jwk: successor.jwk },
    overlap: { from: iat, until: iat + 60 },
    ...change,
  };
}

/** Signed by both keys; `proven` are the claims the new key signs, when they are to be others. */
export async function signTransition(
  old: Signer,
  successor: Signer,
  claims: KeyTransitionClaims,
  proven: KeyTransitionClaims = claims,
): Promise<string> {
  const proof = await signToken(successor, TYP, proven);
  return signToken(old, TYP, { ...claims, proof });
}
