import { z } from 'zod';
import { commonClaims, count, identifier, issuer, sha256Hash, timeSeconds, uuid } from './fields.js';

export const CONTROL_EVENT_LIFETIME_SECONDS_MAX = 400 * 86_400;

/** `control-event+jwt`: the domain tells that an act wider than one flow took effect. It only notifies: rows decide. */
export const controlEventSchema = z.strictObject({
  ...commonClaims(issuer, issuer, uuid),
  event: identifier.describe(
    'agent_revoked, key_retired, mandate_revoked, halt_set, halt_released, policy_activated, …',
  ),
  subject: z.strictObject({ kind: identifier, id: z.string().regex(/^[!-~]{1,255}$/) }),
  control_epoch: count.describe('number of the act; counts up by one with each'),
  effective_at: timeSeconds.describe('nothing is decided on the old state from here; Unix seconds'),
  leaf_hash: sha256Hash.describe('RFC 9162 hash of its audit leaf'),
});
export type ControlEventClaims = z.infer<typeof controlEventSchema>;
