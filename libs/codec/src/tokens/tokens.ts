import type { z } from 'zod';
import * as artifact from './artifact.js';
import { artifactRenewalSchema } from './artifact-renewal.js';
import * as attestation from './attestation-result.js';
import * as control from './control-event.js';
import * as decision from './decision.js';
import * as domain from './domain-attestation.js';
import * as key from './key-transition.js';
import * as mandate from './mandate.js';
import * as ops from './ops-action.js';
import * as intent from './payment-intent.js';
import { TOKEN_PURPOSES, type TokenPurpose } from './purposes.js';
import * as settlement from './settlement.js';
import * as status from './status-list.js';

/** What the strict form gate, the verifiers and the signers need to know of a `typ`. */
export interface TokenSpec<S extends z.ZodType = z.ZodType> {
  /** Keys that may sign it. One key has one purpose; several here mean several kinds of signer. */
  readonly purposes: readonly TokenPurpose[];
  /** `exp − iat` is more than 0 and at most this. */
  readonly maxLifetimeSeconds: number;
  readonly schema: S;
  /** @returns the first claim that contradicts another; what one claim alone must be is in the schema */
  readonly check: (claims: z.infer<S>) => string | null;
}
function token<S extends z.ZodType>(
  purposes: readonly TokenPurpose[],
  maxLifetimeSeconds: number,
  schema: S,
  check: (claims: z.infer<S>) => string | null = () => null,
): TokenSpec<S> {
  return { purposes, maxLifetimeSeconds, schema, check };
}

/** Every signed object, by the `typ` of its header (RFC 8725 §3.11: a type each, so none can stand in for another). */
export const TOKENS = {
  'mandate+jwt': token(
    ['principal', 'agent'],
    mandate.MANDATE_LIFETIME_SECONDS_MAX,
    mandate.mandateTokenSchema,
    mandate.checkMandate,
  ),
  'payment-intent+jwt': token(
    ['agent'],
    intent.INTENT_LIFETIME_SECONDS_MAX,
    intent.paymentIntentSchema,
    intent.checkPaymentIntent,
  ),
  'authorization-artifact+jwt': token(
    ['artifact'],
    artifact.ARTIFACT_LIFETIME_SECONDS_MAX,
    artifact.artifactSchema,
    artifact.checkArtifact,
  ),
  'decision+jwt': token(
    ['decision'],
    decision.DECISION_LIFETIME_SECONDS_MAX,
    decision.decisionSchema,
    decision.checkDecision,
  ),
  'artifact-renewal+jwt': token(['agent', 'settlement'], intent.INTENT_LIFETIME_SECONDS_MAX, artifactRenewalSchema),
  'settlement-request+jwt': token(
    ['settlement', 'agent'], // an agent may void its own
    settlement.SETTLEMENT_REQUEST_LIFETIME_SECONDS_MAX,
    settlement.settlementRequestSchema,
    settlement.checkSettlementRequest,
  ),
  'settlement-outcome+jwt': token(
    ['settlement', 'rail'],
    intent.INTENT_LIFETIME_SECONDS_MAX,
    settlement.settlementOutcomeSchema,
    settlement.checkSettlementOutcome,
  ),
  'settlement-receipt+jwt': token(
    ['receipt'],
    settlement.RECEIPT_LIFETIME_SECONDS_MAX,
    settlement.settlementReceiptSchema,
    settlement.checkSettlementReceipt,
  ),
  'attestation-result+jwt': token(
    ['attester'],
    attestation.ATTESTATION_LIFETIME_SECONDS_MAX,
    attestation.attestationResultSchema,
    attestation.checkAttestationResult,
  ),
  'key-transition+jwt': token(
    TOKEN_PURPOSES,
    key.KEY_TRANSITION_LIFETIME_SECONDS_MAX,
    key.keyTransitionSchema,
    key.checkKeyTransition,
  ),
  'ops-action+jwt': token(['person'], ops.OPS_ACTION_LIFETIME_SECONDS_MAX, ops.opsActionSchema, ops.checkOpsAction),
  'control-event+jwt': token(['control'], control.CONTROL_EVENT_LIFETIME_SECONDS_MAX, control.controlEventSchema),
  'domain-attestation+jwt': token(
    ['control'],
    domain.DOMAIN_ATTESTATION_LIFETIME_SECONDS,
    domain.domainAttestationSchema,
  ),
  'statuslist+jwt': token(['status'], status.STATUS_LIST_LIFETIME_SECONDS_MAX, status.statusListSchema),
} as const;

export type TokenTyp = keyof typeof TOKENS;
/** The claims of a `typ`: `ClaimsOf<'payment-intent+jwt'>` is {@link intent.PaymentIntentClaims}. */
export type ClaimsOf<T extends TokenTyp> = z.infer<(typeof TOKENS)[T]['schema']>;

export function isTokenTyp(text: string): text is TokenTyp {
  return Object.hasOwn(TOKENS, text);
}
