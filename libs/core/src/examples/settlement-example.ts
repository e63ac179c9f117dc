import { ISO_4217 } from '../currencies.js';
import { RULES_VERSION } from '../limits.js';
import { openHold } from '../hold.js';
import { decimal, ZERO } from '../money.js';
import type { ArtifactFacts, CaptureFacts, Hold, SettlementFacts, SettlementRequest } from '../settlement/types.js';
import { facts as admitted, flow, hash, mandate, ORGANISATION, OWN, T0_MS } from './admission-example.js';

/** One capture for which all eight checks hold, of an artifact issued at T0 that lives for fifteen minutes. */
export const EXPIRY_MS = T0_MS + 900_000;
export const SETTLE_BY_MS = T0_MS + 3_600_000;
export const JUDGED_MS = T0_MS + 5_000;
const ARTIFACT_ID = '00000000-0000-8000-8000-0000000000f1';

export const capture: SettlementRequest = {
  action: 'capture',
  actionId: 'capture-1',
  presenterKind: 'settlement_service',
  presenter: 'settler',
  presenterJkt: hash('j'),
  artifactId: ARTIFACT_ID,
  artifactHash: hash('c'),
  amountText: '12.50',
  currency: 'USD',
  counterparty: 'cdnow',
  reference: 'customer-1',
  captureId: null,
  final: false,
  bodyHash: hash('r'),
  iatMs: T0_MS,
  expMs: T0_MS + 300_000,
};
export const voiding: SettlementRequest = {
  ...capture,
  action: 'void',
  actionId: 'void-1',
  amountText: null,
  currency: null,
};
export const refund: SettlementRequest = { ...capture, action: 'refund', actionId: 'refund-1', captureId: 'capture-1' };

export const artifact: ArtifactFacts = {
  artifactId: ARTIFACT_ID,
  flowId: OWN,
  epoch: 1,
  claimsHash: hash('c'),
  status: 'valid',
  agent: 'shopper-1',
  audience: 'settler',
  jkt: hash('j'),
  successorJkts: [],
  counterparty: 'cdnow',
  reference: 'customer-1',
  currency: 'USD',
  actions: ['capture', 'void', 'refund'],
  nbfMs: T0_MS,
  expiresAtMs: EXPIRY_MS,
  settleByMs: SETTLE_BY_MS,
  policyHash: hash('p'),
  measurement: null,
  lineage: { root: ORGANISATION, parent: OWN, parentHash: hash('A') },
};

export function usd(amount: string) {
  return decimal(amount);
}

export function holdOf(amount: string, terms: Partial<Hold> = {}): Hold {
  return { ...openHold(usd(amount), { mode: 'single', maxCaptures: 1 }).hold, ...terms };
}

export const captured: CaptureFacts = {
  captureId: 'capture-1',
  service: 'settler',
  state: 'captured',
  amount: usd('12.50'),
  refunded: ZERO,
  refunding: ZERO,
};

export const facts: SettlementFacts = {
  signature: 'valid',
  recorded: null,
  artifact,
  hold: holdOf('12.50'),
  capture: 'absent',
  flow,
  scope: 'running',
  service: 'active',
  agent: 'active',
  counterparty: 'active',
  category: '5735',
  settlesForCounterparty: true,
  mandates: [mandate(0), mandate(1), mandate(2)],
  policy: { hash: hash('p') },
  attestation: admitted.attestation,
  drift: 'none',
  watches: admitted.watches,
  rules: { rulesVersion: RULES_VERSION, currencies: ISO_4217 },
};
