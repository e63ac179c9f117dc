import { z } from 'zod';
import { count, identifier, requestClaims, sha256Hash, shownText, uuid } from './fields.js';

export const OPS_ACTION_LIFETIME_SECONDS_MAX = 86_400;
export const OPS_TARGETS_MAX = 1_000;

/**
 * `ops-action+jwt`: a person's act, signed by a key the server never holds. `change_hash` binds what exactly is done, so
 * a second person signs for the same thing and not for its name.
 */
export const opsActionSchema = z.strictObject({
  ...requestClaims,
  action: identifier.describe('the act: approve_intent, refuse_intent, halt, release, revoke, activate_policy, …'),
  targets: z
    .array(
      z.strictObject({
        kind: identifier.describe(
          'flow, artifact, agent, counterparty, mandate, intent, incident, policy, key, domain, …',
        ),
        id: z.string().regex(/^[!-~]{1,255}$/),
        version: count.nullable().describe('expected version; another one found: nothing is done. null: it has none'),
      }),
    )
    .min(1)
    .max(OPS_TARGETS_MAX)
    .describe('each once'),
  reason: shownText(500).describe('why, in words; kept for auditors'),
  causes: z.array(identifier).max(64).describe('causes of an incident this act clears; empty: none'),
  request: uuid.nullable().describe('the change request this approves; null: this is the request'),
  change_hash: sha256Hash
    .nullable()
    .describe(
      'SHA-256 over the RFC 8785 form of the change asked for; null: the act is all. Of approve_intent and ' +
        'refuse_intent: the decision_hash of the decision by which the intent waits, which covers its body and ' +
        'everything it was judged on; each names one intent, and is a record of payment-intents.v1 under its flow id',
    ),
});
export type OpsActionClaims = z.infer<typeof opsActionSchema>;

/** @returns the first claim that contradicts another */
export function checkOpsAction({ targets, causes }: OpsActionClaims): string | null {
  if (new Set(targets.map(({ kind, id }) => `${kind} ${id}`)).size !== targets.length) return 'targets';
  return new Set(causes).size === causes.length ? null : 'causes';
}
