import { freezeOnce } from '../freeze-once.js';
import * as read from '../frozen.js';
import { freezeDrift, thawDrift } from '../drift/drift-state.js';
import { freezeWatch, thawWatch } from '../drift/frozen-watch.js';
import { freezeCounted, thawBudget, thawCounted } from '../mandates/frozen-mandate.js';
import type { LevelState, Payee } from '../mandates/types.js';
import { type AdmissionCase, payeeOf } from './admission-case.js';
import * as frozen from './frozen-facts.js';
import { InvariantError } from '../errors.js';
import type {
  AdmissionFacts,
  AdmissionReadSet,
  AdmissionRules,
  AdmissionState,
  Approver,
  Flow,
  Json,
  PolicyFacts,
} from './types.js';

const WHETHER_KNOWN = ['unknown'] as const;

/**
 * Everything an intent was decided on, by value: replay is the decision over this and the agent's own request, and
 * needs no database. Plain JSON: decimal strings in major units, integer Unix milliseconds; of long lists only the part
 * that was asked. Its hash is the `decision_hash` of the decision and of the artifact.
 */
export function freezeAdmission({ intent, facts, levels, mandate, flow, drift }: AdmissionCase): AdmissionReadSet {
  // In RFC 8785 order, here and below: what is written in this order need not be sorted for each decision.
  return {
    agent: facts.agent,
    appended_at_ms: facts.appendedAtMs,
    approval: facts.approval,
    ...freezeApprovers(facts.approvers),
    artifact_lifetime_seconds: facts.rules.artifactLifetimeSeconds,
    attestation: frozen.freezeAttestation(facts.attestation),
    audience_key: typeof facts.audienceKey === 'string' ? facts.audienceKey : { jkt: facts.audienceKey.jkt },
    counterparty: freezeCounterparty(facts.counterparty, intent.audience),
    currency_digits: facts.rules.currencies.get(intent.currency) ?? null,
    drift,
    flow: frozen.freezeFlow(flow),
    issuer: facts.issuer,
    judged_at_ms: facts.judgedAtMs,
    levels: mandate === 'present' ? freezeLevels(levels, payeeOf(intent, facts)) : mandate,
    parked: freezeParked(facts.parked),
    parked_count: facts.parkedCount,
    path: levels.at(-1)?.mandate.path ?? [],
    policy: freezePolicy(facts.policy),
    recorded: freezeRecorded(facts.recorded),
    renewal: freezeRenewal(facts.renewal),
    rules_version: facts.rules.rulesVersion,
    scope: facts.scope,
    signer: facts.signer === 'unknown' ? facts.signer : { agent: facts.signer.agent, kid: facts.signer.kid },
    ...freezeSpending(facts, flow),
    v: 1,
    watches: frozen.freezeWatches(facts.watches),
  };
}

/** @throws {InvariantError} `ERR_READ_SET_DAMAGED` */
export function thawAdmission(
  set: AdmissionReadSet,
  currency: string,
): { state: AdmissionState; facts: AdmissionFacts } {
  const facts: AdmissionFacts = {
    appendedAtMs: read.number(set.appended_at_ms, 'appended_at_ms'),
    judgedAtMs: read.number(set.judged_at_ms, 'judged_at_ms'),
    recorded: read.optional(set.recorded, thawRecorded),
    agent: read.word(set.agent, 'agent', ['active', 'disabled', 'absent', 'unknown']),
    signer: read.factOr(set.signer, 'signer', WHETHER_KNOWN, (signer) => ({
      kid: read.text(signer.kid, 'kid'),
      agent: read.text(signer.agent, 'agent'),
    })),
    counterparty: read.factOr(set.counterparty, 'counterparty', frozen.ABSENT, thawCounterparty),
    audienceKey: read.factOr(set.audience_key, 'audience_key', frozen.ABSENT, ({ jkt }) => ({
      jkt: read.text(jkt, 'jkt'),
    })),
    attestation: frozen.thawAttestation(set.attestation),
    policy: read.factOr(set.policy, 'policy', WHETHER_KNOWN, thawPolicy),
    scope: read.word(set.scope, 'scope', ['running', 'halted', 'unknown']),
    spending: read.optional(set.spending, thawSpending),
    approval: read.word(set.approval, 'approval', ['none', 'approved', 'refused', 'unknown']),
    approvers: thawApprovers(set.approvers ?? null),
    parked: read.optional(set.parked, thawParked),
    parkedCount: read.number(set.parked_count, 'parked_count'),
    renewal: read.optional(set.renewal, thawRenewal),
    issuer: read.word(set.issuer, 'issuer', ['ready', 'unknown']),
    watches: frozen.thawWatches(set.watches),
    rules: thawRules(set, currency),
  };
  const levels = typeof set.levels === 'string' ? read.word(set.levels, 'levels', frozen.ABSENT) : thawLevels(set);
  read.word(set.drift, 'drift', ['none', 'unknown']); // follows from the rest; what replay finds is compared with it
  const flow = frozen.thawFlow(set.flow);
  return { state: { levels, flow: typeof flow === 'string' ? flow : { ...flow, drift: thawEvidence(set) } }, facts };
}

