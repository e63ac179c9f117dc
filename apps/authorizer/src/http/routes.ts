import {
  ADMISSION_DENIALS,
  AMOUNT,
  CODE,
  CURRENCY,
  CURSOR,
  EXAMPLE,
  MILLISECONDS,
  MONEY,
  PAGE,
  type RouteSpec,
  SECONDS,
  TOKEN,
  UUID,
} from '@spendgate/http-edge';
import { z } from 'zod';
import { OPS_ROUTES } from './ops-routes.js';
import { KEY_TRANSITION_ROUTE } from './key-transition.route.js';
import { AUTHORITY_ROUTES } from './authority-routes.js';
import { RENEWAL_ROUTE } from './renewal.route.js';

const IDS = { intent_id: UUID, decision_id: UUID };
const OUTCOME = z.enum(['authorized', 'parked', 'denied']);
const NOT_YOURS = { 404: 'none with this id is yours' };

const APPROVALS = z
  .object({ given: z.number().int(), needed: z.number().int() })
  .optional()
  .describe('of one that waits for people: how many have approved, and how many it takes');

const AUTHORIZED = z.object({
  outcome: z.literal('authorized'),
  ...IDS,
  decision: TOKEN,
  artifact_id: UUID,
  artifact: TOKEN,
  replayed: z.boolean(),
});
/** `outcome: null`: appended, not decided yet. */
const ACCEPTED = z.object({ outcome: z.null(), intent_id: UUID, jti: z.string().optional(), retry_after: z.number() });
const PARKED = z.object({
  outcome: z.literal('parked'),
  ...IDS,
  code: z.string(),
  decision: TOKEN,
  parked_until: z.number().describe('Unix time in milliseconds'),
  approvals: APPROVALS,
  replayed: z.boolean(),
  retry_after: z.number().describe('seconds'),
});
const DECISION = z.object({
  outcome: OUTCOME,
  ...IDS,
  decision: TOKEN,
  code: CODE.optional(),
  field: z.string().nullable().optional(),
  limit: z.looseObject({}).nullable().optional(),
  artifact_id: UUID.optional(),
  artifact: TOKEN.optional(),
  parked_until: z.number().optional(),
  approvals: APPROVALS,
  retryable: z.boolean().optional(),
  retry_after: z.number().nullable().optional(),
  next: z.string().optional(),
});
const ANSWERED = z.object({
  outcome: OUTCOME,
  code: CODE,
  field: z.string().nullable(),
  approvals: APPROVALS,
  ...IDS,
  supersedes: UUID.nullable(),
  artifact_id: UUID.nullable(),
});
const LISTED = z.object({
  decision_id: UUID,
  intent_id: UUID,
  mandate: UUID,
  agent: z.string(),
  outcome: OUTCOME,
  code: CODE,
  amount: MONEY.nullable(),
  counterparty: z.string().nullable(),
  artifact_id: UUID.nullable(),
  decided_at_ms: MILLISECONDS,
});
const HELD = z.object({
  artifact_id: UUID,
  flow_id: UUID,
  counterparty: z.string(),
  audience: z.string(),
  currency: CURRENCY,
  held: AMOUNT,
  capturing: AMOUNT,
  captured: AMOUNT,
  settle_by: SECONDS,
});
const ARTIFACT = z.object({
  artifact_id: UUID,
  decision_id: UUID,
  flow_id: UUID,
  hold_id: UUID.describe('what a renewal must name'),
  status: z.enum(['valid', 'revoked', 'suspended']),
  artifact: TOKEN,
});
const DENIAL = z.object({
  code: z.string(),
  status: z.number().int(),
  admission: z.enum(['deny', 'park', 'deny or park']).nullable(),
  settlement: z.literal('deny').nullable(),
  when: z.string(),
  next: z.string(),
  retryable: z.boolean(),
});

const authorized = { outcome: 'authorized', intent_id: EXAMPLE.uuid, decision_id: EXAMPLE.other };
const granted = { decision: EXAMPLE.token, artifact_id: EXAMPLE.uuid, artifact: EXAMPLE.token };
const accepted = { outcome: null, intent_id: EXAMPLE.uuid, retry_after: 1 };
const sums = { held: '12.50', capturing: '0.00', captured: '0.00' };
const LIMIT = { about: '1 to 1000, 100 if absent', schema: z.number().int().min(1).max(1_000) };
const ID = { about: 'its id', schema: UUID, example: EXAMPLE.uuid };

