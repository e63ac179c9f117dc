import { verifyCompact } from '@spendgate/artifact';
import { renewalBodyHash, renewalId } from '@spendgate/codec';
import type { RenewalRequest } from '@spendgate/core';
import type { RegistryFacts, RegistryNeeds } from '@spendgate/store';
import { type Judged, refuse } from './candidate.js';
import type { DecodedRenewal } from './decode-renewal.js';
import type { VerifyApprovalOptions } from './verify-approval.js';
import { SIGNED_AHEAD_MS_MAX } from './verify-intents.js';

/** A renewal with who signed it: an active agent or settlement service, for this domain. */
export interface VerifiedRenewal extends DecodedRenewal {
  readonly by: RenewalRequest['by'];
  readonly kid: string;
  readonly renewalId: string;
  /** SHA-256 over the canonical payload without `iat` and `exp`. */
  readonly bodyHash: Buffer;
}

const SIGNERS = ['agent', 'settlement_service'] as const;

/** What the registry must tell about who signed. */
export function renewerNeeds({ compact, claims }: DecodedRenewal): Required<Pick<RegistryNeeds, 'kids' | 'parties'>> {
  return { kids: [compact.header.kid], parties: SIGNERS.map((kind) => ({ kind, id: claims.iss })) };
}

/** Verifies who signed. Whether that one may renew this artifact is judged later, with the artifact. */
export async function verifyRenewal(
  renewal: DecodedRenewal,
  { facts, issuer, atMs }: VerifyApprovalOptions,
): Promise<Judged<VerifiedRenewal>> {
  const { record, compact, claims } = renewal;
  const typ = 'artifact-renewal+jwt';
  const verdict = await verifyCompact(compact, { typ, keys: (kid) => facts.key(kid), atMs });
  if (!verdict.ok) return refuse(record, verdict.code, verdict.field);
  const { kid } = verdict.key;
  const kind = signerKind(facts, kid, claims.iss);
  if (kind === undefined) return refuse(record, 'issuer_unknown', 'iss');
  if (facts.key(kid)?.continuity === 'broken') return refuse(record, 'identity_discontinuity', 'header.kid');
  if (facts.party(kind, claims.iss)?.state !== 'active') return refuse(record, 'key_retired', 'iss');
  if (claims.aud !== issuer) return refuse(record, 'domain_mismatch', 'aud');
  if (claims.iat * 1_000 - record.appendedAtMs > SIGNED_AHEAD_MS_MAX) return refuse(record, 'signature_invalid', 'iat');
  const id = renewalId(issuer, claims.iss, claims.artifact.id, claims.jti);
  const by = { kind, party: claims.iss };
  return { ok: true, value: { ...renewal, by, kid, renewalId: id, bodyHash: renewalBodyHash(claims) } };
}

/** A key has one owner of one kind: an agent called like a service does not sign for it. */
function signerKind(facts: RegistryFacts, kid: string, party: string): RenewalRequest['by']['kind'] | undefined {
  const key = facts.key(kid);
  return key?.party === party ? SIGNERS.find((kind) => kind === key.partyKind) : undefined;
}

/** The renewal as core judges it; claims are seconds (NumericDate), core counts milliseconds. */
export function renewalRequestOf({ claims, by }: VerifiedRenewal): RenewalRequest {
  const { mandate, artifact, hold, amount, max_captures: maxCaptures, settle_by: settleBy } = claims;
  return {
    by,
    mandate,
    artifactHash: artifact.hash,
    holdId: hold,
    amount: amount ?? null,
    maxCaptures: maxCaptures ?? null,
    settleByMs: settleBy === undefined ? null : settleBy * 1_000,
    iatMs: claims.iat * 1_000,
    expMs: claims.exp * 1_000,
  };
}
