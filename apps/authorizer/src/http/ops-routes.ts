import { EXAMPLE, HASH, MILLISECONDS, type RouteSpec, TOKEN, UUID } from '@spendgate/http-edge';
import { z } from 'zod';
import { INCIDENT_ROUTES, REACHED } from './incident-routes.js';

const CHANGE = z.object({ kind: z.string(), id: z.string(), change: z.string() });
const TAKEN = z.object({
  act: UUID,
  action: z.string(),
  state: z.enum(['done', 'waiting']),
  content_hash: HASH.describe('what a second person signs for in change_hash'),
  changes: z.array(CHANGE),
  replayed: z.boolean(),
});
const WAITING = z.object({
  act: UUID,
  asked_by: z.string(),
  action: z.string(),
  token: TOKEN,
  content_hash: HASH,
  acted_at_ms: MILLISECONDS,
});
const HALT = z.object({
  scope: z.string(),
  id: z.string(),
  permanent: z.boolean(),
  reason: z.string(),
  set_by: z.string(),
  set_at_ms: MILLISECONDS,
});

const taken = {
  act: EXAMPLE.uuid,
  action: 'halt',
  state: 'done',
  content_hash: EXAMPLE.hash,
  changes: [{ kind: 'agent', id: 'buyer', change: 'halted' }],
  replayed: false,
};
const TAKEN_ANSWERS = {
  200: { about: 'done; nothing is decided on the state before', schema: TAKEN, example: taken },
  202: {
    about: 'waits for a second person; what could be stopped at once is stopped',
    schema: TAKEN,
    example: { ...taken, action: 'release', state: 'waiting', changes: [] },
  },
};
/** What a person's signed act is refused with before it is known to be a person's. */
const UNVERIFIED = [
  'malformed',
  'too_large',
  'encoding_invalid',
  'unknown_field',
  'type_mismatch',
  'header_forbidden',
  'algorithm_forbidden',
  'key_unknown',
  'key_retired',
  'signature_invalid',
  'issuer_unknown',
  'domain_mismatch',
] as const;
const REFUSED = {
  400: 'no such act, or not on such targets',
  403: 'not this person',
  404: 'nothing of this id is there, or waits',
  409: 'not as things stand, the jti was used for another act, or the evidence is not there yet',
  412: 'it moved on since the person looked: the version signed, or that of `If-Match`, is not its own',
};

/** What finance ops asks of the authorizer. */
export const OPS_ROUTES: readonly RouteSpec[] = [
  {
    method: 'POST',
    path: '/v1/ops/acts',
    id: 'takeOpsAct',
    about: "A person's signed act: halt, release, revoke and what is done to incidents.",
    body: ['ops-action+jwt'],
    idempotencyKey: 'jti',
    answers: TAKEN_ANSWERS,
    denials: UNVERIFIED,
    problems: REFUSED,
  },
  {
    method: 'POST',
    path: '/v1/revocations',
    id: 'revoke',
    about: 'The same for revocations: halted with the first signature, final with the second.',
    body: ['ops-action+jwt'],
    idempotencyKey: 'jti',
    answers: TAKEN_ANSWERS,
    denials: UNVERIFIED,
    problems: REFUSED,
  },
  {
    method: 'GET',
    path: '/v1/ops/acts',
    id: 'listWaitingActs',
    about: 'Acts that wait for their second person, newest first.',
    signedRead: true,
    answers: {
      200: {
        about: 'the acts, each with the first signature',
        schema: z.object({ acts: z.array(WAITING) }),
        example: {
          acts: [
            {
              act: EXAMPLE.uuid,
              asked_by: 'ada',
              action: 'release',
              token: EXAMPLE.token,
              content_hash: EXAMPLE.hash,
              acted_at_ms: 1_767_225_600_000,
            },
          ],
        },
      },
    },
    denials: [],
  },
  {
    method: 'GET',
    path: '/v1/ops/halts',
    id: 'listHalts',
    about: 'Halts that stand, newest first.',
    signedRead: true,
    answers: {
      200: {
        about: 'the halts',
        schema: z.object({ halts: z.array(HALT) }),
        example: {
          halts: [
            {
              scope: 'agent',
              id: 'buyer',
              permanent: false,
              reason: 'buys at night',
              set_by: 'ada',
              set_at_ms: 1_767_225_600_000,
            },
          ],
        },
      },
    },
    denials: [],
  },
  {
    method: 'GET',
    path: '/v1/ops/blast-radius',
    id: 'readBlastRadius',
    about: 'What a halt would reach: flows, live holds, money by currency. Nothing is halted.',
    signedRead: true,
    parameters: {
      scope: {
        about: 'artifact, flow, mandate, agent, counterparty, principal, domain or all',
        schema: z.string(),
        required: true,
        example: 'agent',
      },
      id: { about: 'what of it; * of all', schema: z.string(), required: true, example: 'buyer' },
    },
    answers: {
      200: {
        about: 'what it reaches',
        schema: z.object({ reaches: z.array(REACHED) }),
        example: { reaches: [{ currency: 'USD', flows: 1, holds: 2, held: '7.25', capturing: '0' }] },
      },
    },
    denials: ['malformed'],
  },
  ...INCIDENT_ROUTES,
];
