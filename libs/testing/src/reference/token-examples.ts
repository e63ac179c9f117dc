import type { ClaimsOf, TokenTyp } from '@spendgate/codec';
import { hashJsonText, sha256Text } from '@spendgate/codec';

const DOMAIN = 'https://pay.example';
const DAY = 86_400;
/** 2026-01-01T00:00:00Z: examples must not depend on when they are made. */
const NOW = 1_767_225_600;

const MANDATE = '2a1be532-74d0-87df-86ab-cc0c001f50d9';
const ROOT = '458fc8df-bad4-8aef-ad3e-17d0e695ad75';
const ARTIFACT = '019b76da-a800-8a11-9f00-5b1f6a7c3d21';
const DECISION = '019b76da-a800-8b22-8e00-1c2d3e4f5a6b';
const INTENT = '7f1d2c3b-4a59-8687-9584-a3b2c1d0e1f2';
const hash = (name: string): string => sha256Text(`example: ${name}`);

const from = (party: string, jti: string, lifetimeSeconds: number) => ({
  iss: party,
  aud: DOMAIN,
  iat: NOW,
  exp: NOW + lifetimeSeconds,
  jti,
});
const byDomain = (audience: string, jti: string, lifetimeSeconds: number) => ({
  ...from(DOMAIN, jti, lifetimeSeconds),
  aud: audience,
});

const artifact: ClaimsOf<'authorization-artifact+jwt'> = {
  ...byDomain('acquirer', ARTIFACT, 900),
  nbf: NOW,
  sub: 'shopping-agent',
  cnf: { jkt: hash('settlement key') },
  act: { sub: 'shopping-agent', act: { sub: 'acme' } },
  authorization_details: [
    {
      type: 'machine_commerce_payment',
      actions: ['capture', 'void', 'refund'],
      amount: { value: '12.50', currency: 'USD' },
      counterparty: { id: 'book-shop', name: 'Book Shop, Inc.' },
      capture: { mode: 'single', max_captures: 1, settle_by: NOW + DAY },
      reference: 'order-4711',
    },
  ],
  flow: { id: MANDATE, epoch: 0, mandate: MANDATE, baseline_hash: hash('baseline') },
  policy: {
    id: 'default',
    version: 1,
    set_hash: hash('policy set'),
    hash: hash('policy slice'),
    decision_hash: hash('read set'),
  },
  env: { measurement: null, evidence_hash: null, verifier: null, valid_until: null },
  lineage: { root: ROOT, parent: MANDATE, parent_hash: hash('mandate'), depth: 1 },
  status: { status_list: { idx: 42, uri: `${DOMAIN}/status/3/0` } },
};
const reference = { id: ARTIFACT, hash: hashJsonText(artifact) };

const publicKey = (name: string) => ({ kty: 'OKP' as const, crv: 'Ed25519' as const, x: hash(name) });

