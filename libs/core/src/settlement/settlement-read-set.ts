import * as frozen from '../admission/frozen-facts.js';
import type { Json } from '../admission/types.js';
import * as read from '../frozen.js';
import type {
  ArtifactFacts,
  CaptureFacts,
  Hold,
  SettlementFacts,
  SettlementReadSet,
  SettlementRequest,
  SettlementState,
} from './types.js';

const STATES: readonly SettlementState[] = [
  ...(['capturing', 'captured', 'returned', 'unknown', 'released', 'refunding', 'refunded', 'denied'] as const),
];

const STANDINGS = ['active', 'disabled', 'absent', 'unknown'] as const;

/** Everything a settlement was decided on, by value; plain JSON, as in admission/read-set.ts. */
export function freezeSettlement(
  request: SettlementRequest,
  facts: SettlementFacts,
  judgedAtMs: number,
): SettlementReadSet {
  const { artifact, mandates, policy } = facts;
  const payee = { id: typeof artifact === 'string' ? '' : artifact.counterparty, category: facts.category };
  const { recorded, rules } = facts;
  return {
    v: 1,
    rules_version: rules.rulesVersion,
    judged_at_ms: judgedAtMs,
    currency_digits: digitsByCurrency(request, facts),
    signature: facts.signature,
    recorded: recorded === null ? null : { settlement: recorded.settlementId, body_hash: recorded.bodyHash },
    artifact: typeof artifact === 'string' ? artifact : freezeArtifact(artifact),
    hold: typeof facts.hold === 'string' ? facts.hold : freezeHold(facts.hold),
    capture: typeof facts.capture === 'string' ? facts.capture : freezeCapture(facts.capture),
    flow: frozen.freezeFlow(facts.flow),
    scope: facts.scope,
    service: facts.service,
    agent: facts.agent,
    counterparty: facts.counterparty,
    settles_for_counterparty: facts.settlesForCounterparty,
    path: typeof mandates === 'string' ? [] : (mandates.at(-1)?.path ?? []),
    mandates: typeof mandates === 'string' ? mandates : frozen.freezeChain(mandates, payee, linkOf(artifact)),
    policy: typeof policy === 'string' ? policy : { hash: policy.hash },
    attestation: frozen.freezeAttestation(facts.attestation),
    drift: facts.drift,
    watches: frozen.freezeWatches(facts.watches),
  };
}

/** @throws {InvariantError} `ERR_READ_SET_DAMAGED` */
export function thawSettlement(set: SettlementReadSet): { facts: SettlementFacts; judgedAtMs: number } {
  const facts: SettlementFacts = {
    signature: read.word(set.signature, 'signature', ['valid', 'invalid', 'unknown']),
    recorded: read.optional(set.recorded, thawRecorded),
    artifact: read.factOr(set.artifact, 'artifact', frozen.ABSENT, thawArtifact),
    hold: read.factOr(set.hold, 'hold', frozen.ABSENT, thawHold),
    capture: read.factOr(set.capture, 'capture', frozen.ABSENT, thawCapture),
    flow: frozen.thawFlow(set.flow),
    scope: read.word(set.scope, 'scope', ['running', 'halted', 'unknown']),
    service: read.word(set.service, 'service', STANDINGS),
    agent: read.word(set.agent, 'agent', STANDINGS),
    counterparty: read.word(set.counterparty, 'counterparty', STANDINGS),
    category: null, // what the mandates say of it is frozen with them
    settlesForCounterparty:
      set.settles_for_counterparty === 'unknown' ? 'unknown' : read.flag(set.settles_for_counterparty, 'settles_for'),
    mandates:
      typeof set.mandates === 'string'
        ? read.word(set.mandates, 'mandates', frozen.ABSENT)
        : frozen.thawChain(read.list(set.mandates, 'mandates'), read.texts(set.path, 'path')),
    policy: read.factOr(set.policy, 'policy', ['unavailable', 'error', 'unknown'], ({ hash }) => ({
      hash: read.text(hash, 'hash'),
    })),
    attestation: frozen.thawAttestation(set.attestation),
    drift: read.word(set.drift, 'drift', ['none', 'found', 'unknown']),
    watches: frozen.thawWatches(set.watches),
    rules: { rulesVersion: read.number(set.rules_version, 'rules_version'), currencies: thawDigits(set) },
  };
  return { facts, judgedAtMs: read.number(set.judged_at_ms, 'judged_at_ms') };
}

/** Digits of the currencies named, as they were then: the request's and the artifact's. */
function digitsByCurrency({ currency }: SettlementRequest, { artifact, rules }: SettlementFacts): Json {
  const named = [currency, typeof artifact === 'string' ? null : artifact.currency];
  const known = named.flatMap((code): [string, number][] => {
    const digits = code === null ? undefined : rules.currencies.get(code);
    return code === null || digits === undefined ? [] : [[code, digits]];
  });
  return Object.fromEntries(known);
}

function thawDigits(set: SettlementReadSet): ReadonlyMap<string, number> {
  const entries = Object.entries(read.object(set.currency_digits, 'currency_digits'));
  return new Map(entries.map(([code, digits]) => [code, read.number(digits, code)]));
}

