import type { Decimal } from 'decimal.js';
import { type DenialCode, DENIALS } from '../denials.js';
import { holdEndsAtMs } from '../hold.js';
import { LIMITS } from '../limits.js';
import { type CurrencyTable, type MoneyProblem, formatMoney, parseMoney } from '../money.js';
import type { ArtifactFacts, Hold } from '../settlement/types.js';
import type { RenewalFacts } from './types.js';

/** What a verified renewal asks for. A `null` keeps what the hold has. */
export interface RenewalRequest {
  readonly by: { readonly kind: 'agent' | 'settlement_service'; readonly party: string };
  readonly mandate: string;
  readonly artifactHash: string;
  readonly holdId: string;
  /** Most that may be captured in all, what was captured before included; major units. */
  readonly amount: { readonly value: string; readonly currency: string } | null;
  readonly maxCaptures: number | null;
  readonly settleByMs: number | null;
  readonly iatMs: number;
  readonly expMs: number;
}

/** The artifact to be replaced and its hold, read after the locks. */
export interface RenewedArtifact extends Pick<
  ArtifactFacts,
  'artifactId' | 'flowId' | 'epoch' | 'claimsHash' | 'status' | 'agent' | 'audience' | 'currency'
> {
  readonly holdId: string;
  readonly hold: Hold;
  readonly expiresAtMs: number;
  readonly settleByMs: number;
  /** Artifacts the hold has had before this one. */
  readonly renewals: number;
}

export interface RenewalCase {
  readonly request: RenewalRequest;
  readonly artifact: RenewedArtifact;
  /** Database clock after the locks, Unix ms. */
  readonly judgedAtMs: number;
  readonly currencies: CurrencyTable;
}

interface Judged extends RenewalCase {
  /** Captured or in capture: counts within the amount, and is held no more. */
  readonly spent: Decimal;
  /** What may be captured in all until now. */
  readonly before: Decimal;
  readonly asked: Decimal | MoneyProblem;
  readonly maxCaptures: number;
  readonly settleByMs: number;
}

/** @returns whether it applies, or the claim it is about */
type Check = (c: Judged) => boolean | string;
type RenewalDenial = Extract<
  DenialCode,
  | 'artifact_not_issued'
  | 'audience_mismatch'
  | 'trust_unverifiable'
  | 'artifact_revoked'
  | 'artifact_suspended'
  | 'artifact_expired'
  | 'settle_by_passed'
  | 'artifact_consumed'
  | 'capture_limit'
  | 'currency_mismatch'
  | 'currency_unsupported'
  | 'currency_precision'
  | 'amount_invalid'
  | 'scope_mismatch'
  | 'scope_escalation'
>;

const isProblem = (asked: Judged['asked'], problem: MoneyProblem): boolean | string =>
  asked === problem ? 'amount.value' : false;
/** No time at all is too late. */
const isOver = (judgedAtMs: number, endsAtMs: number): boolean => !(judgedAtMs < endsAtMs);

/**
 * What a renewal must meet before the rules are asked: by and for whom, on what is still there, and never for more.
 * An artifact of an epoch that has passed may be renewed: whether its flow may spend again is what the rules say.
 */
