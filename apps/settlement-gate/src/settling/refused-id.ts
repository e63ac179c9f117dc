import { hashJson, settlementActionId, uuid8 } from '@spendgate/codec';
import type { SettlementDenial } from '@spendgate/core';
import type { RequestItem } from './gate-item.js';

/**
 * Denials that say nothing about the artifact or its holder: they never occupy the id the rightful presenter may use.
 * They are kept under an id of their own, made from presenter and body.
 */
const WITHOUT_ID: ReadonlySet<string> = new Set<SettlementDenial>([
  'artifact_missing',
  'artifact_not_issued',
  'audience_mismatch',
  'domain_mismatch',
  'issuer_unknown',
  'signature_invalid',
  'idempotency_conflict',
]);

export function keepsNoId(code: SettlementDenial | null): boolean {
  return code !== null && WITHOUT_ID.has(code);
}

/** An id that depends on who asked and what, so that nobody can occupy another's. */
export function refusedId(item: RequestItem): string {
  const { artifact, action } = item.claims;
  const body = item.bodyHash.toString('base64url');
  return uuid8(hashJson(['settlement-refused', artifact.id, action, settlementActionId(item.claims), body]));
}
