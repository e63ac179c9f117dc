import type { AdmissionFacts, AdmissionState, Flow, Intent } from '../admission/types.js';
import { ISO_4217 } from '../currencies.js';
import { RULES_VERSION } from '../limits.js';
import type { LevelState, Mandate } from '../mandates/types.js';
import { decimal, ZERO } from '../money.js';

/** One intent for which everything holds: specs change one thing of it and see what that thing does. */
export const T0_MS = 1_750_000_000_000;
export const HOUR_MS = 3_600_000;
export const ORGANISATION = '00000000-0000-8000-8000-000000000001';
export const TEAM = '00000000-0000-8000-8000-000000000002';
export const OWN = '00000000-0000-8000-8000-000000000003';

export function hash(of: string): string {
  return of.repeat(43).slice(0, 43);
}

/** Organisation → team → agent, each granted under the one above. */
const PATH = [ORGANISATION, TEAM, OWN] as const;
const HASHES = [hash('O'), hash('T'), hash('A')] as const;

export function mandate(depth: 0 | 1 | 2, change: Partial<Mandate> = {}): Mandate {
  return {
    id: PATH[depth],
    version: 1,
    parent: PATH[depth - 1] ?? null,
    parentHash: HASHES[depth - 1] ?? null,
    root: ORGANISATION,
    path: PATH.slice(0, depth + 1),
    depth,
    agent: depth === 2 ? 'shopper-1' : null,
    principal: 'acme',
    currency: 'USD',
    totalLimit: decimal('1000'),
    perTransactionLimit: null,
    counterparties: null,
    blockedCounterparties: [],
    categories: null,
    blockedCategories: [],
    countedLimits: [],
    validFromMs: T0_MS - 24 * HOUR_MS,
    validUntilMs: T0_MS + 24 * HOUR_MS,
    policyId: 'default',
    environment: null,
    approvals: null,
    spending: null,
    delegationLevels: 0,
    parkSeconds: null,
    revokedAtMs: null,
    hash: HASHES[depth],
    supersededHashes: [],
    ...change,
  };
}

export function level(
  depth: 0 | 1 | 2,
  change: Partial<Mandate> = {},
  money: Partial<LevelState['budget']> = {},
): LevelState {
  const budget = { held: ZERO, capturing: ZERO, captured: ZERO, refunded: ZERO, ...money };
  return { mandate: mandate(depth, change), budget, counted: [] };
}

export const intent: Intent = {
  intentId: '00000000-0000-8000-8000-0000000000a1',
  bodyHash: hash('b'),
  jti: 'order-1',
  agent: 'shopper-1',
  mandate: OWN,
  amountText: '12.50',
  currency: 'USD',
  counterparty: 'cdnow',
  audience: 'settler',
  capture: { mode: 'single', maxCaptures: 1, settleByMs: null },
  deadlineMs: null,
  reference: 'customer-1',
  iatMs: T0_MS - 1_000,
  expMs: T0_MS + HOUR_MS,
};

export const flow: Flow = {
  flowId: OWN,
  state: 'executing',
  epoch: 1,
  baselineHash: hash('B'),
  sequence: 7n,
  drift: null,
};

export const state: AdmissionState = { levels: [level(0), level(1), level(2)], flow };

export const facts: AdmissionFacts = {
  appendedAtMs: T0_MS,
  judgedAtMs: T0_MS + 20,
  recorded: null,
  agent: 'active',
  signer: { kid: hash('k'), agent: 'shopper-1' },
  counterparty: {
    id: 'cdnow',
    legalName: 'CDNOW, Inc.',
    state: 'active',
    category: '5735',
    settlementServices: ['settler'],
  },
  audienceKey: { jkt: hash('j') },
  attestation: {
    measurement: 'build-7',
    evidenceHash: hash('e'),
    verifier: 'attester',
    debug: false,
    compromised: false,
    validUntilMs: T0_MS + HOUR_MS,
    recordedAtMs: T0_MS - 60_000,
  },
  policy: { verdict: 'allow', policyId: 'default', version: 1, setHash: hash('s'), hash: hash('p'), deciding: ['buy'] },
  scope: 'running',
  spending: null,
  approval: 'none',
  approvers: [],
  parked: null,
  renewal: null,
  parkedCount: 0,
  issuer: 'ready',
  watches: {
    identity: 'verified',
    lineage: 'verified',
    governance: 'verified',
    domain: 'verified',
    audit: 'verified',
    watch: 'verified',
  },
  rules: { rulesVersion: RULES_VERSION, artifactLifetimeSeconds: 900, currencies: ISO_4217 },
};
