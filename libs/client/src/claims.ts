import type {
  ArtifactReference,
  ArtifactRenewalClaims,
  AttestationResultClaims,
  MandateClaim,
  MandateTokenClaims,
  PaymentIntentClaims,
  SettlementOutcomeClaims,
  SettlementRequestClaims,
} from '@spendgate/codec';
import { hashJsonText } from '@spendgate/codec';

/** Who signs, for which domain, and when (Unix seconds). */
export interface Signing {
  /** Party id of the signer: `iss`. */
  readonly party: string;
  /** Issuer of the domain that is asked: `aud`. */
  readonly issuer: string;
  readonly nowSeconds: number;
}

/** An intent as an agent thinks of it; `jti` is its retry key: the same one never spends twice. */
export type PlainIntent = Omit<PaymentIntentClaims, 'iss' | 'aud' | 'iat' | 'exp' | 'jti'> & { readonly jti?: string };

/** How long an intent may wait to be decided when its caller names no time. */
const INTENT_LIFETIME_SECONDS = 3_600;
/** Settlement requests are acts: short, so that a copied log is of no use (design: at most 300). */
const REQUEST_LIFETIME_SECONDS = 240;

/** @returns the claims of a `payment-intent+jwt`. Without `jti` a random one is chosen: keep it for a retry. */
export function intentClaims(
  { jti, ...intent }: PlainIntent,
  signing: Signing,
  lifetimeSeconds = INTENT_LIFETIME_SECONDS,
): PaymentIntentClaims {
  return { ...intent, ...common(signing, lifetimeSeconds), jti: jti ?? crypto.randomUUID() };
}

/** What a settlement service keeps of an artifact to ask for money with it. */
export interface HeldArtifact {
  readonly reference: ArtifactReference;
  readonly counterparty: string;
  readonly merchantReference: string;
  readonly currency: string;
}

/**
 * Reads an artifact without verifying it: the gate compares each claim with its own row, and `verify artifact` or
 * libs/verifier checks it offline.
 *
 * @param artifact compact JWS
 * @throws {TypeError} it is no authorization artifact
 */
export function readArtifact(artifact: string): HeldArtifact {
  const payload = artifact.split('.')[1] ?? '';
  const claims: unknown = JSON.parse(new TextDecoder().decode(fromBase64url(payload)));
  if (!isArtifact(claims)) throw new TypeError('this token is no authorization artifact');
  const [details] = claims.authorization_details;
  return {
    reference: { id: claims.jti, hash: hashJsonText(claims) },
    counterparty: details.counterparty.id,
    merchantReference: details.reference,
    currency: details.amount.currency,
  };
}

/** A capture, void or refund. The ids are the presenter's retry keys; `value` is a decimal string in major units. */
export type SettlementAct =
  | { readonly action: 'capture'; readonly captureId: string; readonly value: string; readonly final?: boolean }
  | { readonly action: 'void'; readonly voidId: string }
  | { readonly action: 'refund'; readonly captureId: string; readonly refundId: string; readonly value: string };

/** @returns the claims of a `settlement-request+jwt` */
export function settlementClaims(
  artifact: HeldArtifact,
  act: SettlementAct,
  signing: Signing,
): SettlementRequestClaims {
  return {
    ...common(signing, REQUEST_LIFETIME_SECONDS),
    jti: crypto.randomUUID(),
    action: act.action,
    artifact: artifact.reference,
    counterparty: artifact.counterparty,
    merchant_reference: artifact.merchantReference,
    ...(act.action === 'void' ? { void_id: act.voidId } : { capture_id: act.captureId }),
    ...(act.action === 'refund' && { refund_id: act.refundId }),
    ...(act.action !== 'void' && { amount: { value: act.value, currency: artifact.currency } }),
    ...(act.action === 'capture' && act.final !== undefined && { final: act.final }),
  };
}

