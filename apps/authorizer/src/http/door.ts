import { InvariantError } from '@spendgate/core';
import { type Caller, SignedReads } from '@spendgate/http-edge';
import type { Runtime } from '@spendgate/messaging';
import type { Clock } from '@spendgate/platform';
import type { Pool } from '@spendgate/store';
import type { AuthorizerParts } from '../authorizer-parts.js';
import { DecisionAnswers } from './decision-answers.js';
import { SubmitApproval } from './submit-approval.js';
import { SubmitRenewal } from './submit-renewal.js';
import { SubmitIntent } from './submit-intent.js';
import { SubmitTransition } from './submit-transition.js';
import { SubmitMandate } from './submit-mandate.js';
import { SubmitObservation } from './submit-observation.js';

export const DOOR = Symbol('authorizer door');

/** Who may read decisions and artifacts. */
const READERS = ['agent', 'settlement_service'] as const;
export type Reader = Caller<(typeof READERS)[number]>;
/** Who may read mandates. */
/** A settlement service has no mandate; it is answered as for one that does not exist. */
const MANDATE_READERS = ['agent', 'principal', 'settlement_service'] as const;
export type MandateReader = Caller<(typeof MANDATE_READERS)[number]>;

/** What the authorizer's HTTP controllers share. */
export interface Door {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly issuer: string;
  readonly reads: SignedReads<Reader['kind']>;
  /** Reads of finance ops. */
  readonly people: SignedReads<'person'>;
  readonly mandateReads: SignedReads<MandateReader['kind']>;
  readonly submit: SubmitIntent;
  readonly approve: SubmitApproval;
  readonly renew: SubmitRenewal;
  readonly rotate: SubmitTransition;
  readonly grant: SubmitMandate;
  readonly observe: SubmitObservation;
  readonly answers: DecisionAnswers;
  readonly waitSecondsMax: number;
}

export function createDoor(runtime: Runtime, parts: AuthorizerParts): Door {
  const { pool, clock, registry, transport, settings, keys } = runtime;
  const { issuer, publicUrl } = runtime.domain;
  const { decision, artifact } = keys;
  if (decision === undefined || artifact === undefined) {
    throw new InvariantError('ERR_KEY_MISSING', 'the authorizer was given no decision or no artifact key');
  }
  const answers = new DecisionAnswers(pool, issuer, { decision, artifact });
  const appending = { pool, registry, clock, transport, waiters: parts.waiters, issuer };
  return {
    pool,
    clock,
    issuer,
    reads: new SignedReads(READERS, registry, clock, publicUrl),
    people: new SignedReads(['person'], registry, clock, publicUrl),
    mandateReads: new SignedReads(MANDATE_READERS, registry, clock, publicUrl),
    submit: new SubmitIntent({ ...appending, answers }),
    approve: new SubmitApproval(appending),
    renew: new SubmitRenewal({ ...appending, answers }),
    rotate: new SubmitTransition({ pool, clock, issuer }),
    grant: new SubmitMandate(pool, clock, Number(settings['SPENDGATE_GRANTS_PER_SECOND'])),
    observe: new SubmitObservation(appending),
    answers,
    waitSecondsMax: Number(settings['SPENDGATE_DECISION_WAIT_SECONDS_MAX']),
  };
}
