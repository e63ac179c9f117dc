import { approversGiven, approversNeeded } from './approvals.js';
import type { AdmissionDenial } from '../denials.js';
import { LIFECYCLE, type FlowState } from '../lifecycle.js';
import { LIMITS } from '../limits.js';
import { admitsCounterparty } from '../mandates/check-chain.js';
import { environmentRequirements } from '../mandates/levels.js';
import type { EnvironmentRequirement, LevelState, Payee } from '../mandates/types.js';
import { type Money, type MoneyProblem, parseMoney } from '../money.js';
import { type IssueTimes, isBornDead, issueTimes } from './issue-terms.js';
import type { AdmissionFacts, AdmissionState, Finding, Flow, Intent, ShownLimit, WatchVerdict } from './types.js';

/** One intent with everything it is judged on, and what is computed from it once. */
export interface AdmissionCase {
  readonly intent: Intent;
  readonly facts: AdmissionFacts;
  /** Root first; empty when the mandate is absent or unknown, which `mandate` says. */
  readonly levels: readonly LevelState[];
  readonly mandate: 'present' | 'absent' | 'unknown';
  readonly flow: Flow | 'absent' | 'unknown';
  readonly money: Money | MoneyProblem;
  /** Of every level that asks for an attested environment; all of them hold together. */
  readonly requirements: readonly EnvironmentRequirement[];
  readonly times: IssueTimes;
  /** What its spending shows: `found` once this very event was folded in. */
  readonly drift: 'none' | 'found' | 'unknown';
}

export function admissionCase(intent: Intent, state: AdmissionState, facts: AdmissionFacts): AdmissionCase {
  const present = typeof state.levels !== 'string';
  const levels = present ? chargedLevels(state.levels, facts) : [];
  const requirements = environmentRequirements(levels);
  const asked = askedOf(intent, facts);
  return {
    intent: asked,
    facts,
    levels,
    mandate: present ? 'present' : state.levels,
    flow: state.flow,
    money: parseMoney(asked.amountText, asked.currency, facts.rules.currencies),
    requirements,
    times: issueTimes(asked, levels, requirements, facts),
    drift: isWatchBroken(state.flow, facts) ? 'unknown' : 'none',
  };
}

/** A profile without the evidence so far, or evidence of another profile: never begun anew silently. */
function isWatchBroken(flow: AdmissionState['flow'], { spending }: AdmissionFacts): boolean {
  if (typeof flow === 'string') return false; // has rows of its own
  if (spending === null) return flow.drift !== null;
  if (spending === 'unknown' || flow.drift === null || flow.drift === 'unknown') return true;
  return flow.drift.baseline !== spending.profileHash;
}

/** What is asked for: the intent, or what a renewal leaves of it. */
export function askedOf(intent: Intent, { renewal }: Pick<AdmissionFacts, 'renewal'>): Intent {
  if (renewal === null) return intent;
  const { amountText, maxCaptures, settleByMs, iatMs, expMs } = renewal;
  return { ...intent, amountText, capture: { mode: intent.capture.mode, maxCaptures, settleByMs }, iatMs, expMs };
}

/** A renewal is no new spend: windows and counterparty sums counted it when its hold was placed. */
function chargedLevels(levels: readonly LevelState[], { renewal }: AdmissionFacts): readonly LevelState[] {
  return renewal === null ? levels : levels.map((level) => ({ ...level, counted: [] }));
}

/** What a grant keeps back at each level; `null` where the amount is none. */
export function keptBack({ money, facts: { renewal } }: AdmissionCase): Money['amount'] | null {
  if (typeof money === 'string') return null;
  return renewal === null ? money.amount : money.amount.minus(renewal.spent);
}

/** The log's clock is ahead of the database's by no more than the bound; a time that is not a number is not. */
export function isClockTrusted({ appendedAtMs, judgedAtMs }: AdmissionFacts): boolean {
  return appendedAtMs - judgedAtMs <= LIMITS.clockAheadMsMax && Number.isSafeInteger(appendedAtMs);
}

