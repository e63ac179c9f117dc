import type { DenialCode } from '@spendgate/core';
import { EXAMPLE, HASH, MILLISECONDS, type RouteSpec } from '@spendgate/http-edge';
import { z } from 'zod';

const TRANSITION = z.object({
  kind: z.enum(['agent', 'settlement_service', 'attester', 'rail']),
  party: z.string(),
  old: z.object({ kid: HASH, retired_at_ms: MILLISECONDS }),
  new: z.object({ kid: HASH, active_from_ms: MILLISECONDS }),
  replayed: z.boolean(),
});
const TRANSITION_DENIALS: readonly DenialCode[] = [
  'too_large',
  'encoding_invalid',
  'malformed',
  'type_mismatch',
  'header_forbidden',
  'algorithm_forbidden',
  'unknown_field',
  'key_unknown',
  'key_retired',
  'signature_invalid',
  'issuer_unknown',
  'domain_mismatch',
  'idempotency_conflict',
  'agent_key_mismatch',
  'identity_discontinuity',
  'scope_mismatch',
];
const transition = {
  kind: 'agent',
  party: 'shop-agent',
  old: { kid: EXAMPLE.hash, retired_at_ms: 1_767_312_000_000 },
  new: { kid: EXAMPLE.hash, active_from_ms: 1_767_225_600_000 },
};

/** Where machines go over to a new key by themselves. */
export const KEY_TRANSITION_ROUTE: RouteSpec = {
  method: 'POST',
  path: '/v1/key-transitions',
  id: 'submitKeyTransition',
  about: 'A machine goes over to a new key: in force when it is answered. The same transition again changes nothing.',
  body: ['key-transition+jwt'],
  idempotencyKey: '`jti`',
  answers: {
    200: {
      about: 'made before',
      schema: TRANSITION,
      headers: ['idempotency-replayed'],
      example: { ...transition, replayed: true },
    },
    201: { about: 'made', schema: TRANSITION, example: { ...transition, replayed: false } },
  },
  denials: TRANSITION_DENIALS,
};