/** What became of a capture or refund at the rail. */
export interface OutcomeReport {
  readonly of: { readonly captureId: string } | { readonly refundId: string };
  readonly outcome: SettlementOutcomeClaims['outcome'];
  readonly value: string;
  readonly railReference?: string;
  readonly occurredAtSeconds: number;
  /** Retry key: the same report under it is taken once. Without, a random one. */
  readonly jti?: string;
}

/** What a report says of the artifact its money was drawn on. */
export type ReportedArtifact = Pick<HeldArtifact, 'reference' | 'currency'>;

/** @returns the claims of a `settlement-outcome+jwt` */
export function outcomeClaims(
  artifact: ReportedArtifact,
  report: OutcomeReport,
  signing: Signing,
): SettlementOutcomeClaims {
  return {
    ...common(signing, REQUEST_LIFETIME_SECONDS),
    jti: report.jti ?? crypto.randomUUID(),
    artifact: artifact.reference,
    ...('captureId' in report.of ? { capture_id: report.of.captureId } : { refund_id: report.of.refundId }),
    outcome: report.outcome,
    amount: { value: report.value, currency: artifact.currency },
    ...(report.railReference !== undefined && { rail_reference: report.railReference }),
    occurred_at: report.occurredAtSeconds,
  };
}

/** An artifact with what its renewal must name: as `GET /v1/artifacts/{id}` shows it. */
export interface RenewableArtifact {
  readonly artifact: string;
  /** Of its mandate. */
  readonly flowId: string;
  readonly holdId: string;
}

/** What a renewal leaves of the artifact; what is absent stays as it is. */
export interface Narrowing {
  /** Most that may be captured in all, what was captured before included: decimal string in major units. */
  readonly value?: string;
  readonly maxCaptures?: number;
  readonly settleBySeconds?: number;
}

/** @returns the claims of an `artifact-renewal+jwt`. An artifact is renewed once, so it has one `jti`. */
export function renewalClaims(
  { artifact, flowId, holdId }: RenewableArtifact,
  { value, maxCaptures, settleBySeconds }: Narrowing,
  signing: Signing,
): ArtifactRenewalClaims {
  const { reference, currency } = readArtifact(artifact);
  return {
    ...common(signing, REQUEST_LIFETIME_SECONDS),
    jti: `renew-${reference.id}`,
    mandate: flowId,
    artifact: reference,
    hold: holdId,
    ...(value !== undefined && { amount: { value, currency } }),
    ...(maxCaptures !== undefined && { max_captures: maxCaptures }),
    ...(settleBySeconds !== undefined && { settle_by: settleBySeconds }),
  };
}

/** @returns the claims of a `mandate+jwt`. One version has one `jti`, so handing it in again is harmless. */
export function mandateTokenClaims(mandate: MandateClaim, signing: Signing): MandateTokenClaims {
  return { ...common(signing, REQUEST_LIFETIME_SECONDS), jti: `${mandate.id}:${mandate.version}`, mandate };
}

/** What an attester found, and for how many seconds it vouches for it. */
export type Observed = Omit<AttestationResultClaims, 'iss' | 'aud' | 'iat' | 'exp' | 'jti'> & {
  readonly validSeconds: number;
};

/** @returns the claims of an `attestation-result+jwt` */
export function observationClaims({ validSeconds, ...observed }: Observed, signing: Signing): AttestationResultClaims {
  return { ...observed, ...common(signing, validSeconds), jti: crypto.randomUUID() };
}

function common({ party, issuer, nowSeconds }: Signing, lifetimeSeconds: number) {
  return { iss: party, aud: issuer, iat: nowSeconds, exp: nowSeconds + lifetimeSeconds };
}

function fromBase64url(text: string): Uint8Array {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

interface ArtifactShape {
  readonly jti: string;
  readonly authorization_details: readonly [
    {
      readonly reference: string;
      readonly counterparty: { readonly id: string };
      readonly amount: { readonly currency: string };
    },
  ];
}

function isArtifact(claims: unknown): claims is ArtifactShape {
  return typeof claims === 'object' && claims !== null && 'jti' in claims && 'authorization_details' in claims;
}
