import { verifyCompact } from '@spendgate/artifact';
import type { ActingPerson } from '@spendgate/core';
import { type RegistryFacts, type RegistryNeeds, personRoles } from '@spendgate/store';
import { type Judged, refuse } from './candidate.js';
import { APPROVAL_TYP, type DecodedApproval } from './decode-approval.js';
import { SIGNED_AHEAD_MS_MAX } from './verify-intents.js';

/** A person's answer with the person: an active key of an active person, who signed for this domain. */
export interface VerifiedApproval extends DecodedApproval {
  readonly approver: ActingPerson;
}

export interface VerifyApprovalOptions {
  readonly facts: RegistryFacts;
  /** The domain that decides here. */
  readonly issuer: string;
  /** When the key must be active, Unix ms. */
  readonly atMs: number;
}

/** What the registry must tell about who signed. */
export function approverNeeds(
  ...approvals: readonly DecodedApproval[]
): Required<Pick<RegistryNeeds, 'kids' | 'parties'>> {
  return {
    kids: approvals.map(({ compact }) => compact.header.kid),
    parties: approvals.map(({ claims }) => ({ kind: 'person', id: claims.iss })),
  };
}

/** What intents need, and their approvers. */
export function withApprovers(needs: RegistryNeeds, approvals: readonly DecodedApproval[]): RegistryNeeds {
  const { kids, parties } = approverNeeds(...approvals);
  return { ...needs, kids: [...(needs.kids ?? []), ...kids], parties: [...(needs.parties ?? []), ...parties] };
}

/**
 * Verifies who signed. Only a person's key may sign an act, so an agent's is `key_unknown`, whatever roles somebody gave
 * the agent. Whether this person may answer for this intent is judged later, with the intent.
 */
export async function verifyApproval(
  approval: DecodedApproval,
  { facts, issuer, atMs }: VerifyApprovalOptions,
): Promise<Judged<VerifiedApproval>> {
  const { record, compact, claims } = approval;
  const verdict = await verifyCompact(compact, { typ: APPROVAL_TYP, keys: (kid) => facts.key(kid), atMs });
  if (!verdict.ok) return refuse(record, verdict.code, verdict.field);
  const { kid } = verdict.key;
  const person = facts.party('person', claims.iss);
  if (person === undefined || facts.key(kid)?.party !== claims.iss) return refuse(record, 'issuer_unknown', 'iss');
  if (facts.key(kid)?.continuity === 'broken') return refuse(record, 'identity_discontinuity', 'header.kid');
  if (person.state !== 'active') return refuse(record, 'key_retired', 'iss');
  if (claims.aud !== issuer) return refuse(record, 'domain_mismatch', 'aud');
  // Signed for later, an act would wait for its moment: it is the person's word now or none.
  if (claims.iat * 1_000 - record.appendedAtMs > SIGNED_AHEAD_MS_MAX) return refuse(record, 'signature_invalid', 'iat');
  return { ok: true, value: { ...approval, approver: { person: person.id, kid, roles: personRoles(person.body) } } };
}
