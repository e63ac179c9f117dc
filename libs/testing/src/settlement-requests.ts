import { type Signer, signToken } from '@spendgate/artifact';
import type { SettlementOutcomeClaims, SettlementRequestClaims } from '@spendgate/codec';
import type { IssuedTestArtifact } from './settlement-artifacts.js';
import { TEST_ISSUER } from './test-domain.js';

let requests = 0;

/** Claims of a request about an artifact, signed now, valid for five minutes; `undefined` members are left out. */
export function requestClaims(
  artifact: IssuedTestArtifact,
  change: Partial<Record<keyof SettlementRequestClaims, unknown>>,
): Record<string, unknown> {
  const iat = Math.floor(Date.now() / 1000);
  const claims = {
    iss: 'settler',
    aud: TEST_ISSUER,
    iat,
    exp: iat + 300,
    jti: `request-${(requests += 1)}`,
    artifact: { id: artifact.id, hash: artifact.hash },
    counterparty: artifact.counterparty,
    merchant_reference: artifact.reference,
    ...change,
  };
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

export function captureClaims(
  artifact: IssuedTestArtifact,
  captureId: string,
  value: string,
  change: Partial<Record<keyof SettlementRequestClaims, unknown>> = {},
): Record<string, unknown> {
  const amount = { value, currency: artifact.currency };
  return requestClaims(artifact, { action: 'capture', capture_id: captureId, amount, ...change });
}

export function voidClaims(
  artifact: IssuedTestArtifact,
  voidId: string,
  change: Partial<Record<keyof SettlementRequestClaims, unknown>> = {},
): Record<string, unknown> {
  return requestClaims(artifact, { action: 'void', void_id: voidId, ...change });
}

export function refundClaims(
  artifact: IssuedTestArtifact,
  captureId: string,
  refundId: string,
  value: string,
  change: Partial<Record<keyof SettlementRequestClaims, unknown>> = {},
): Record<string, unknown> {
  const amount = { value, currency: artifact.currency };
  return requestClaims(artifact, {
    action: 'refund',
    capture_id: captureId,
    refund_id: refundId,
    amount,
    ...change,
  });
}

export function outcomeClaims(
  artifact: IssuedTestArtifact,
  of: { readonly capture_id: string } | { readonly refund_id: string },
  outcome: SettlementOutcomeClaims['outcome'],
  value: string,
  change: Partial<Record<keyof SettlementOutcomeClaims, unknown>> = {},
): Record<string, unknown> {
  const iat = Math.floor(Date.now() / 1000);
  return {
    iss: 'settler',
    aud: TEST_ISSUER,
    iat,
    exp: iat + 300,
    jti: `outcome-${(requests += 1)}`,
    artifact: { id: artifact.id, hash: artifact.hash },
    ...of,
    outcome,
    amount: { value, currency: artifact.currency },
    occurred_at: iat,
    ...change,
  };
}

export async function signRequest(signer: Signer, claims: object): Promise<Buffer> {
  return Buffer.from(await signToken(signer, 'settlement-request+jwt', claims));
}

export async function signOutcome(signer: Signer, claims: object): Promise<Buffer> {
  return Buffer.from(await signToken(signer, 'settlement-outcome+jwt', claims));
}
