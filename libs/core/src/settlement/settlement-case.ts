import type { ShownLimit } from '../admission/types.js';
import { LIFECYCLE, type FlowState } from '../lifecycle.js';
import { admitsCounterparty, carriesHash } from '../mandates/check-chain.js';
import { environmentRequirements } from '../mandates/levels.js';
import type { EnvironmentRequirement, Governed } from '../mandates/types.js';
import { type Money, type MoneyProblem, parseMoney, ZERO } from '../money.js';
import type { ArtifactFacts, Hold, SettlementFacts, SettlementRequest } from './types.js';

/** One settlement request with everything it is judged on. */
interface JudgedRequest {
  readonly request: SettlementRequest;
  readonly facts: SettlementFacts;
  readonly judgedAtMs: number;
  /** Of a capture or refund; a void asks for no amount. */
  readonly money: Money | MoneyProblem | null;
  /** Root first; empty when they could not be had. */
  readonly levels: readonly Governed[];
  /** Of every level that asks for an attested environment. */
  readonly requirements: readonly EnvironmentRequirement[];
}

/** The same with the stored row and hold of its artifact. */
export interface DrawnCase extends JudgedRequest {
  readonly artifact: ArtifactFacts;
  readonly hold: Hold;
}

export interface SettlementCase extends JudgedRequest {
  /** `null` where row or hold could not be had; then only the checks that need neither can run. */
  readonly drawn: DrawnCase | null;
}

export function settlementCase(request: SettlementRequest, facts: SettlementFacts, judgedAtMs: number): SettlementCase {
  const { artifact, hold, mandates } = facts;
  const money = request.action === 'void' ? null : requestedMoney(request, facts);
  const levels = typeof mandates === 'string' ? [] : mandates.map((mandate) => ({ mandate }));
  const judged = { request, facts, judgedAtMs, money, levels, requirements: environmentRequirements(levels) };
  const isThere = typeof artifact !== 'string' && typeof hold !== 'string';
  return { ...judged, drawn: isThere ? { ...judged, artifact, hold } : null };
}

function requestedMoney({ amountText, currency }: SettlementRequest, { rules }: SettlementFacts): Money | MoneyProblem {
  if (currency === null) return 'currency_unsupported';
  return parseMoney(amountText ?? '', currency, rules.currencies);
}

/**
 * Who may use an artifact. Capture and void: the service it names, with the key it is bound to or that key's signed
 * successor, registered for the counterparty. Void: the agent too. Refund: the service that captured. Where the
 * register could not say, that is denied as `trust_unverifiable` and is no mismatch.
 */
export function isPresenter({ request, facts, artifact }: DrawnCase): boolean {
  const { action, presenter, presenterKind, presenterJkt } = request;
  if (facts.service !== 'active') return facts.service === 'unknown';
  if (presenterKind === 'agent') return action === 'void' && presenter === artifact.agent;
  if (action === 'refund') return presenter === capturedBy(facts, artifact);
  const bound = artifact.jkt === presenterJkt || artifact.successorJkts.includes(presenterJkt);
  return presenter === artifact.audience && bound && facts.settlesForCounterparty !== false;
}

/** Where no capture was found, only the service the artifact names may learn so. */
function capturedBy({ capture }: SettlementFacts, artifact: ArtifactFacts): string {
  return typeof capture === 'string' ? artifact.audience : capture.service;
}

/** The counterparty is the artifact's, and no level has taken it, or its category, off its lists since. */
export function isCounterpartyKept({ request, facts, artifact, levels }: DrawnCase): boolean {
  if (request.counterparty !== artifact.counterparty) return false;
  if (request.action !== 'capture') return true;
  const payee = { id: artifact.counterparty, category: facts.category };
  return levels.every(({ mandate }) => admitsCounterparty(mandate, payee));
}

/** The mandate the artifact came from is still its flow's own, under the same root, in this or a later version. */
export function isLineageWhole({ artifact: { lineage }, levels }: DrawnCase): boolean {
  const own = levels.at(-1)?.mandate;
  if (own === undefined || own.id !== lineage.parent || own.root !== lineage.root) return false;
  return carriesHash(own, lineage.parentHash);
}

/** The runtime is the one the artifact was issued to, and still a reference value at every level that has some. */
export function isEnvironmentKept({ artifact, requirements, facts: { attestation } }: DrawnCase): boolean {
  if (typeof attestation === 'string') return requirements.length === 0 && artifact.measurement === null;
  if (artifact.measurement !== null && artifact.measurement !== attestation.measurement) return false;
  return requirements.every(({ measurements }) => measurements.includes(attestation.measurement));
}

/** Attestation is needed where a level asks for it now, and where the artifact was bound to one. */
export function isAttestationNeeded({ artifact, requirements }: DrawnCase): boolean {
  return artifact.measurement !== null || requirements.length > 0;
}

export function isFlowIn(
  { facts: { flow } }: JudgedRequest,
  test: (state: FlowState, phase: number) => boolean,
): boolean {
  return typeof flow !== 'string' && test(flow.state, LIFECYCLE[flow.state].phase);
}

/** Artifacts of an epoch before the flow's own stay dead. */
export function isEpochPast({ facts: { flow }, artifact }: DrawnCase): boolean {
  return typeof flow !== 'string' && artifact.epoch !== flow.epoch;
}

export function isCaptureLimitReached({ hold: { mode, maxCaptures, captureCount } }: DrawnCase): boolean {
  return !(captureCount < (mode === 'multi' ? maxCaptures : 1));
}

/**
 * What stops an amount: for a capture what the hold has left, for a refund what was captured and not yet given back.
 */
export function findAmountExceeded({ request, money, artifact, hold, facts }: DrawnCase): ShownLimit | null {
  if (money === null || typeof money === 'string') return null;
  const [name, limit, available] =
    request.action === 'capture' ? ['held', hold.amount, hold.held] : ['captured', ...refundable(facts)];
  if (money.amount.lte(available)) return null;
  return { mandate: artifact.flowId, name: String(name), limit: limit.toFixed(), available: available.toFixed() };
}

function refundable({ capture }: SettlementFacts) {
  if (typeof capture === 'string' || capture.state !== 'captured') return [ZERO, ZERO] as const;
  return [capture.amount, capture.amount.minus(capture.refunded).minus(capture.refunding)] as const;
}
