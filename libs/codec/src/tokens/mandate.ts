import { LIMITS } from '@spendgate/core';
import { z } from 'zod';
import { MANDATE_DEPTH_MAX } from '../limits.js';
import { measurement, partyId, requestClaims, timeSeconds, uuid } from './fields.js';

/** A root principal may sign offline and hand it in later; how long the grant holds is `validity`, not `exp`. */
export const MANDATE_LIFETIME_SECONDS_MAX = 30 * 86_400;

/**
 * The grant itself; its hash is SHA-256 over the RFC 8785 form of this object. Every member is written, null where
 * nothing is asked, so one grant has one text. A limit this version cannot enforce is an unknown field, never ignored.
 */
export const mandateSchema = z.strictObject({
  id: uuid.describe('stays through versions; also the flow'),
  version: z.int().min(1).describe('counts up by one with each signed change'),
  parent: uuid.nullable().describe('the mandate it is cut from; null: a root'),
  principal: partyId.describe('who owns the money; the same at every level'),
  agent: partyId.nullable().describe('who may spend; null: a level that only bounds its children'),
  limits: z.strictObject({
    currency: z.string().describe('ISO 4217 code or configured asset; the same at every level'),
    total: z.string().describe('decimal string in major units: most that may be held and captured in all'),
    per_transaction: z.string().nullable().describe('decimal string in major units; null: no limit of its own'),
  }),
  counterparties: z
    .array(partyId)
    .min(1)
    .max(LIMITS.mandateCounterpartiesMax)
    .nullable()
    .describe('who may be paid; null: any that is registered'),
  validity: z.strictObject({
    from: timeSeconds.describe('Unix seconds'),
    until: timeSeconds.describe('no decision at this instant or later; Unix seconds'),
  }),
  policy: z.strictObject({ id: partyId.describe('the policy set every intent is put to') }),
  environment: z
    .strictObject({
      max_age_seconds: z.int().min(1).max(86_400).describe('an attestation result older than this is stale'),
      measurements: z.array(measurement).min(1).max(LIMITS.measurementsMax).describe('reference values'),
    })
    .nullable()
    .describe('null: no attestation is required'),
  approvals: z
    .strictObject({ above: z.string().describe('decimal string in major units: a larger intent waits for a person') })
    .nullable(),
  park_seconds: z
    .int()
    .min(1)
    .max(LIMITS.parkSecondsMax)
    .nullable()
    .describe('intents wait this long while contained; null: denied'),
  depth: z.int().min(0).max(MANDATE_DEPTH_MAX).describe('levels above it; 0: a root'),
});
export type MandateClaim = z.infer<typeof mandateSchema>;

/** `mandate+jwt`: signed by the principal, or for a delegation by the agent of the parent mandate. */
export const mandateTokenSchema = z.strictObject({ ...requestClaims, mandate: mandateSchema.describe('the grant') });
export type MandateTokenClaims = z.infer<typeof mandateTokenSchema>;

/** @returns the first claim that contradicts another */
export function checkMandate({ mandate, iss }: MandateTokenClaims): string | null {
  if ((mandate.parent === null) !== (mandate.depth === 0)) return 'mandate.depth';
  if (mandate.parent === mandate.id) return 'mandate.parent';
  if (mandate.parent === null && iss !== mandate.principal) return 'mandate.principal';
  if (mandate.validity.from >= mandate.validity.until) return 'mandate.validity.until';
  const { counterparties } = mandate;
  if (counterparties !== null && new Set(counterparties).size !== counterparties.length)
    return 'mandate.counterparties';
  return null;
}