/** The last mandate keeps the one earlier hash the artifact names. */
function linkOf(artifact: SettlementFacts['artifact']): string | null {
  return typeof artifact === 'string' ? null : artifact.lineage.parentHash;
}

function thawRecorded(value: Json): SettlementFacts['recorded'] {
  const recorded = read.object(value, 'recorded');
  return {
    settlementId: read.text(recorded.settlement, 'settlement'),
    bodyHash: read.text(recorded.body_hash, 'hash'),
  };
}

function freezeArtifact(artifact: ArtifactFacts): Json {
  const { lineage } = artifact;
  return {
    id: artifact.artifactId,
    flow: artifact.flowId,
    epoch: artifact.epoch,
    claims_hash: artifact.claimsHash,
    status: artifact.status,
    agent: artifact.agent,
    audience: artifact.audience,
    jkt: artifact.jkt,
    successor_jkts: artifact.successorJkts,
    counterparty: artifact.counterparty,
    reference: artifact.reference,
    currency: artifact.currency,
    actions: artifact.actions,
    nbf_ms: artifact.nbfMs,
    expires_at_ms: artifact.expiresAtMs,
    settle_by_ms: artifact.settleByMs,
    policy_hash: artifact.policyHash,
    measurement: artifact.measurement,
    lineage: { root: lineage.root, parent: lineage.parent, parent_hash: lineage.parentHash },
  };
}

function thawArtifact(value: read.JsonObject): ArtifactFacts {
  const lineage = read.object(value.lineage, 'lineage');
  const actions = read.list(value.actions, 'actions');
  return {
    artifactId: read.text(value.id, 'id'),
    flowId: read.text(value.flow, 'flow'),
    epoch: read.number(value.epoch, 'epoch'),
    claimsHash: read.text(value.claims_hash, 'claims_hash'),
    status: read.word(value.status, 'status', ['valid', 'revoked', 'suspended', 'unknown']),
    agent: read.text(value.agent, 'agent'),
    audience: read.text(value.audience, 'audience'),
    jkt: read.text(value.jkt, 'jkt'),
    successorJkts: read.texts(value.successor_jkts, 'successor_jkts'),
    counterparty: read.text(value.counterparty, 'counterparty'),
    reference: read.text(value.reference, 'reference'),
    currency: read.text(value.currency, 'currency'),
    actions: actions.map((action) => read.word(action, 'action', ['capture', 'void', 'refund'])),
    nbfMs: read.number(value.nbf_ms, 'nbf_ms'),
    expiresAtMs: read.number(value.expires_at_ms, 'expires_at_ms'),
    settleByMs: read.number(value.settle_by_ms, 'settle_by_ms'),
    policyHash: read.text(value.policy_hash, 'policy_hash'),
    measurement: read.optional(value.measurement, (present) => read.text(present, 'measurement')),
    lineage: {
      root: read.text(lineage.root, 'root'),
      parent: read.text(lineage.parent, 'parent'),
      parentHash: read.text(lineage.parent_hash, 'parent_hash'),
    },
  };
}

function freezeHold(hold: Hold): Json {
  const { mode, maxCaptures, captureCount, ended } = hold;
  return {
    amount: hold.amount.toFixed(),
    held: hold.held.toFixed(),
    capturing: hold.capturing.toFixed(),
    captured: hold.captured.toFixed(),
    released: hold.released.toFixed(),
    refunded: hold.refunded.toFixed(),
    restored: hold.restored.toFixed(),
    ...{ mode, max_captures: maxCaptures, capture_count: captureCount, ended },
  };
}

function thawHold(value: read.JsonObject): Hold {
  return {
    amount: read.amount(value.amount, 'amount'),
    held: read.amount(value.held, 'held'),
    capturing: read.amount(value.capturing, 'capturing'),
    captured: read.amount(value.captured, 'captured'),
    released: read.amount(value.released, 'released'),
    refunded: read.amount(value.refunded, 'refunded'),
    restored: read.amount(value.restored, 'restored'),
    mode: read.word(value.mode, 'mode', ['single', 'partial', 'multi']),
    maxCaptures: read.number(value.max_captures, 'max_captures'),
    captureCount: read.number(value.capture_count, 'capture_count'),
    ended: read.flag(value.ended, 'ended'),
  };
}

function freezeCapture({ captureId, service, state, amount, refunded, refunding }: CaptureFacts): Json {
  const money = { amount: amount.toFixed(), refunded: refunded.toFixed(), refunding: refunding.toFixed() };
  return { id: captureId, service, state, ...money };
}

function thawCapture(value: read.JsonObject): CaptureFacts {
  return {
    captureId: read.text(value.id, 'id'),
    service: read.text(value.service, 'service'),
    state: read.word(value.state, 'state', STATES),
    amount: read.amount(value.amount, 'amount'),
    refunded: read.amount(value.refunded, 'refunded'),
    refunding: read.amount(value.refunding, 'refunding'),
  };
}