/** One complete example of each token's claims. Every optional claim appears in at least one of them. */
export const TOKEN_EXAMPLES: { readonly [T in TokenTyp]: ClaimsOf<T> } = {
  'mandate+jwt': {
    ...from('acme', 'mandate-1', DAY),
    mandate: {
      id: MANDATE,
      version: 1,
      parent: ROOT,
      principal: 'acme',
      agent: 'shopping-agent',
      limits: {
        currency: 'USD',
        total: '1000.00',
        per_transaction: '250.00',
        counted: [
          {
            window: { unit: 'day', zone: 'Europe/Amsterdam' },
            counterparty: null,
            category: null,
            amount: '300.00',
            count: 20,
          },
          { window: { seconds: 3_600 }, counterparty: '*', category: null, amount: null, count: 3 },
          { window: null, counterparty: null, category: '5942', amount: '500.00', count: null },
        ],
      },
      counterparties: ['book-shop'],
      blocked_counterparties: ['old-shop'],
      categories: ['5942', '5735'],
      blocked_categories: ['7995'],
      validity: { from: NOW, until: NOW + 365 * DAY },
      policy: { id: 'default' },
      environment: { max_age_seconds: 300, measurements: ['sha256:example'] },
      approvals: { above: '100.00' },
      delegation: { levels: 1 },
      park_seconds: 600,
      depth: 1,
    },
  },
  'payment-intent+jwt': {
    ...from('shopping-agent', 'order-4711', 3_600),
    mandate: MANDATE,
    amount: { value: '12.50', currency: 'USD' },
    counterparty: 'book-shop',
    audience: 'acquirer',
    capture: { mode: 'multi', max_captures: 3, settle_by: NOW + DAY },
    deadline: NOW + 600,
    reference: 'order-4711',
    description: 'Two paperbacks',
    purchased_at: '2026-01-01T00:00:00Z',
    evidence: [{ type: 'cart', hash: hash('cart'), uri: 'https://shop.example/carts/4711' }],
  },
  'authorization-artifact+jwt': artifact,
  'decision+jwt': {
    ...byDomain('shopping-agent', DECISION, 400 * DAY),
    intent_id: INTENT,
    intent_jti: 'order-4712',
    intent_hash: hash('intent'),
    mandate: MANDATE,
    outcome: 'denied',
    code: 'budget_exceeded',
    field: 'amount',
    limit: { mandate: MANDATE, name: 'total', limit: '1000.00', available: '12.49' },
    stages: [
      { stage: 'policy', verdict: 'passed' },
      { stage: 'identity', verdict: 'passed' },
      { stage: 'runtime_integrity', verdict: 'passed' },
      { stage: 'environment', verdict: 'passed' },
      { stage: 'governance', verdict: 'failed' },
      { stage: 'issue', verdict: 'not_run' },
    ],
    artifact: null,
    parked_until: null,
    decision_hash: hash('read set'),
    leaf_hash: hash('leaf'),
    supersedes: null,
  },
  'artifact-renewal+jwt': {
    ...from('shopping-agent', 'renewal-1', 3_600),
    mandate: MANDATE,
    artifact: reference,
    hold: '019b76da-a800-8c33-8d00-0a1b2c3d4e5f',
    amount: { value: '10.00', currency: 'USD' },
    max_captures: 1,
    settle_by: NOW + DAY,
  },
  'settlement-request+jwt': {
    ...from('acquirer', 'request-1', 240),
    action: 'capture',
    artifact: reference,
    capture_id: 'capture-1',
    amount: { value: '12.50', currency: 'USD' },
    counterparty: 'book-shop',
    merchant_reference: 'order-4711',
    final: true,
  },
  'settlement-outcome+jwt': {
    ...from('acquirer', 'outcome-1', 240),
    artifact: reference,
    capture_id: 'capture-1',
    outcome: 'completed',
    amount: { value: '12.50', currency: 'USD' },
    rail_reference: 'ach-20260101-000017',
    occurred_at: NOW + 60,
  },
  'settlement-receipt+jwt': {
    ...byDomain('acquirer', '5e8f0a1b-2c3d-8e4f-9a0b-1c2d3e4f5a6b', 400 * DAY),
    request_jti: 'request-1',
    request_hash: hash('request'),
    action: 'capture',
    action_id: 'capture-1',
    artifact: reference,
    outcome: 'authorized',
    checks: {
      signature: true,
      scope_integrity: true,
      temporal_validity: true,
      environment_binding: true,
      policy_hash: true,
      origin: true,
      revocation_state: true,
      lineage: true,
    },
    code: null,
    field: null,
    amount: { value: '12.50', currency: 'USD' },
    money: {
      currency: 'USD',
      held: '0.00',
      capturing: '12.50',
      captured: '0.00',
      released: '0.00',
      refunded: '0.00',
    },
    state: 'capturing',
    outcome_due: NOW + 3_600,
    decision_hash: hash('settlement read set'),
    leaf_hash: hash('settlement leaf'),
  },
  'attestation-result+jwt': {
    ...from('attester', 'attestation-1', 300),
    sub: 'shopping-agent',
    eat_nonce: 'bm9uY2Utbm9uY2U',
    ueid: 'AWluc3RhbmNlLTE',
    measurements: ['sha256:example'],
    dbgstat: 'disabled-since-boot',
    'ear.status': 'affirming',
    evidence_hash: hash('evidence'),
    cnf: { jkt: hash('agent key') },
  },
  'key-transition+jwt': {
    ...from('shopping-agent', 'transition-1', DAY),
    purpose: 'agent',
    old: { kid: hash('old key') },
    new: { kid: hash('new key'), jwk: publicKey('new key') },
    overlap: { from: NOW, until: NOW + DAY },
  },
  'ops-action+jwt': {
    ...from('ada', 'action-1', 3_600),
    action: 'approve_intent',
    targets: [{ kind: 'intent', id: INTENT, version: null }],
    reason: 'Checked the cart with the buyer',
    causes: [],
    request: null,
    change_hash: hash('read set'), // the decision_hash of the decision by which it waits
  },
  'control-event+jwt': {
    ...byDomain(DOMAIN, '019b76da-a800-8d44-8c00-6f5e4d3c2b1a', 400 * DAY),
    event: 'mandate_revoked',
    subject: { kind: 'mandate', id: MANDATE },
    control_epoch: 17,
    effective_at: NOW,
    leaf_hash: hash('control leaf'),
  },
  'domain-attestation+jwt': {
    ...byDomain(DOMAIN, '019b76da-a800-8f66-8a00-2b3c4d5e6f70', 3_650 * DAY),
    as_of: { tree_size: 42, leaf_index: 41, root: hash('root of 42 leaves'), time_ms: NOW * 1_000 + 250 },
    policies: [{ id: 'default', version: 3, set_hash: hash('policy set') }],
    keys: { active: 9, digest: hash('keys') },
    mandates: { standing: 4, revoked: 1, digest: hash('mandates') },
    flows: {
      states: [
        { state: 'activated', count: 3 },
        { state: 'contained', count: 1 },
      ],
      digest: hash('flows'),
    },
    incidents: { open: 1, digest: hash('incidents') },
    quarantine: { halts: 1, flows: 1, artifacts: 0, digest: hash('quarantine') },
    redacted: 0,
  },
  'statuslist+jwt': {
    ...byDomain(DOMAIN, '019b76da-a800-8e55-8b00-1a2b3c4d5e6f', 60),
    sub: `${DOMAIN}/status/3/0`,
    ttl: 60,
    status_list: { bits: 2, lst: 'eNpjYGBgAAAABAAB' },
  },
};
