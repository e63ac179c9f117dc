import {
  AMOUNT,
  CURRENCY,
  CURSOR,
  EXAMPLE,
  HASH,
  MILLISECONDS,
  PAGE,
  type RouteSpec,
  UUID,
} from '@spendgate/http-edge';
import { INCIDENT_STATES } from '@spendgate/store';
import { z } from 'zod';

export const REACHED = z.object({
  currency: CURRENCY,
  flows: z.number().int(),
  holds: z.number().int(),
  held: AMOUNT,
  capturing: AMOUNT,
});
const LINE = z.object({
  incident: UUID,
  flow: UUID,
  epoch: z.number().int(),
  agent: z.string().nullable(),
  state: z.enum(INCIDENT_STATES),
  version: z.number().int().describe('signed with every act on it'),
  case: UUID,
  rule: z.string().describe('what opened it'),
  open_causes: z.array(z.string()),
  assigned_to: z.string().nullable(),
  opened_at_ms: MILLISECONDS,
  due_at_ms: MILLISECONDS,
  overdue: z.boolean(),
  escalated_at_ms: MILLISECONDS.nullable(),
  closed_at_ms: MILLISECONDS.nullable(),
});
const CAUSE = z.object({
  kind: z.string(),
  rule: z.string(),
  evidence: z.looseObject({}).describe('what showed it'),
  found_at_ms: MILLISECONDS,
  cleared_by: z.string().nullable(),
  cleared_at_ms: MILLISECONDS.nullable(),
  clearing: z.looseObject({}).nullable().describe('what it was cleared on'),
  clears: z
    .object({ role: z.string(), evidence: z.string(), how: z.string() })
    .nullable()
    .describe('who may clear it and on what; null: of a kind nobody may clear'),
});
const NOTE = z.object({
  number: z.number().int(),
  person: z.string(),
  kind: z.string(),
  text: z.string(),
  document_hash: z.string().nullable(),
  noted_at_ms: MILLISECONDS,
});
const KEPT = z.object({
  currency: CURRENCY,
  holds: z.number().int(),
  held: AMOUNT,
  frozen: AMOUNT.describe('of what is held: what nobody can capture now'),
  capturing: AMOUNT.describe('granted before: it goes on to its outcome'),
  captured: AMOUNT,
  released: AMOUNT,
});
const INCIDENT = LINE.extend({
  causes: z.array(CAUSE),
  notes: z.array(NOTE),
  money: z.array(KEPT).describe('of the live holds of its flow'),
  reaches: z.array(REACHED).describe('what ending the flow would reach'),
  baseline: z
    .object({ text: z.string().describe('RFC 8785 form'), change_hash: HASH })
    .nullable()
    .describe('what two people sign to revalidate, as things stand now; null once it is over'),
});
const CASE = z.object({
  case: UUID,
  rule: z.string(),
  incidents: z.number().int(),
  open: z.number().int(),
  opened_at_ms: MILLISECONDS,
  due_at_ms: MILLISECONDS.nullable().describe('soonest of the open ones'),
});

const AT_MS = 1_767_225_600_000;
const line = {
  ...{ incident: EXAMPLE.uuid, flow: EXAMPLE.mandate, epoch: 1, agent: 'buyer', state: 'contained', version: 3 },
  ...{ case: EXAMPLE.uuid, rule: 'operator.halt', open_causes: ['operator'], assigned_to: 'ada' },
  ...{ opened_at_ms: AT_MS, due_at_ms: AT_MS + 86_400_000, overdue: false },
  ...{ escalated_at_ms: null, closed_at_ms: null },
};
const cause = {
  ...{ kind: 'operator', rule: 'operator.halt', evidence: { person: 'ada', reason: 'buys at night' } },
  ...{ found_at_ms: AT_MS, cleared_by: null, cleared_at_ms: null, clearing: null },
  clears: { role: 'operator', evidence: 'word', how: 'say why the halt may end' },
};
const kept = {
  ...{ currency: 'USD', holds: 2, held: '7.25', frozen: '7.25' },
  ...{ capturing: '0', captured: '0', released: '0' },
};
const LIMIT = { about: '1 to 1000, 100 if absent', schema: z.number().int().min(1).max(1_000) };
const NAME = z.string().min(1).max(256);
const last = { has_more: false, next_cursor: null };

/** What people read of incidents. Acts on them are signed, and go to `POST /v1/ops/acts`. */
export const INCIDENT_ROUTES: readonly RouteSpec[] = [
  {
    method: 'GET',
    path: '/v1/ops/incidents',
    id: 'listIncidents',
    about: 'Incidents, newest first; filters narrow together.',
    signedRead: true,
    parameters: {
      state: { about: '`open`, or one state', schema: z.enum(['open', ...INCIDENT_STATES]) },
      cause: { about: 'with a cause of this kind, cleared or not', schema: NAME },
      rule: { about: 'that this rule opened', schema: NAME },
      agent: { about: 'of this agent', schema: NAME },
      counterparty: { about: 'with live holds for this counterparty', schema: NAME },
      assigned_to: { about: 'that this person works on', schema: NAME },
      case: { about: 'of this case', schema: UUID },
      overdue: { about: 'open past its due time, or not', schema: z.enum(['true', 'false']) },
      limit: LIMIT,
      cursor: CURSOR,
    },
    answers: {
      200: {
        about: 'a page',
        schema: z.object({ incidents: z.array(LINE), ...PAGE }),
        headers: ['link'],
        example: { incidents: [line], ...last },
      },
    },
    denials: ['malformed'],
  },
  {
    method: 'GET',
    path: '/v1/ops/incidents/{id}',
    id: 'readIncident',
    about: 'One incident: causes with who may clear each, notes, money, what two people would sign.',
    signedRead: true,
    parameters: { id: { about: 'its id', schema: UUID, example: EXAMPLE.uuid } },
    answers: {
      200: {
        about: 'the incident',
        schema: INCIDENT,
        headers: ['etag'],
        example: {
          ...line,
          causes: [cause],
          notes: [],
          money: [kept],
          reaches: [{ currency: 'USD', flows: 1, holds: 2, held: '7.25', capturing: '0' }],
          baseline: { text: '{}', change_hash: EXAMPLE.hash },
        },
      },
    },
    denials: [],
    problems: { 404: 'no incident has this id' },
  },
  {
    method: 'GET',
    path: '/v1/ops/cases',
    id: 'listCases',
    about: 'Incidents of one rule that opened within ten minutes of each other, as one case each, newest first.',
    signedRead: true,
    parameters: {
      state: { about: '`open`: with an open incident, as if absent; `all`', schema: z.enum(['open', 'all']) },
      limit: LIMIT,
      cursor: CURSOR,
    },
    answers: {
      200: {
        about: 'a page',
        schema: z.object({ cases: z.array(CASE), ...PAGE }),
        headers: ['link'],
        example: {
          cases: [
            {
              ...{ case: EXAMPLE.uuid, rule: 'operator.halt', incidents: 2, open: 1 },
              ...{ opened_at_ms: AT_MS, due_at_ms: AT_MS + 86_400_000 },
            },
          ],
          ...last,
        },
      },
    },
    denials: ['malformed'],
  },
];
