import {
  AMOUNT,
  CODE,
  EXAMPLE,
  MILLISECONDS,
  MONEY,
  CURSOR,
  PAGE,
  type RouteSpec,
  SECONDS,
  SETTLEMENT_DENIALS,
  TOKEN,
  UUID,
} from '@spendgate/http-edge';
import { z } from 'zod';

const STATE = z
  .string()
  .describe('capturing | captured | returned | unknown | released | refunding | refunded | denied');
const GRANTED = z.object({ settlement_id: UUID, outcome: z.literal('authorized'), state: STATE, receipt: TOKEN });
const RECORDED = z.object({ settlement_id: UUID, outcome_id: UUID, applied: z.boolean(), state: STATE });
const SETTLEMENT = z.object({
  settlement_id: UUID,
  attempt: z.number().int(),
  artifact_id: UUID,
  action: z.enum(['capture', 'void', 'refund']),
  action_id: z.string(),
  presenter: z.string(),
  outcome: z.enum(['authorized', 'denied']),
  code: CODE,
  field: z.string().nullable(),
  amount: MONEY.extend({ value: AMOUNT.nullable() }).nullable(),
  state: STATE,
  refund_of: UUID.nullable(),
  outcome_due: SECONDS.nullable(),
  judged_at_ms: MILLISECONDS,
  receipt: TOKEN,
});
const REPORT = z.object({
  valid: z.boolean(),
  code: CODE,
  field: z.string().nullable(),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), codes: z.array(z.string()) })),
});

const ID = { about: 'its id', schema: UUID, example: EXAMPLE.uuid };
const granted = { settlement_id: EXAMPLE.uuid, outcome: 'authorized', state: 'capturing', receipt: EXAMPLE.token };
const settlement = {
  settlement_id: EXAMPLE.uuid,
  attempt: 0,
  artifact_id: EXAMPLE.other,
  action: 'capture',
  action_id: 'capture-1',
  presenter: 'acquirer',
  outcome: 'authorized',
  code: null,
  field: null,
  amount: { value: '12.50', currency: 'USD' },
  state: 'captured',
  refund_of: null,
  outcome_due: null,
  judged_at_ms: 1_767_225_600_000,
  receipt: EXAMPLE.token,
};
const settled = (about: string): RouteSpec['answers'] => ({
  201: { about, schema: GRANTED, headers: ['idempotency-replayed'], example: granted },
});

/** The settlement gate's routes as clients see them. */
export const GATE_ROUTES: readonly RouteSpec[] = [
  {
    method: 'POST',
    path: '/v1/settlements',
    id: 'settle',
    about: 'Captures against an artifact, or voids it; the same as a record on settlement-requests.v1.',
    body: ['settlement-request+jwt'],
    idempotencyKey: '`capture_id`, `void_id` or `refund_id`',
    answers: settled('granted: the receipt is the permission'),
    denials: SETTLEMENT_DENIALS,
  },
  {
    method: 'POST',
    path: '/v1/settlements/{id}/refund',
    id: 'refund',
    about: 'Gives back some or all of the capture `id`.',
    body: ['settlement-request+jwt'],
    idempotencyKey: '`refund_id`',
    parameters: { id: ID },
    answers: settled('granted'),
    denials: SETTLEMENT_DENIALS,
  },
  {
    method: 'POST',
    path: '/v1/settlements/{id}/outcome',
    id: 'reportOutcome',
    about: 'What became of the money of the capture or refund `id`, by its service or its rail.',
    body: ['settlement-outcome+jwt'],
    idempotencyKey: '`jti`',
    parameters: { id: ID },
    answers: {
      200: {
        about: 'recorded',
        schema: RECORDED,
        headers: ['idempotency-replayed'],
        example: { settlement_id: EXAMPLE.uuid, outcome_id: EXAMPLE.other, applied: true, state: 'captured' },
      },
    },
    denials: SETTLEMENT_DENIALS,
  },
  {
    method: 'GET',
    path: '/v1/settlements/{id}',
    id: 'readSettlement',
    about: 'A settlement, to its agent, its settlement service and its rail.',
    signedRead: true,
    parameters: { id: ID },
    answers: { 200: { about: 'the newest attempt under this id', schema: SETTLEMENT, example: settlement } },
    denials: [],
    problems: { 404: 'none with this id is yours' },
  },
  {
    method: 'GET',
    path: '/v1/settlements',
    id: 'listSettlements',
    about: 'The settlements of an artifact.',
    signedRead: true,
    parameters: {
      artifact: { about: 'id of the artifact', schema: UUID, required: true, example: EXAMPLE.other },
      limit: { about: '1 to 100, 100 if absent', schema: z.number().int().min(1).max(100) },
      cursor: CURSOR,
    },
    answers: {
      200: {
        about: 'a page',
        schema: z.object({ settlements: z.array(SETTLEMENT), ...PAGE }),
        headers: ['link'],
        example: { settlements: [settlement], has_more: false, next_cursor: null },
      },
    },
    denials: ['malformed'],
    problems: { 404: 'no artifact with this id is yours' },
  },
  {
    method: 'POST',
    path: '/v1/artifacts/{id}/void',
    id: 'voidArtifact',
    about: 'Gives back what is still held, asked by the artifact’s service or agent.',
    body: ['settlement-request+jwt'],
    idempotencyKey: '`void_id`',
    parameters: { id: ID },
    answers: settled('released'),
    denials: SETTLEMENT_DENIALS,
  },
  {
    method: 'POST',
    path: '/v1/artifacts/verify',
    id: 'verifyArtifact',
    about: 'Whether the artifact could be captured against now: eight named checks, nothing is recorded.',
    body: ['authorization-artifact+jwt'],
    answers: {
      200: {
        about: 'the report; `valid` may be false',
        schema: REPORT,
        example: {
          valid: false,
          code: 'artifact_expired',
          field: null,
          checks: [{ name: 'temporal_validity', ok: false, codes: ['artifact_expired'] }],
        },
      },
    },
    denials: [],
  },
];