/** The authorizer's routes as clients see them. */
export const AUTHORIZER_ROUTES: readonly RouteSpec[] = [
  {
    method: 'POST',
    path: '/v1/payment-intents',
    id: 'submitPaymentIntent',
    about: 'Asks for an authorization artifact; the same as appending the intent to payment-intents.v1.',
    body: ['payment-intent+jwt'],
    waits: true,
    idempotencyKey: '`jti`',
    answers: {
      201: {
        about: 'authorized: the artifact and the decision',
        schema: AUTHORIZED,
        headers: ['idempotency-replayed', 'preference-applied'],
        example: { ...authorized, ...granted, replayed: false },
      },
      202: {
        about: 'accepted and not decided yet, or parked until a person approves',
        schema: z.union([ACCEPTED, PARKED]),
        headers: ['location', 'retry-after', 'idempotency-replayed', 'preference-applied'],
        example: { ...accepted, jti: 'order-4711' },
      },
    },
    denials: ADMISSION_DENIALS,
    problems: { 409: 'the same intent is still being decided: ask again' },
  },
  {
    method: 'GET',
    path: '/v1/payment-intents/{jti}',
    id: 'readPaymentIntent',
    about: "What was decided on the caller's own intent.",
    signedRead: true,
    parameters: {
      jti: {
        about: '`jti` of the intent',
        schema: z.string().regex(/^[A-Za-z0-9._~:-]{1,128}$/),
        example: 'order-4711',
      },
      mandate: { about: 'which, when one `jti` was used under several mandates', schema: UUID },
    },
    answers: {
      200: { about: 'the newest decision', schema: DECISION, example: { ...authorized, ...granted } },
    },
    denials: ['malformed'],
    problems: NOT_YOURS,
  },
  {
    method: 'GET',
    path: '/v1/decisions',
    id: 'listDecisions',
    about: "The caller's decisions, newest first: an agent's own, a service's audience.",
    signedRead: true,
    parameters: {
      mandate: { about: 'of this mandate only', schema: UUID },
      outcome: { about: 'with this outcome only', schema: OUTCOME },
      limit: LIMIT,
      cursor: CURSOR,
    },
    answers: {
      200: {
        about: 'a page; it covers a bounded stretch of time, so it may be short and still have more after it',
        schema: z.object({ decisions: z.array(LISTED), ...PAGE }),
        headers: ['link'],
        example: {
          decisions: [
            {
              ...{ decision_id: EXAMPLE.other, intent_id: EXAMPLE.uuid, mandate: EXAMPLE.mandate, agent: 'buyer' },
              ...{ outcome: 'authorized', code: null, amount: { value: '12.50', currency: 'USD' } },
              ...{ counterparty: 'book-shop', artifact_id: EXAMPLE.uuid, decided_at_ms: 1_767_225_600_000 },
            },
          ],
          has_more: false,
          next_cursor: null,
        },
      },
    },
    denials: ['malformed'],
  },
  {
    method: 'GET',
    path: '/v1/decisions/{id}',
    id: 'readDecision',
    about: 'A decision, to the agent that asked and the settlement service its artifact is for.',
    signedRead: true,
    parameters: { id: ID },
    answers: { 200: { about: 'the decision', schema: DECISION, example: { ...authorized, ...granted } } },
    denials: [],
    problems: NOT_YOURS,
  },
  {
    method: 'POST',
    path: '/v1/decisions/{id}/approval',
    id: 'answerParkedIntent',
    about:
      "A person's answer to the intent that waits by this decision. Where its mandate asks for two people, the first " +
      "one's approval leads to another decision by which it waits, and the second may answer either.",
    body: ['ops-action+jwt'],
    waits: true,
    idempotencyKey: '`jti`',
    parameters: { id: ID },
    answers: {
      200: {
        about: 'what came of it; `parked`: counted, another person must approve',
        schema: ANSWERED,
        headers: ['idempotency-replayed', 'preference-applied'],
        example: { ...authorized, code: null, field: null, supersedes: EXAMPLE.uuid, artifact_id: EXAMPLE.uuid },
      },
      202: {
        about: 'appended, not decided yet',
        schema: ACCEPTED,
        headers: ['retry-after', 'preference-applied'],
        example: accepted,
      },
    },
    denials: ADMISSION_DENIALS,
    problems: { 404: 'no decision has this id' },
  },
  {
    method: 'GET',
    path: '/v1/artifacts',
    id: 'listHeldArtifacts',
    about: 'Artifacts that still hold money, soonest end first within each mandate tree.',
    signedRead: true,
    parameters: {
      state: { about: 'only `held` is listed', schema: z.literal('held') },
      settle_by_before: { about: 'those that end before this Unix second', schema: SECONDS },
      limit: LIMIT,
      cursor: CURSOR,
    },
    answers: {
      200: {
        about: 'a page',
        schema: z.object({ artifacts: z.array(HELD), ...PAGE }),
        headers: ['link'],
        example: {
          artifacts: [
            {
              artifact_id: EXAMPLE.uuid,
              flow_id: EXAMPLE.mandate,
              counterparty: 'book-shop',
              audience: 'acquirer',
              currency: 'USD',
              ...sums,
              settle_by: 1_767_312_000,
            },
          ],
          has_more: false,
          next_cursor: null,
        },
      },
    },
    denials: ['malformed'],
  },
  {
    method: 'GET',
    path: '/v1/artifacts/{id}',
    id: 'readArtifact',
    about: 'The signed artifact and whether it is valid now.',
    signedRead: true,
    parameters: { id: ID },
    answers: {
      200: {
        about: 'the artifact',
        schema: ARTIFACT,
        example: {
          artifact_id: EXAMPLE.uuid,
          decision_id: EXAMPLE.other,
          flow_id: EXAMPLE.mandate,
          hold_id: EXAMPLE.other,
          status: 'valid',
          artifact: EXAMPLE.token,
        },
      },
    },
    denials: [],
    problems: NOT_YOURS,
  },
  RENEWAL_ROUTE,
  ...AUTHORITY_ROUTES,
  KEY_TRANSITION_ROUTE,
  {
    method: 'GET',
    path: '/v1/denials',
    id: 'listDenials',
    about: 'Every code a caller may meet, in order of precedence.',
    answers: {
      200: {
        about: 'the table',
        schema: z.object({ denials: z.array(DENIAL) }),
        headers: ['cache-control'],
        example: {
          denials: [
            {
              code: 'budget_exceeded',
              status: 403,
              admission: 'deny',
              settlement: null,
              when: 'amount above what the mandate has left',
              next: 'ask for less',
              retryable: false,
            },
          ],
        },
      },
    },
    denials: [],
  },
  ...OPS_ROUTES,
];
