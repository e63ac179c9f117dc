import type { AdmissionDenial } from '../denials.js';
import { deepFreeze } from '../freeze-once.js';
import { containmentSteps, driftOf } from '../drift/drift-of.js';
import { type Watched, isConduct, isOwnDenial, watchSpending } from '../drift/watch-spending.js';
import { LIFECYCLE, advance, type FlowEvent, type FlowState } from '../lifecycle.js';
import { LIMITS } from '../limits.js';
import { holdAt } from '../mandates/levels.js';
import { formatMoney } from '../money.js';
import { type AdmissionCase, admissionCase, keptBack } from './admission-case.js';
import { approversGiven, approversNeeded } from './approvals.js';
import { ADMISSION_ORDER, type Place } from './admission-checks.js';
import { freezeAdmission } from './read-set.js';
import {
  type AdmissionDecision,
  type AdmissionFacts,
  type AdmissionResult,
  type AdmissionState,
  type ArtifactTerms,
  type Finding,
  type Flow,
  type Intent,
  STAGES,
  type StageVerdict,
} from './types.js';

/**
 * Decides one payment intent: six stages in order, the first that fails decides, and nothing after it runs (A12–A17).
 *
 * Pure and total: equal arguments give an equal result, nothing given is changed. An authorized amount is held at every
 * level of the mandate's chain, or at none. `state` of the result is what the next intent of the batch is decided on.
 *
 * @param intent amounts in major units (ISO 4217: 12.50 USD), times in Unix ms; its form and signature hold already
 * @param state the locked rows, read after the locks
 * @param facts everything else; a member nobody could establish is `'unknown'` and denies. `judgedAtMs` may only deny
 *   (RFC 7519 §4.1.4: at `exp` itself it is over, skew 0); `appendedAtMs` gives `iat`, `nbf` and `exp`
 */
export function decideIntent(intent: Intent, state: AdmissionState, facts: AdmissionFacts): AdmissionResult {
  const judged = admissionCase(intent, state, facts);
  const first = findFailure(judged);
  const watched = watch(judged, first);
  // The event that shows the drift is itself refused.
  const failure = watched === null || watched.signal === null ? first : findFailure({ ...judged, drift: 'found' });
  const verdict = failure === null ? authorize(judged) : refuse(judged, failure);
  const decision = { ...verdict, spending: watched?.score ?? null };
  const broken = driftOf(decision, { attestation: facts.attestation, requirements: judged.requirements });
  const drift = broken ?? watched?.signal ?? null;
  const transitions = causedEvents(judged, failure, drift !== null);
  const authorized = decision.outcome === 'authorized';
  return {
    decision,
    state: {
      levels: authorized ? holdAmount(judged) : state.levels,
      flow: isRepeat(decision) ? state.flow : advanced(state.flow, transitions, watched),
    },
    transitions,
    awaits: decision.code === 'approval_required' && decision.outcome === 'parked' ? awaitedPeople(judged) : null,
    drift,
    readSet: freezeAdmission(judged),
  };
}

/**
 * What the intent adds to the evidence of its flow: once, at its first decision while the flow is governed. What was
 * asked for counts, granted or not; what was refused for other reasons than its own says nothing about the flow.
 */
function watch({ intent, facts, flow, money, drift }: AdmissionCase, first: Failure | null): Watched | null {
  const { spending, renewal } = facts;
  const code = first?.code ?? null;
  if (typeof flow === 'string' || drift !== 'none' || spending === null || spending === 'unknown') return null;
  if (flow.drift === null || flow.drift === 'unknown' || LIFECYCLE[flow.state].phase > 4) return null;
  if (wasWatched(facts) || renewal !== null || !isConduct(code)) return null;
  const isOwnCurrency = code !== 'currency_mismatch' && typeof money !== 'string';
  return watchSpending(spending, flow.drift, {
    intentId: intent.intentId,
    amount: isOwnCurrency ? money.amount.toFixed() : null,
    counterparty: intent.counterparty,
    iatMs: intent.iatMs,
    appendedAtMs: facts.appendedAtMs,
    isDenied: isOwnDenial(
      { code, field: first?.finding.field ?? null, limitOf: first?.finding.limit?.mandate ?? null },
      intent.mandate,
    ),
    hash: intent.bodyHash,
  });
}

/** An intent that waited for a person was an event when it began to wait; one that waited for a release was none yet. */
function wasWatched({ parked, approval }: AdmissionFacts): boolean {
  return parked !== null && approval !== 'none';
}

interface Failure {
  readonly place: Place;
  readonly code: AdmissionDenial;
  readonly finding: Finding;
}

function findFailure(judged: AdmissionCase): Failure | null {
  for (const { place, checks } of ADMISSION_ORDER) {
    for (const { code, check } of checks) {
      const finding = check(judged);
      if (finding !== null) return { place, code, finding };
    }
  }
  return null;
}

type Verdict = Omit<AdmissionDecision, 'spending'>;