/** Neither seen to hold nor seen to break. */
export function isUnverified(verdict: WatchVerdict): boolean {
  return verdict === 'stale' || verdict === 'unknown';
}

/** The mandate found is the one asked for, and this agent's. */
export function isOwnMandate({ intent, levels }: AdmissionCase): boolean {
  const own = levels.at(-1)?.mandate;
  return own !== undefined && own.id === intent.mandate && own.agent === intent.agent;
}

/** At every level that names reference values; the attestation is fresh by now, stage 3 saw to it. */
export function isReferenceMeasurement({ requirements, facts: { attestation } }: AdmissionCase): boolean {
  if (typeof attestation === 'string') return requirements.length === 0;
  return requirements.every(({ measurements }) => measurements.includes(attestation.measurement));
}

/** The audience has a settlement key to bind the artifact to, and settles for this counterparty. */
export function isAudienceFit({ intent, facts: { audienceKey, counterparty } }: AdmissionCase): boolean {
  if (audienceKey === 'absent') return false;
  return typeof counterparty === 'string' || counterparty.settlementServices.includes(intent.audience);
}

/** Whom an intent pays; of a counterparty that is not on record no category is known. */
export function payeeOf({ counterparty: id }: Intent, { counterparty }: AdmissionFacts): Payee {
  return { id, category: typeof counterparty === 'string' ? null : counterparty.category };
}

/** Registered, active, and admitted by the lists of every level. */
export function isCounterpartyAdmitted({ intent, levels, facts }: AdmissionCase): boolean {
  const { counterparty } = facts;
  if (typeof counterparty === 'string') return false;
  if (counterparty.id !== intent.counterparty || counterparty.state !== 'active') return false;
  const payee = payeeOf(intent, facts);
  return levels.every(({ mandate }) => admitsCounterparty(mandate, payee));
}

export function isCaptureCountFit({ capture: { mode, maxCaptures } }: Intent): boolean {
  const most = mode === 'multi' ? LIMITS.capturesMax : 1;
  return Number.isInteger(maxCaptures) && maxCaptures >= 1 && maxCaptures <= most;
}

export function isPhase(flow: AdmissionCase['flow'], test: (state: FlowState, phase: number) => boolean): boolean {
  return typeof flow !== 'string' && test(flow.state, LIFECYCLE[flow.state].phase);
}

/** A level asks for more people above an amount than have approved; a refusal has its own row. */
export function asksApproval({ money, levels, facts }: AdmissionCase): boolean {
  if (typeof money === 'string' || (facts.approval !== 'none' && facts.approval !== 'approved')) return false;
  return approversGiven(facts) < approversNeeded(levels, money.amount);
}

/** One person has approved and a level asks for another. */
export function asksAnother(c: AdmissionCase): boolean {
  return c.facts.approval === 'approved' && asksApproval(c);
}

/** Everybody's turn takes a person's time: as many of the flow's intents wait for one as may. Who waits, waits on. */
export function asksInVain(c: AdmissionCase): boolean {
  return c.facts.parked === null && !(c.facts.parkedCount < LIMITS.parkedPerFlowMax) && asksApproval(c);
}

type LevelWalk = (levels: readonly LevelState[], amount: Money['amount']) => ShownLimit | null;

/** The first level whose limit stops the amount; an amount that is none has its own row. */
export function stoppedBy(c: AdmissionCase, find: LevelWalk, amount = amountOf(c)): Finding | null {
  if (amount === null) return null;
  const limit = find(c.levels, amount);
  return limit === null ? null : { field: 'amount.value', limit };
}

function amountOf({ money }: AdmissionCase): Money['amount'] | null {
  return typeof money === 'string' ? null : money.amount;
}

/** An artifact nobody could ever use is not issued: the denial is that of the bound that ends it. */
export function bornDead({ times, facts }: AdmissionCase, code: AdmissionDenial): Finding | null {
  if (times.bound.code !== code || !isBornDead(times, facts.judgedAtMs)) return null;
  return { field: times.bound.field, limit: null };
}
