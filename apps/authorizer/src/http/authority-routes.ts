import { mandateSchema } from '@spendgate/codec';
import {
  ADMISSION_DENIALS,
  AMOUNT,
  CURRENCY,
  EXAMPLE,
  HASH,
  type RouteSpec,
  SECONDS,
  UUID,
} from '@spendgate/http-edge';
import { z } from 'zod';

const GRANTOR = z.object({ kind: z.enum(['principal', 'agent']), id: z.string() });
const COUNTED = z.object({
  name: z.string().describe('per_day, category:5411/per_month, …; `…/count` is a number of spends'),
  limit: AMOUNT,
  available: z.string().nullable().describe('null: each counterparty has a sum of its own'),
  until: SECONDS.nullable().describe('when the window may have room again; null: of no window'),
});
const LEVEL = z.object({
  mandate: UUID,
  version: z.number().int(),
  depth: z.number().int(),
  agent: z.string().nullable(),
  currency: CURRENCY,
  limit: AMOUNT,
  available: AMOUNT,
  held: AMOUNT,
  capturing: AMOUNT,
  captured: AMOUNT,
  refunded: AMOUNT,
  revoked: z.boolean(),
  state: z.string().nullable(),
  counted: z.array(COUNTED).describe('limits per window, counterparty and category'),
  hash: HASH,
  grantor: GRANTOR.describe('who signed this version'),
  grant: mandateSchema.describe('what was signed'),
});
const VERSION = z.object({ mandate: UUID, version: z.number().int(), hash: HASH, replayed: z.boolean() });
const OBSERVED = z.object({
  agent: z.string(),
  jti: z.string(),
  recorded: z.boolean().describe('false: a newer result of this agent stands, or this one did before'),
});

const grant = {
  id: EXAMPLE.mandate,
  version: 1,
  parent: null,
  principal: 'acme',
  agent: 'buyer',
  limits: { currency: 'USD', total: '100.00', per_transaction: null },
  counterparties: null,
  validity: { from: 1_767_225_600, until: 1_798_761_600 },
  policy: { id: 'default' },
  environment: null,
  approvals: null,
  delegation: { levels: 1 },
  park_seconds: null,
  depth: 0,
};

/** Routes by which authority is granted and runtimes are vouched for, as clients see them. */
export const AUTHORITY_ROUTES: readonly RouteSpec[] = [
  {
    method: 'POST',
    path: '/v1/mandates',
    id: 'grantMandate',
    about:
      'Records a signed version of a mandate: a principal within its own tree, an agent below a mandate that is its own. ' +
      'A refusal over its version names the one on record as `version`.',
    body: ['mandate+jwt'],
    idempotencyKey: '`jti`',
    answers: {
      201: {
        about: 'this version is on record; `replayed`: it was before',
        schema: VERSION,
        headers: ['location', 'idempotency-replayed'],
        example: { mandate: EXAMPLE.mandate, version: 1, hash: EXAMPLE.hash, replayed: false },
      },
    },
    denials: ADMISSION_DENIALS,
  },
  {
    method: 'GET',
    path: '/v1/mandates/{id}',
    id: 'readMandate',
    about:
      'Limit and what is left of it at each level the caller may see: a principal its tree, an agent its own levels and ' +
      'what is carved from them.',
    signedRead: true,
    parameters: { id: { about: 'its id', schema: UUID, example: EXAMPLE.mandate } },
    answers: {
      200: {
        about: 'the levels, root first',
        schema: z.object({ mandate: UUID, levels: z.array(LEVEL) }),
        example: {
          mandate: EXAMPLE.mandate,
          levels: [
            {
              mandate: EXAMPLE.mandate,
              version: 1,
              depth: 0,
              agent: 'buyer',
              currency: 'USD',
              limit: '100.00',
              available: '87.50',
              held: '12.50',
              capturing: '0.00',
              captured: '0.00',
              refunded: '0.00',
              revoked: false,
              state: 'executing',
              counted: [{ name: 'per_day', limit: '50.00', available: '37.50', until: 1_767_225_600 }],
              hash: EXAMPLE.hash,
              grantor: { kind: 'principal', id: 'acme' },
              grant,
            },
          ],
        },
      },
    },
    denials: [],
    problems: { 404: 'none with this id is yours' },
  },
  {
    method: 'POST',
    path: '/v1/observations',
    id: 'submitObservation',
    about: "An attester's result on an agent's runtime; the same as appending it to observations.v1.",
    body: ['attestation-result+jwt'],
    waits: true,
    idempotencyKey: '`jti`',
    answers: {
      201: {
        about: 'judged: it stands, or changed nothing',
        schema: OBSERVED,
        headers: ['preference-applied'],
        example: { agent: 'buyer', jti: 'attest-1', recorded: true },
      },
      202: {
        about: 'appended, not judged yet',
        schema: z.object({ agent: z.string(), jti: z.string(), retry_after: z.number() }),
        headers: ['retry-after', 'preference-applied'],
        example: { agent: 'buyer', jti: 'attest-1', retry_after: 1 },
      },
    },
    denials: ADMISSION_DENIALS,
  },
];
