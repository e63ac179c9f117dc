import type { KeySet } from '@spendgate/artifact';
import type { CurrencyTable, DenialCode } from '@spendgate/core';

/** The eight checks of every verification, in the order they are reported (A27–A34). */
export const CHECK_NAMES = [
  'signature',
  'scope_integrity',
  'temporal_validity',
  'environment_binding',
  'policy_hash',
  'origin',
  'revocation_state',
  'lineage',
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

export interface CheckReport {
  readonly name: CheckName;
  readonly ok: boolean;
  /** What was found, for people; begins with the denial code when `ok` is false. */
  readonly detail: string;
}

export interface ArtifactReport {
  readonly valid: boolean;
  /** The first row of the denials table among the failed checks; `null` when valid. */
  readonly code: DenialCode | null;
  readonly checks: readonly CheckReport[];
}

/** Proof that the domain's log holds the decision that issued the artifact. */
export interface InclusionEvidence {
  /** Leaf as in the tree: its RFC 8785 text. */
  readonly leaf: string;
  /** Payload the leaf commits to (RFC 8785 text), and the salt, base64url. */
  readonly payload: string;
  readonly salt: string;
  readonly leafIndex: number;
  readonly treeSize: number;
  /** Hashes in base64url. `root` is the caller's: from a checkpoint whose signature it has verified. */
  readonly root: string;
  readonly proof: readonly string[];
}

export interface ArtifactVerification {
  /** The compact JWS. */
  readonly artifact: string;
  readonly keys: KeySet;
  /** Judged at, Unix ms. */
  readonly atMs: number;
  /** A `statuslist+jwt`. Without it nobody can know of a revocation: the report says so. */
  readonly statusList?: string | undefined;
  readonly inclusion?: InclusionEvidence | undefined;
  /** Denies with `trust_unverifiable` where a status list or an inclusion proof is not given. */
  readonly requireAll?: boolean | undefined;
  /** The slice and set the verifier knows to be in force, base64url. */
  readonly policy?: { readonly hash?: string; readonly setHash?: string } | undefined;
  /** Currencies and the domain's digital assets; absent: ISO 4217. */
  readonly currencies?: CurrencyTable | undefined;
}
