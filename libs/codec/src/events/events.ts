import type { z } from 'zod';
import type { TokenTyp } from '../tokens/tokens.js';
import { authorizationDecidedSchema } from './authorization-decided.js';
import { deadLetterSchema } from './dead-letter.js';
import { flowTransitionedSchema } from './flow-transitioned.js';
import { incidentChangedSchema } from './incident-changed.js';
import { intentRefusedSchema } from './intent-refused.js';
import { settlementDecidedSchema } from './settlement-decided.js';

/** As Spendgate sees it: `in` is asked of it, `out` is told by it. */
export type EventDirection = 'in' | 'out';

/** A topic whose values are JSON of one schema. */
export interface JsonEventSpec<S extends z.ZodType = z.ZodType> {
  readonly form: 'json';
  readonly ceType: string;
  readonly contentType: 'application/json';
  readonly about: string;
  readonly direction: EventDirection;
  readonly schema: S;
}
/** A topic whose values are compact JWS of some `typ`s. */
export interface TokenEventSpec {
  readonly form: 'token';
  readonly ceType: string;
  readonly contentType: 'application/jwt';
  readonly about: string;
  readonly direction: EventDirection;
  readonly typs: readonly TokenTyp[];
}
/** A topic whose values are text with a form of its own. */
export interface TextEventSpec {
  readonly form: 'text';
  readonly ceType: string;
  readonly contentType: 'text/plain; charset=utf-8';
  readonly about: string;
  readonly direction: EventDirection;
}
export type EventSpec = JsonEventSpec | TokenEventSpec | TextEventSpec;

function json<S extends z.ZodType>(ceType: string, schema: S, about: string): JsonEventSpec<S> {
  return { form: 'json', ceType, contentType: 'application/json', about, direction: 'out', schema };
}
function tokens(direction: EventDirection, ceType: string, typs: readonly TokenTyp[], about: string): TokenEventSpec {
  return { form: 'token', ceType, contentType: 'application/jwt', about, direction, typs };
}

/** What each topic carries, by topic name without prefix. */
export const EVENTS = {
  'payment-intents.v1': tokens(
    'in',
    'spendgate.payment-intent.v1',
    ['payment-intent+jwt', 'artifact-renewal+jwt', 'ops-action+jwt'],
    'intents, renewals, approvals and releases, signed by who asks',
  ),
  'authorization-decisions.v1': json(
    'spendgate.authorization-decision.v1',
    authorizationDecidedSchema,
    'what the authorizer decided: ids, outcome, code and hashes',
  ),
  'authorization-artifacts.v1': tokens(
    'out',
    'spendgate.authorization-artifact.v1',
    ['authorization-artifact+jwt'],
    'signed artifacts; confidential',
  ),
  'settlement-requests.v1': tokens(
    'in',
    'spendgate.settlement-request.v1',
    ['settlement-request+jwt', 'settlement-outcome+jwt'],
    'captures, voids, refunds and outcomes, signed by the settlement service or rail',
  ),
  'settlement-decisions.v1': json(
    'spendgate.settlement-decision.v1',
    settlementDecidedSchema,
    'what the gate decided and what became of it: ids, outcome, code and hashes',
  ),
  'observations.v1': tokens(
    'in',
    'spendgate.observation.v1',
    ['attestation-result+jwt'],
    "attesters' results on agents' runtimes",
  ),
  'flow-transitions.v1': json(
    'spendgate.flow-transition.v1',
    flowTransitionedSchema,
    'each step of a flow through its nine phases',
  ),
  'control.v1': tokens(
    'out',
    'spendgate.control-event.v1',
    ['control-event+jwt'],
    'revocations, halts, policy and key changes; notifies only',
  ),
  'checkpoints.v1': {
    form: 'text',
    ceType: 'spendgate.checkpoint.v1',
    contentType: 'text/plain; charset=utf-8',
    about: 'signed head of the audit log (C2SP tlog-checkpoint)',
    direction: 'out',
  } satisfies TextEventSpec,
  'incidents.v1': json('spendgate.incident.v1', incidentChangedSchema, 'a flow was contained, or its case moved on'),
  'intent-refusals.v1': json(
    'spendgate.intent-refusal.v1',
    intentRefusedSchema,
    'the answer to each record that got no signed decision',
  ),
  'dead-letters.v1': json(
    'spendgate.dead-letter.v1',
    deadLetterSchema,
    'records that could not be read as a request at all',
  ),
} as const;

export type EventTopic = keyof typeof EVENTS;
/** Topics whose values are JSON. */
export type JsonEventTopic = { [T in EventTopic]: (typeof EVENTS)[T] extends JsonEventSpec ? T : never }[EventTopic];
/** The value of a JSON topic: `EventOf<'authorization-decisions.v1'>`. */
export type EventOf<T extends JsonEventTopic> = z.infer<(typeof EVENTS)[T]['schema']>;