function authorize(judged: AdmissionCase): Verdict {
  const terms = artifactTerms(judged);
  return {
    outcome: 'authorized',
    code: null,
    field: null,
    limit: null,
    stages: ALL_PASSED,
    terms,
    parkedUntilMs: null,
  };
}

function refuse(judged: AdmissionCase, { place, code, finding }: Failure): Verdict {
  const parkedUntilMs = parkedUntil(judged, code);
  const outcome = parkedUntilMs === null ? 'denied' : 'parked';
  return { outcome, code, ...finding, stages: STAGES_FAILED_AT[place], terms: null, parkedUntilMs };
}

/** The end of a wait, if this denial waits: for a person always, for a release where the mandate opted in. Unix ms. */
function parkedUntil({ intent, facts, levels }: AdmissionCase, code: AdmissionDenial): number | null {
  const { parked, renewal } = facts;
  if (renewal !== null) return null; // the artifact it would replace stands meanwhile, so nothing has to wait
  const endsAtMs = Math.min(intent.expMs, intent.deadlineMs ?? Infinity, parked?.untilMs ?? Infinity);
  if (code === 'approval_required') return endsAtMs;
  const parkSeconds = levels.at(-1)?.mandate.parkSeconds ?? null;
  const isFull = parked === null && !(facts.parkedCount < LIMITS.parkedPerFlowMax);
  if (code !== 'flow_contained' || parkSeconds === null || isFull) return null;
  const seconds = Math.min(parkSeconds, LIMITS.parkSecondsMax);
  const untilMs = Math.min(endsAtMs, facts.appendedAtMs + seconds * 1000);
  return untilMs > facts.judgedAtMs ? untilMs : null;
}

function awaitedPeople({ money, levels, facts }: AdmissionCase): AdmissionResult['awaits'] {
  if (typeof money === 'string') return null; // stage 5 denies it
  return { given: approversGiven(facts), needed: approversNeeded(levels, money.amount) };
}

function artifactTerms({ money, flow, times, facts }: AdmissionCase): ArtifactTerms | null {
  if (typeof money === 'string' || typeof flow === 'string') return null; // stage 5 denies both
  const { iat, exp, settleBy } = times;
  const amount = formatMoney(money.amount, money.currency, facts.rules.currencies);
  return { amount, currency: money.currency, iat, nbf: iat, exp, settleBy, epoch: flow.epoch };
}

function holdAmount(judged: AdmissionCase): AdmissionState['levels'] {
  const amount = keptBack(judged);
  if (amount === null) return judged.levels;
  return judged.levels.map((level) => holdAt(level, amount));
}

/**
 * What a decision does to its flow. A trusted environment activates an authorized flow, whatever stage 5 then says; the
 * first artifact of an epoch makes it execute.
 */
function causedEvents({ flow }: AdmissionCase, failure: Failure | null, drifted: boolean): readonly FlowEvent[] {
  if (typeof flow === 'string') return [];
  const trusted = failure === null || failure.place === 'governance' || failure.place === 'issue';
  const events: FlowEvent[] = [];
  if (flow.state === 'authorized' && trusted) events.push('environment_trusted');
  if (failure === null && flow.state !== 'executing') events.push('first_artifact_issued');
  // A break contains the flow in this very transaction, and what showed it is itself refused.
  if (drifted) events.push(...containmentSteps(events.reduce<FlowState>(advance, flow.state)));
  return events;
}

/** Answered with a decision already made, so it is no event of the flow. */
function isRepeat({ code }: AdmissionDecision): boolean {
  return code === 'intent_replayed' || code === 'idempotency_conflict';
}

/** The decision is the flow's next event, and each transition it caused one more. */
function advanced(
  flow: AdmissionState['flow'],
  events: readonly FlowEvent[],
  watched: Watched | null,
): AdmissionState['flow'] {
  if (typeof flow === 'string') return flow;
  return events.reduce<Flow>(
    (before, event) => ({ ...before, state: advance(before.state, event), sequence: before.sequence + 1n }),
    { ...flow, sequence: flow.sequence + 1n, drift: watched?.state ?? flow.drift },
  );
}

/** Verdicts of all six stages by the place that failed: seven lists, made once. */
const STAGES_FAILED_AT: Readonly<Record<Place, readonly StageVerdict[]>> = {
  intake: verdicts(-1),
  policy: verdicts(0),
  identity: verdicts(1),
  runtime_integrity: verdicts(2),
  environment: verdicts(3),
  governance: verdicts(4),
  issue: verdicts(5),
};
const ALL_PASSED = verdicts(STAGES.length);

function verdicts(failedAt: number): readonly StageVerdict[] {
  const stages = STAGES.map((stage, index) => {
    const verdict = index < failedAt ? 'passed' : index === failedAt ? 'failed' : 'not_run';
    return { stage, verdict } as const;
  });
  return deepFreeze(stages);
}
