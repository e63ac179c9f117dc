import { InvariantError } from '../errors.js';
import type { AdmissionDecision, AdmissionFacts, AdmissionState, Intent, Json } from './types.js';

/** What the authorizer alone knows about an artifact it issues. */
export interface ArtifactNaming {
  /** Issuer of the domain. */
  readonly issuer: string;
  readonly artifactId: string;
  /** base64url SHA-256 of the frozen read set. */
  readonly decisionHash: string;
  readonly statusUri: string;
  readonly statusIdx: number;
}
export type ArtifactClaims = { readonly [name: string]: Json };

/** Full claim set of an authorization artifact, plain JSON; bytes and signature are made elsewhere. */
export function artifactClaims(
  intent: Intent,
  decision: AdmissionDecision,
  state: AdmissionState,
  facts: AdmissionFacts,
  naming: ArtifactNaming,
): ArtifactClaims {
  throw new InvariantError(
    'ERR_NOT_WRITTEN',
    [intent.jti, decision.outcome, typeof state, typeof facts, naming.issuer].join(),
  );
}
