import {
  ISO_4217,
  RULES_VERSION,
  type Absent,
  type ArtifactFacts,
  type CurrencyTable,
  type DomainWatch,
  type Flow,
  type Mandate,
  type SettlementFacts,
  type SettlementRequest,
  type Watches,
  isFlowState,
  watchVerdict,
} from '@spendgate/core';
import type { IssuedArtifact, SettlementFlow } from '@spendgate/store';
import { toSettlementRequest } from '@spendgate/verifier';
import type { RequestItem, Signatory } from './gate-item.js';
import type { RegistryView } from './registry-view.js';

/** What others watch over and a settlement leans on without reading it. `unknown` denies. */
export interface Trust {
  readonly watches: Watches;
  /** What this very event showed of its flow. */
  readonly drift: SettlementFacts['drift'];
  /** A halt wider than the flow. */
  readonly scope: SettlementFacts['scope'];
}

/** @param flowId `null` when the request names no artifact of ours */
export type TrustSource = (flowId: string | null) => Trust;

const VERIFIED = 'verified';
export const ALL_VERIFIED: Trust = {
  watches: {
    identity: VERIFIED,
    lineage: VERIFIED,
    governance: VERIFIED,
    domain: VERIFIED,
    audit: VERIFIED,
    watch: VERIFIED,
  },
  drift: 'none',
  scope: 'running',
};

/** The same where the audit may be late: what the gate read itself counts beside what others say. */
export function withAudit(trust: TrustSource, audit: Watches['audit']): TrustSource {
  if (audit === 'verified') return trust;
  return (flowId) => {
    const { watches, ...rest } = trust(flowId);
    return { ...rest, watches: { ...watches, audit } };
  };
}

/** And what the detector says of the domain; of the flow itself it is asked with the flow's row. */
export function withGovernance(trust: TrustSource, watch: DomainWatch | null): TrustSource {
  if (watch === null || watch.governance === 'verified') return trust;
  return (flowId) => {
    const { watches, ...rest } = trust(flowId);
    return { ...rest, watches: { ...watches, governance: watch.governance } };
  };
}

/** What the fold adds to the facts of a request: it knows what earlier items of the batch did. */
export interface FoldedFacts {
  readonly recorded: SettlementFacts['recorded'];
  readonly hold: SettlementFacts['hold'];
  readonly capture: SettlementFacts['capture'];
}

export interface FactSources {
  readonly registry: RegistryView;
  readonly artifacts: ReadonlyMap<string, IssuedArtifact>;
  readonly flows: ReadonlyMap<string, SettlementFlow>;
  readonly attestations: ReadonlyMap<string, Exclude<SettlementFacts['attestation'], string>>;
  readonly trust: TrustSource;
  /** As read after the locks, with the time it is judged at, Unix ms. */
  readonly watch: DomainWatch | null;
  readonly judgedAtMs: number;
  readonly currencies?: CurrencyTable;
  artifactFacts(row: IssuedArtifact): ArtifactFacts;
}

/** The request as core judges it. Its signature was verified before; amounts stay text until core parses them. */
export function requestOf(item: RequestItem): SettlementRequest {
  const { claims, by, bodyHash } = item;
  const kind = by.kind === 'agent' ? 'agent' : 'settlement_service';
  return toSettlementRequest(claims, { ...by, kind }, bodyHash);
}

/** Everything a request is decided on, from what was read after the locks. */
export function factsOf(item: RequestItem, sources: FactSources, folded: FoldedFacts): SettlementFacts {
  return factsFor(item.claims.artifact.id, item.by, sources, folded);
}

/** The same for an artifact and whoever would present it. */
export function factsFor(
  artifactId: string,
  { kind, partyId }: Pick<Signatory, 'kind' | 'partyId'>,
  sources: FactSources,
  folded: FoldedFacts,
): SettlementFacts {
  const { registry } = sources;
  const row = sources.artifacts.get(artifactId);
  const chain = row === undefined ? 'absent' : registry.chain(row.flowId);
  const flow = row === undefined ? undefined : sources.flows.get(row.flowId);
  const trust = trustOf(sources, row, { kind, id: partyId });
  const payee = row === undefined ? undefined : registry.counterparty(row.counterpartyId);
  return {
    signature: 'valid',
    ...folded,
    artifact: row === undefined ? 'absent' : sources.artifactFacts(row),
    flow: flow === undefined ? 'absent' : flowOf(flow),
    service: kind === 'agent' ? registry.agent(partyId) : registry.service(partyId),
    agent: row === undefined ? 'absent' : registry.agent(row.agentId),
    counterparty: payee?.state ?? 'absent',
    category: payee?.category ?? null,
    settlesForCounterparty: payee?.settlementServices.includes(partyId) ?? false,
    mandates: chain,
    policy: policyOf(row, chain, registry),
    attestation: row === undefined ? 'absent' : (sources.attestations.get(row.agentId) ?? 'absent'),
    ...watched(trust, sources, row, flow),
    scope: scopeOf(row, chain, registry, trust.scope),
    rules: { rulesVersion: RULES_VERSION, currencies: sources.currencies ?? ISO_4217 },
  };
}

/** What others watch over, and what the registry says of the keys of the agent and of whoever presents. */
function trustOf(
  { trust, registry }: FactSources,
  row: IssuedArtifact | undefined,
  presenter: { readonly kind: Signatory['kind']; readonly id: string },
): Trust {
  const said = trust(row?.flowId ?? null);
  const agent = row === undefined ? [] : [{ kind: 'agent' as const, id: row.agentId }];
  if (registry.identity([...agent, presenter]) === 'verified') return said;
  return { ...said, watches: { ...said.watches, identity: 'broken' } };
}

/** A flow with something left to capture must be watched; the artifact of one without is dead by its own checks. */
function watched(
  trust: Trust,
  { watch, judgedAtMs }: FactSources,
  row: IssuedArtifact | undefined,
  flow: SettlementFlow | undefined,
): Trust {
  const watchedFlow = { verifiedAtMs: flow?.verifiedAtMs ?? null, isLive: row?.ended === false };
  const verdict = watchVerdict(watch, watchedFlow, judgedAtMs);
  return verdict === 'verified' ? trust : { ...trust, watches: { ...trust.watches, watch: verdict } };
}

function policyOf(
  row: IssuedArtifact | undefined,
  chain: readonly Mandate[] | Absent,
  registry: RegistryView,
): SettlementFacts['policy'] {
  if (row === undefined || chain === 'unknown') return 'unknown';
  const own = chain === 'absent' ? undefined : chain.at(-1);
  if (own === undefined) return 'unavailable'; // no mandate, so no policy set: the lineage says what is wrong
  return registry.slice(own.policyId, row.agentId, row.counterpartyId);
}

/** Halted by a row of its own, or by what others say; a chain that could not be read is halted by neither. */
function scopeOf(
  row: IssuedArtifact | undefined,
  chain: readonly Mandate[] | Absent,
  registry: RegistryView,
  said: SettlementFacts['scope'],
): SettlementFacts['scope'] {
  if (row === undefined || said !== 'running') return said;
  const place = {
    chain: typeof chain === 'string' ? [] : chain,
    agent: row.agentId,
    counterparty: row.counterpartyId,
  };
  return registry.isHalted(place) ? 'halted' : said;
}

function flowOf(row: SettlementFlow): Flow | Absent {
  if (!isFlowState(row.state)) return 'unknown';
  const { flowId, epoch, baselineHash, sequence } = row;
  return { flowId, state: row.state, epoch, baselineHash, sequence, drift: null }; // intents are what is ranked
}
