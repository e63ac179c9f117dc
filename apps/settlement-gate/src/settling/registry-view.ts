import { type Mandate, type SettlementFacts, type SpendPlace, isPlaceHalted } from '@spendgate/core';
import type { PolicySets } from '@spendgate/policy';
import type { PartyKind, RegisteredCounterparty, RegisteredKey, RegistryFacts } from '@spendgate/store';

/** Key transitions followed at most: a chain is as long as a service's history. */
const SUCCESSORS_MAX = 64;

type PartyState = 'active' | 'disabled' | 'absent';

/** The registry's facts of one control epoch, in the words a settlement asks for them. */
export class RegistryView {
  constructor(
    readonly facts: RegistryFacts,
    private readonly policies: PolicySets,
    private readonly issuer: string,
  ) {}

  readonly key = (kid: string): RegisteredKey | undefined => this.facts.key(kid);

  service(partyId: string): PartyState {
    return this.stateOf('settlement_service', partyId);
  }

  agent(partyId: string): PartyState {
    return this.stateOf('agent', partyId);
  }

  /** Who signed a request or a report. */
  signatory({ kind, partyId }: { readonly kind: PartyKind; readonly partyId: string }): PartyState {
    return this.stateOf(kind, partyId);
  }

  /** `broken`: the log does not explain the keys of one of these parties. */
  identity(parties: readonly { readonly kind: PartyKind; readonly id: string }[]): 'verified' | 'broken' {
    const isBroken = parties.some(({ kind, id }) => this.facts.party(kind, id)?.continuity === 'broken');
    return isBroken ? 'broken' : 'verified';
  }

  counterparty(id: string): RegisteredCounterparty | undefined {
    return this.facts.counterparty(id);
  }

  /** Root first, the flow's own last. */
  chain(mandateId: string): readonly Mandate[] | 'absent' | 'unknown' {
    return this.facts.chain(mandateId);
  }

  /** Whether a halt wider than the flow stands over a spend. */
  isHalted(place: Omit<SpendPlace, 'domain'>): boolean {
    return isPlaceHalted({ ...place, domain: this.issuer }, (scope, id) => this.facts.isHalted(scope, id));
  }

  /** Thumbprints of the keys of `partyId` that followed `kid` by signed transition, nearest first. */
  successors(partyId: string, kid: string): readonly string[] {
    const keys = new Map(this.facts.party('settlement_service', partyId)?.keys.map((key) => [key.kid, key]));
    const found: string[] = [];
    let next = keys.get(kid)?.successorKid ?? null;
    while (next !== null && !found.includes(next) && found.length < SUCCESSORS_MAX) {
      found.push(next);
      next = keys.get(next)?.successorKid ?? null;
    }
    return found;
  }

  /** The policy slice that applies to a spend now. */
  slice(policyId: string, agent: string, counterparty: string): SettlementFacts['policy'] {
    const source = this.facts.policy(policyId);
    if (source === undefined) return 'unavailable';
    try {
      const set = this.policies.get(source);
      if (set === 'unavailable') return set;
      return { hash: set.slice({ principal: agent, action: 'spend', resource: counterparty }).hash };
    } catch {
      return 'error'; // any error of the evaluator denies
    }
  }

  private stateOf(kind: PartyKind, id: string): PartyState {
    return this.facts.party(kind, id)?.state ?? 'absent';
  }
}