const CHECKS: Readonly<Record<RenewalDenial, Check>> = {
  artifact_not_issued: ({ request, artifact }) => artifact.claimsHash !== request.artifactHash,
  audience_mismatch: ({ request: { by }, artifact }) =>
    by.party !== (by.kind === 'agent' ? artifact.agent : artifact.audience),
  trust_unverifiable: ({ artifact }) => (artifact.status === 'unknown' ? 'status' : false),
  artifact_revoked: ({ artifact }) => artifact.status === 'revoked',
  artifact_suspended: ({ artifact }) => artifact.status === 'suspended',
  artifact_expired: ({ artifact, judgedAtMs }) =>
    artifact.hold.captureCount === 0 && isOver(judgedAtMs, holdEndsAtMs(artifact.hold, artifact)),
  settle_by_passed: ({ artifact, judgedAtMs }) => isOver(judgedAtMs, artifact.settleByMs),
  artifact_consumed: ({ artifact: { hold }, asked, spent }) =>
    hold.ended || !hold.held.gt(0) || (typeof asked !== 'string' && !asked.gt(spent)),
  capture_limit: ({ artifact: { hold }, maxCaptures }) => (hold.captureCount < maxCaptures ? false : 'max_captures'),
  currency_mismatch: ({ request: { amount }, artifact }) =>
    amount !== null && amount.currency !== artifact.currency ? 'amount.currency' : false,
  currency_unsupported: ({ asked }) => isProblem(asked, 'currency_unsupported'),
  currency_precision: ({ asked }) => isProblem(asked, 'currency_precision'),
  amount_invalid: ({ asked }) => isProblem(asked, 'amount_invalid'),
  scope_mismatch: ({ request, artifact }) => {
    if (request.mandate !== artifact.flowId) return 'mandate';
    return request.holdId === artifact.holdId ? false : 'hold';
  },
  scope_escalation: ({ asked, before, maxCaptures, settleByMs, artifact: { hold, settleByMs: until, renewals } }) => {
    if (typeof asked !== 'string' && !asked.lte(before)) return 'amount.value';
    if (!(maxCaptures <= hold.maxCaptures)) return 'max_captures';
    if (!(settleByMs <= until)) return 'settle_by';
    return renewals < LIMITS.renewalsMax ? false : 'artifact';
  },
};

/** By precedence, as everywhere. */
const ORDER = DENIALS.flatMap(({ code }) => (isRenewalDenial(code) ? [code] : []));

function isRenewalDenial(code: DenialCode): code is RenewalDenial {
  return Object.hasOwn(CHECKS, code);
}

export type RenewalVerdict =
  | { readonly ok: true; readonly renewal: RenewalFacts }
  | { readonly ok: false; readonly code: RenewalDenial; readonly field: string | null };

/**
 * Whether a renewal is one: of a live artifact, by its agent or audience, and narrower or the same in every dimension.
 * What it asks for is then decided by `decideIntent` like any spend.
 *
 * @returns what the intent is decided with, or the first denial by precedence
 */
export function checkRenewal(c: RenewalCase): RenewalVerdict {
  const { request, artifact } = c;
  const { hold } = artifact;
  const spent = hold.captured.plus(hold.capturing);
  const before = spent.plus(hold.held);
  const money = request.amount === null ? null : parseMoney(request.amount.value, artifact.currency, c.currencies);
  const asked = money === null ? before : typeof money === 'string' ? money : money.amount;
  const maxCaptures = request.maxCaptures ?? hold.maxCaptures;
  const settleByMs = request.settleByMs ?? artifact.settleByMs;
  const judged = { ...c, spent, before, asked, maxCaptures, settleByMs };
  for (const code of ORDER) {
    const found = CHECKS[code](judged);
    if (found !== false) return { ok: false, code, field: found === true ? null : found };
  }
  if (typeof asked === 'string') return { ok: false, code: 'amount_invalid', field: 'amount.value' };
  const renewal: RenewalFacts = {
    artifactId: artifact.artifactId,
    by: request.by.party,
    amountText: formatMoney(asked, artifact.currency, c.currencies),
    maxCaptures,
    settleByMs,
    spent,
    iatMs: request.iatMs,
    expMs: request.expMs,
  };
  return { ok: true, renewal };
}

/**
 * The hold under its new artifact: narrower, and what is kept back no more goes back to every level at once.
 *
 * @param amount of the new artifact: what may be captured in all
 */
export function narrowHold(
  hold: Hold,
  { maxCaptures, spent }: RenewalFacts,
  amount: Decimal,
): { readonly hold: Hold; readonly released: Decimal } {
  const held = amount.minus(spent);
  const released = hold.held.minus(held);
  return { hold: { ...hold, held, released: hold.released.plus(released), maxCaptures }, released };
}
