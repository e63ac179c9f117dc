import type { Finding } from '../admission/types.js';
import { precedence, type SettlementDenial } from '../denials.js';
import { InvariantError } from '../errors.js';
import { type HoldMove, NO_DELTA, release, startCapture } from '../hold.js';
import { formatMoney } from '../money.js';
import { classifyRequest } from './classify-request.js';
import { freezeSettlement } from './settlement-read-set.js';
import { type DrawnCase, type SettlementCase, settlementCase } from './settlement-case.js';
import { VERIFICATION_ORDER } from './settlement-checks.js';
import type {
  CheckReport,
  SettlementDecision,
  SettlementFacts,
  SettlementRequest,
  SettlementResult,
  SettlementState,
} from './types.js';

/**
 * Decides a settlement request by its action: nothing settles unless all eight checks hold (F5).
 *
 * Pure and total: equal arguments give an equal result, nothing given is changed. A fact that is `'unknown'` denies, as
 * does a time that is not a number (fail closed).
 *
 * @param request what the settlement service asks; its amount in major units (ISO 4217: 12.50 USD)
 * @param facts what was read in the settlement transaction, after the locks
 * @param judgedAtMs database clock after the locks, Unix ms; at `exp` the artifact is dead (RFC 7519 §4.1.4)
 * @throws {InvariantError} `ERR_ALREADY_RECORDED`: a repeat is answered with its receipt (`classifyRequest`), not
 *   decided
 */
export function decideSettlement(
  request: SettlementRequest,
  facts: SettlementFacts,
  judgedAtMs: number,
): SettlementResult {
  if (classifyRequest(facts.recorded, request.bodyHash) === 'recorded') {
    throw new InvariantError('ERR_ALREADY_RECORDED', `${request.action} "${request.actionId}" has its receipt`);
  }
  const judged = settlementCase(request, facts, judgedAtMs);
  const { checks, first } = verify(judged);
  const readSet = freezeSettlement(request, facts, judgedAtMs);
  if (first !== null || judged.drawn === null) {
    return { decision: denied(checks, first), hold: facts.hold, delta: NO_DELTA, readSet };
  }
  const { amount, state, move } = ACTS[request.action](judged.drawn);
  const { currency } = judged.drawn.artifact;
  const text = formatMoney(amount, currency, facts.rules.currencies);
  const granted = { outcome: 'authorized', code: null, field: null, limit: null } as const;
  return { decision: { ...granted, checks, state, amount: text, currency }, ...move, readSet };
}

/** First capture before `exp`, later ones before `settle_by`; the amount commits as `capturing`. */
export function decideCapture(
  request: SettlementRequest,
  facts: SettlementFacts,
  judgedAtMs: number,
): SettlementResult {
  return decideSettlement(asking('capture', request), facts, judgedAtMs);
}

/** Lets go of what is still held; allowed on a halted flow too, for it only narrows. */
export function decideVoid(request: SettlementRequest, facts: SettlementFacts, judgedAtMs: number): SettlementResult {
  return decideSettlement(asking('void', request), facts, judgedAtMs);
}

/**
 * Gives captured money back, also after expiry, revocation or a halt; the limit is restored when the rail reports it.
 */
export function decideRefund(request: SettlementRequest, facts: SettlementFacts, judgedAtMs: number): SettlementResult {
  return decideSettlement(asking('refund', request), facts, judgedAtMs);
}

function asking(action: SettlementRequest['action'], request: SettlementRequest): SettlementRequest {
  if (request.action === action) return request;
  throw new InvariantError('ERR_WRONG_ACTION', `a ${request.action} was taken for a ${action}`);
}

interface Act {
  readonly amount: DrawnCase['hold']['held'];
  readonly state: SettlementState;
  readonly move: HoldMove;
}

/** What a granted request does to the hold. */
const ACTS: Readonly<Record<SettlementRequest['action'], (c: DrawnCase) => Act>> = {
  capture: (c) => {
    const amount = askedAmount(c);
    return { amount, state: 'capturing', move: startCapture(c.hold, amount, c.request.final) };
  },
  void: ({ hold }) => ({ amount: hold.held, state: 'released', move: release(hold) }),
  refund: (c) => ({ amount: askedAmount(c), state: 'refunding', move: { hold: c.hold, delta: NO_DELTA } }),
};

/** The scope checks passed, so there is an amount. */
function askedAmount({ money, request }: DrawnCase): Act['amount'] {
  if (money === null || typeof money === 'string') throw new InvariantError('ERR_NO_AMOUNT', request.actionId);
  return money.amount;
}

interface Found {
  readonly code: SettlementDenial;
  readonly finding: Finding;
}

/** Runs all eight, whatever the first says: a report with gaps would hide what else is wrong. */
function verify(judged: SettlementCase): { checks: CheckReport[]; first: Found | null } {
  let first: Found | null = null;
  const checks = VERIFICATION_ORDER.map(({ name, rows }) => {
    const codes: SettlementDenial[] = [];
    for (const { code, check } of rows) {
      const finding = check(judged);
      if (finding === null) continue;
      codes.push(code);
      if (first === null || precedence(code) < precedence(first.code)) first = { code, finding };
    }
    // Without the stored row most checks could not run, and what did not run did not pass.
    return { name, ok: codes.length === 0 && judged.drawn !== null, codes };
  });
  return { checks, first };
}

/** @param first `null` cannot be: where the row is missing, origin has said so; it is denied all the same. */
function denied(checks: readonly CheckReport[], first: Found | null): SettlementDecision {
  const { code, finding } = first ?? { code: 'trust_unverifiable', finding: { field: 'artifact', limit: null } };
  return { outcome: 'denied', code, ...finding, checks, state: 'denied', amount: null, currency: null };
}