/** Absent for the flows that declare no profile; else the watch and the evidence so far, each `'unknown'` if it was. */
function freezeSpending({ spending, appendedAtMs }: AdmissionFacts, flow: AdmissionCase['flow']): AdmissionReadSet {
  const evidence = typeof flow === 'string' ? null : flow.drift;
  if (spending === null && evidence === null) return {};
  const own = {
    evidence: evidence === null || evidence === 'unknown' ? evidence : freezeDrift(evidence),
    watch: spending === null || spending === 'unknown' ? spending : freezeWatch(spending, appendedAtMs),
  };
  return { spending: own };
}

function thawSpending(value: Json): AdmissionFacts['spending'] {
  const { watch = null } = read.object(value, 'spending');
  if (watch === null || watch === 'unknown') return watch;
  return thawWatch(watch);
}

function thawEvidence({ spending }: AdmissionReadSet): Flow['drift'] {
  const evidence = read.optional(spending, (value) => read.object(value, 'spending').evidence ?? null);
  if (evidence === null || evidence === 'unknown') return evidence;
  const state = thawDrift(evidence, read.text(read.object(evidence, 'evidence').baseline, 'baseline'));
  if (state === 'unknown') throw new InvariantError('ERR_READ_SET_DAMAGED', '"evidence" is no drift state');
  return state;
}

/** The one currency asked for, with the digits it had then: a later table must not change an old decision. */
function thawRules(set: AdmissionReadSet, currency: string): AdmissionRules {
  const digits = read.optional(set.currency_digits, (value) => read.number(value, 'currency_digits'));
  return {
    rulesVersion: read.number(set.rules_version, 'rules_version'),
    artifactLifetimeSeconds: read.number(set.artifact_lifetime_seconds, 'artifact_lifetime_seconds'),
    currencies: new Map(digits === null ? [] : [[currency, digits]]),
  };
}

function freezeLevels(levels: readonly LevelState[], payee: Payee): Json {
  const grants = frozen.freezeChain(
    levels.map(({ mandate }) => mandate),
    payee,
  );
  return levels.map(({ budget, counted }, index) => ({
    captured: budget.captured.toFixed(),
    capturing: budget.capturing.toFixed(),
    counted: counted.length === 0 ? null : counted.map(freezeCounted),
    grant: grants[index] ?? null,
    held: budget.held.toFixed(),
    refunded: budget.refunded.toFixed(),
  }));
}

function thawLevels(set: AdmissionReadSet): LevelState[] {
  const levels = read.list(set.levels, 'levels').map((value) => read.object(value, 'level'));
  const path = read.texts(set.path, 'path');
  const mandates = frozen.thawChain(
    levels.map(({ grant }) => grant ?? null),
    path,
  );
  return mandates.map((mandate, index) => {
    const level = read.object(levels[index], 'level');
    const counted = read.optional(level.counted, (value) => read.list(value, 'counted').map(thawCounted)) ?? [];
    return { mandate, budget: thawBudget(level), counted };
  });
}

function freezeRecorded(recorded: AdmissionFacts['recorded']): Json {
  return recorded === null ? null : { decision: recorded.decisionId, body_hash: recorded.bodyHash };
}

