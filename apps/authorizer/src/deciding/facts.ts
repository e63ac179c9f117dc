import {
  type AdmissionFacts,
  type CurrencyTable,
  type Mandate,
  type PolicyFacts,
  type WatchVerdict,
  isPlaceHalted,
} from '@spendgate/core';
import { type PolicyRequest, type PolicySets, spendQuestion } from '@spendgate/policy';
import type { PartyFacts, PartyRef, RegisteredKey, RegistryFacts, RegistryNeeds } from '@spendgate/store';
import type { Candidate, DecodedIntent } from '../intake/candidate.js';

/** What the registry must tell about a batch: everything its records name, each once. */
export function needsOf(decoded: readonly Pick<DecodedIntent, 'compact' | 'claims'>[]): RegistryNeeds {
  const kids = new Set<string>();
  const counterparties = new Set<string>();
  const mandates = new Set<string>();
  const parties = new Map<string, PartyRef>();
  for (const { compact, claims } of decoded) {
    kids.add(compact.header.kid);
    counterparties.add(claims.counterparty);
    mandates.add(claims.mandate);
    parties.set(`agent ${claims.iss}`, { kind: 'agent', id: claims.iss });
    parties.set(`service ${claims.audience}`, { kind: 'settlement_service', id: claims.audience });
  }
  return {
    kids: [...kids],
    counterparties: [...counterparties],
    mandates: [...mandates],
    parties: [...parties.values()],
  };
}

/**
 * The mandate an intent names with all above it, when it is its agent's own. Another agent's is as good as none: nothing
 * of it is locked, read or counted, or anybody could slow its owner down.
 */
export function ownChain(
  { claims }: Pick<Candidate, 'claims'>,
  facts: RegistryFacts,
): ReturnType<RegistryFacts['chain']> {
  const chain = facts.chain(claims.mandate);
  return typeof chain === 'string' || chain.at(-1)?.agent === claims.iss ? chain : 'absent';
}

/** No mandate, so no policy set: nothing allows it, and the identity stage says what is wrong. */
const NO_POLICY: PolicyFacts = { verdict: 'deny', policyId: 'none', version: 0, setHash: '', hash: '', deciding: [] };

/** What the policy set of each candidate's mandate says, evaluated before any lock; equal questions once. */
export function evaluatePolicies(
  candidates: readonly Candidate[],
  facts: RegistryFacts,
  sets: PolicySets,
  currencies: CurrencyTable,
): (PolicyFacts | 'unknown')[] {
  return candidates.map((candidate) => {
    const chain = ownChain(candidate, facts);
    if (chain === 'unknown') return 'unknown';
    const mandate = chain === 'absent' ? undefined : chain.at(-1);
    if (mandate === undefined) return NO_POLICY;
    const source = facts.policy(mandate.policyId);
    const set = source === undefined ? 'unavailable' : sets.get(source);
    if (set === 'unavailable') return { ...NO_POLICY, verdict: 'unavailable', policyId: mandate.policyId };
    const [verdict] = set.evaluate([question(candidate, mandate, facts, currencies)]);
    return verdict ?? 'unknown';
  });
}

function question(
  { claims }: Candidate,
  { principal, depth }: Mandate,
  facts: RegistryFacts,
  currencies: CurrencyTable,
): PolicyRequest {
  const { iss: agent, counterparty, amount, mandate, capture } = claims;
  const asked = { agent, counterparty, amountText: amount.value, currency: amount.currency, mandate };
  const category = facts.counterparty(counterparty)?.category ?? null;
  return spendQuestion({ ...asked, captureMode: capture.mode }, { category, principal, depth }, currencies);
}

/** Whether a key may sign at a time: a successor registered for later does not count yet. */
export function isCurrent(
  { activeFromMs, retiredAtMs }: Pick<RegisteredKey, 'activeFromMs' | 'retiredAtMs'>,
  atMs: number,
): boolean {
  return atMs >= activeFromMs && (retiredAtMs === null || atMs < retiredAtMs);
}

/** Whether a halt wider than the flow stands over this spend; asked of the control epoch the transaction compares. */
export function scopeOf(
  { claims }: Pick<Candidate, 'claims'>,
  facts: RegistryFacts,
  issuer: string,
): AdmissionFacts['scope'] {
  const chain = ownChain({ claims }, facts);
  if (chain === 'unknown') return chain;
  const place = {
    chain: chain === 'absent' ? [] : chain,
    agent: claims.iss,
    counterparty: claims.counterparty,
    domain: issuer,
  };
  return isPlaceHalted(place, (scope, id) => facts.isHalted(scope, id)) ? 'halted' : 'running';
}

/**
 * The key an artifact is bound to: the newest that is active and follows no other active one. While an old key and its
 * successor overlap that is the old one, so that both may present; after it, the successor.
 */
function audienceKeyOf(audience: PartyFacts | undefined, atMs: number): RegisteredKey | undefined {
  if (audience?.state !== 'active') return undefined;
  const current = audience.keys.filter((key) => isCurrent(key, atMs));
  const followed = new Set(current.map(({ successorKid }) => successorKid));
  return current.find(({ kid }) => !followed.has(kid)) ?? current[0];
}

/** One limb of the watches: `broken` when the log does not explain the keys of whoever asks, or of who is to be paid through. */
export function identityOf({ claims, kid }: Candidate, facts: RegistryFacts): WatchVerdict {
  const known = [facts.key(kid), facts.party('agent', claims.iss), facts.party('settlement_service', claims.audience)];
  return known.some((each) => each?.continuity === 'broken') ? 'broken' : 'verified';
}

/** Facts of one intent that the registry knows; `atMs` says which of the audience's keys is the current one. */
export function registryFactsOf(
  { claims, kid }: Candidate,
  facts: RegistryFacts,
  atMs: number,
): Pick<AdmissionFacts, 'agent' | 'signer' | 'counterparty' | 'audienceKey'> {
  const key = audienceKeyOf(facts.party('settlement_service', claims.audience), atMs);
  const signer = facts.key(kid);
  return {
    agent: facts.party('agent', claims.iss)?.state ?? 'absent',
    // verifyIntents found the key to be this agent's; of an intent that waited it may have been removed since.
    signer: signer?.party === claims.iss && !signer.isRemoved ? { kid, agent: claims.iss } : 'unknown',
    counterparty: facts.counterparty(claims.counterparty) ?? 'absent',
    audienceKey: key === undefined ? 'absent' : { jkt: key.kid },
  };
}
