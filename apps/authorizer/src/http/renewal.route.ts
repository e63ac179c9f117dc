import { ADMISSION_DENIALS, EXAMPLE, type RouteSpec, TOKEN, UUID } from '@spendgate/http-edge';
import type { DenialCode } from '@spendgate/core';
import { z } from 'zod';

const RENEWED = z.object({
  outcome: z.literal('authorized'),
  intent_id: UUID,
  decision_id: UUID,
  decision: TOKEN,
  artifact_id: UUID.describe('the new artifact'),
  artifact: TOKEN,
  replayed: z.boolean(),
});
const ACCEPTED = z.object({ outcome: z.null(), intent_id: UUID, jti: z.string(), retry_after: z.number() });
/** What may be wrong with the artifact itself; the rest is what its intent may meet, decided afresh. */
const ARTIFACT_DENIALS: readonly DenialCode[] = [
  'artifact_not_issued',
  'artifact_revoked',
  'artifact_suspended',
  'artifact_expired',
  'settle_by_passed',
  'artifact_consumed',
  'capture_limit',
];

/** Where an agent or a settlement service gets a new artifact for the hold of an old one. */
export const RENEWAL_ROUTE: RouteSpec = {
  method: 'POST',
  path: '/v1/artifacts/{id}/renew',
  id: 'renewArtifact',
  about:
    'A new artifact on the hold of this one, for as much or less, decided afresh; the old one is revoked. The same as ' +
    'appending the renewal to payment-intents.v1.',
  body: ['artifact-renewal+jwt'],
  waits: true,
  idempotencyKey: '`jti`',
  parameters: { id: { about: 'the artifact to replace', schema: UUID, example: EXAMPLE.uuid } },
  answers: {
    201: {
      about: 'renewed: the new artifact and its decision',
      schema: RENEWED,
      headers: ['idempotency-replayed', 'preference-applied'],
      example: {
        outcome: 'authorized',
        intent_id: EXAMPLE.uuid,
        decision_id: EXAMPLE.other,
        decision: EXAMPLE.token,
        artifact_id: EXAMPLE.mandate,
        artifact: EXAMPLE.token,
        replayed: false,
      },
    },
    202: {
      about: 'appended, not decided yet: send it again to learn what came of it',
      schema: ACCEPTED,
      headers: ['retry-after', 'preference-applied'],
      example: { outcome: null, intent_id: EXAMPLE.uuid, jti: 'renew-4711', retry_after: 1 },
    },
  },
  denials: [...ADMISSION_DENIALS, ...ARTIFACT_DENIALS],
};