function thawRecorded(value: Json): AdmissionFacts['recorded'] {
  const recorded = read.object(value, 'recorded');
  return { decisionId: read.text(recorded.decision, 'decision'), bodyHash: read.text(recorded.body_hash, 'body_hash') };
}

const NOBODY = {};

/** Nearly every decision has none, and those of old have no such member. */
function freezeApprovers(approvers: readonly Approver[]): read.JsonObject {
  return approvers.length === 0 ? NOBODY : { approvers: approvers.map(({ kid, person }) => ({ kid, person })) };
}

/** @param value the `approvers` of a read set @throws {InvariantError} `ERR_READ_SET_DAMAGED` */
export function thawApprovers(value: Json): readonly Approver[] {
  const approvers = read.optional(value, (present) => read.list(present, 'approvers')) ?? [];
  return approvers.map((entry) => {
    const { kid, person } = read.object(entry, 'approver');
    return { kid: read.text(kid, 'kid'), person: read.text(person, 'person') };
  });
}

function freezeParked(parked: AdmissionFacts['parked']): Json {
  return parked === null ? null : { decision: parked.decisionId, until_ms: parked.untilMs };
}

function thawParked(value: Json): AdmissionFacts['parked'] {
  const parked = read.object(value, 'parked');
  return { decisionId: read.text(parked.decision, 'decision'), untilMs: read.number(parked.until_ms, 'until_ms') };
}

function freezeRenewal(renewal: AdmissionFacts['renewal']): Json {
  if (renewal === null) return null;
  return {
    amount: renewal.amountText,
    artifact: renewal.artifactId,
    by: renewal.by,
    exp_ms: renewal.expMs,
    iat_ms: renewal.iatMs,
    max_captures: renewal.maxCaptures,
    settle_by_ms: renewal.settleByMs,
    spent: renewal.spent.toFixed(),
  };
}

function thawRenewal(value: Json): NonNullable<AdmissionFacts['renewal']> {
  const renewal = read.object(value, 'renewal');
  return {
    artifactId: read.text(renewal.artifact, 'artifact'),
    by: read.text(renewal.by, 'by'),
    amountText: read.text(renewal.amount, 'amount'),
    maxCaptures: read.number(renewal.max_captures, 'max_captures'),
    settleByMs: read.number(renewal.settle_by_ms, 'settle_by_ms'),
    spent: read.amount(renewal.spent, 'spent'),
    iatMs: read.number(renewal.iat_ms, 'iat_ms'),
    expMs: read.number(renewal.exp_ms, 'exp_ms'),
  };
}

function freezeCounterparty(counterparty: AdmissionFacts['counterparty'], audience: string): Json {
  if (typeof counterparty === 'string') return counterparty;
  const { id, legalName, state, category, settlementServices } = counterparty;
  return { category, id, name: legalName, settled_by: settlementServices.includes(audience) ? [audience] : [], state };
}

function thawCounterparty(counterparty: read.JsonObject): AdmissionFacts['counterparty'] {
  return {
    id: read.text(counterparty.id, 'id'),
    legalName: read.text(counterparty.name, 'name'),
    state: read.word(counterparty.state, 'state', ['active', 'disabled']),
    category: read.text(counterparty.category, 'category'),
    settlementServices: read.texts(counterparty.settled_by, 'settled_by'),
  };
}

function freezePolicy(policy: AdmissionFacts['policy']): Json {
  return policy === 'unknown' ? policy : freezeVerdict(policy);
}

const freezeVerdict = freezeOnce((policy: PolicyFacts) => {
  const { deciding, hash, policyId, setHash, verdict, version } = policy;
  return { deciding: [...deciding], hash, id: policyId, set_hash: setHash, verdict, version };
});

function thawPolicy(policy: read.JsonObject): Exclude<AdmissionFacts['policy'], string> {
  return {
    verdict: read.word(policy.verdict, 'verdict', ['allow', 'deny', 'error', 'unavailable']),
    policyId: read.text(policy.id, 'id'),
    version: read.number(policy.version, 'version'),
    setHash: read.text(policy.set_hash, 'set_hash'),
    hash: read.text(policy.hash, 'hash'),
    deciding: read.texts(policy.deciding, 'deciding'),
  };
}
