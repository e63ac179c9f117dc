import { PrivateKeySigner, type Signer, signToken } from '@spendgate/artifact';
import type { ArtifactRenewalClaims, MandateClaim, OpsActionClaims, PaymentIntentClaims } from '@spendgate/codec';
import { sha256, uuid8 } from '@spendgate/codec';
import { RULES_VERSION } from '@spendgate/core';
import { DEFAULT_POLICY, PolicySet } from '@spendgate/policy';
import {
  type Pool,
  activatePolicies,
  inControlAct,
  openDomain,
  recordCounterparties,
  recordKeys,
  recordMandates,
  recordParties,
} from '@spendgate/store';

export const TEST_ISSUER = 'urn:spendgate:test';
const DAY_SECONDS = 86_400;
/** A name's own id, equal in every run. */
export const namedId = (name: string): string => uuid8(sha256(`test ${name}`));

/** A registered domain with keys in memory: one principal, agents, a settlement service, an attester, two payees. */
export interface TestDomain {
  readonly issuer: string;
  readonly agent: (id: string) => Signer;
  readonly person: (id: string) => Signer;
  /** Of the principal `acme`. */
  readonly principal: Signer;
  readonly settler: Signer;
  readonly attester: Signer;
  /** Adds mandates; a child names its parent by id. */
  mandates(claims: readonly MandateClaim[]): Promise<void>;
}

export interface TestDomainOptions {
  /** Party ids. */
  readonly agents?: readonly string[];
  readonly policyText?: string;
  /** Roles by person. */
  readonly people?: Readonly<Record<string, readonly string[]>>;
}

/** A mandate claim with everything allowed; `name` makes its id. */
export function mandateClaim(name: string, change: Partial<MandateClaim> = {}): MandateClaim {
  return {
    id: namedId(name),
    version: 1,
    parent: null,
    principal: 'acme',
    agent: 'buyer',
    limits: { currency: 'USD', total: '1000.00', per_transaction: null },
    counterparties: null,
    validity: { from: 1, until: 100 * 365 * DAY_SECONDS },
    policy: { id: 'default' },
    environment: null,
    approvals: null,
    delegation: null,
    park_seconds: null,
    depth: 0,
    ...change,
  };
}

/** A declared profile: at most 20.00 nine times in ten, at any pace, hardly ever denied. */
export const TEST_SPENDING: NonNullable<MandateClaim['spending']> = {
  amounts: [
    { bound: '20.00', share: 9_000 },
    { bound: '100.00', share: 1_000 },
  ],
  gaps_seconds: [{ bound: '0', share: 10_000 }],
  new_counterparties: 100,
  denials: 100,
  quiet: [],
  quiet_share: 0,
};

/** An intent of `buyer` for 12.50 USD at `shop`, valid for an hour from `atMs` on. */
export function intentClaims(
  jti: string,
  atMs: number,
  change: Partial<PaymentIntentClaims> = {},
): PaymentIntentClaims {
  const iat = Math.floor(atMs / 1000);
  return {
    iss: 'buyer',
    aud: TEST_ISSUER,
    iat,
    exp: iat + 3_600,
    jti,
    mandate: namedId('main'),
    amount: { value: '12.50', currency: 'USD' },
    counterparty: 'shop',
    audience: 'settler',
    capture: { mode: 'single' },
    reference: jti,
    ...change,
  };
}

export function signIntent(signer: Signer, claims: object): Promise<string> {
  return signToken(signer, 'payment-intent+jwt', claims);
}

/** A person's answer to an intent that waits; `decisionHash`, base64url, is that of the decision by which it waits. */
export function approvalClaims(
  intentId: string,
  decisionHash: string,
  change: Partial<OpsActionClaims> = {},
): OpsActionClaims {
  const iat = Math.floor(Date.now() / 1000);
  return {
    iss: 'ada',
    aud: TEST_ISSUER,
    iat,
    exp: iat + 300,
    jti: `answer-${intentId}`,
    action: 'approve_intent',
    targets: [{ kind: 'intent', id: intentId, version: null }],
    reason: 'looked at the cart',
    causes: [],
    request: null,
    change_hash: decisionHash,
    ...change,
  };
}

export function signApproval(signer: Signer, claims: OpsActionClaims): Promise<string> {
  return signToken(signer, 'ops-action+jwt', claims);
}

/** A renewal by `buyer` of an artifact on its hold, under the mandate `main`, keeping everything. */
export function renewalClaims(
  artifact: ArtifactRenewalClaims['artifact'],
  hold: string,
  change: Partial<ArtifactRenewalClaims> = {},
): ArtifactRenewalClaims {
  const iat = Math.floor(Date.now() / 1000);
  const common = { iss: 'buyer', aud: TEST_ISSUER, iat, exp: iat + 300, jti: `renew-${artifact.id}` };
  return { ...common, mandate: namedId('main'), artifact, hold, ...change };
}

export function signRenewal(signer: Signer, claims: ArtifactRenewalClaims): Promise<string> {
  return signToken(signer, 'artifact-renewal+jwt', claims);
}

/** Opens the domain of a migrated, empty database. */
export async function openTestDomain(
  pool: Pool,
  { agents = ['buyer'], policyText = DEFAULT_POLICY.policyText, people = {} }: TestDomainOptions = {},
): Promise<TestDomain> {
  await openDomain(pool, { issuer: TEST_ISSUER, kind: 'own', rulesVersion: RULES_VERSION });
  const signers = new Map(agents.map((id) => [id, PrivateKeySigner.generate('agent')]));
  const persons = new Map(Object.keys(people).map((id) => [id, PrivateKeySigner.generate('person')]));
  const principal = PrivateKeySigner.generate('principal');
  const settler = PrivateKeySigner.generate('settlement');
  const attester = PrivateKeySigner.generate('attester');
  const policy = { policyId: 'default', version: 1, policyText, schemaText: DEFAULT_POLICY.schemaText };
  const keyOf = (
    kind: 'principal' | 'agent' | 'settlement_service' | 'attester' | 'person',
    partyId: string,
    signer: Signer,
  ) => {
    const { kid, alg, jwk } = signer;
    return { kid, kind, partyId, alg, jwk, activeFromMs: 0 };
  };
  await inControlAct(pool, async (act) => {
    await recordParties(act, [
      { kind: 'principal', id: 'acme', name: 'Acme' },
      { kind: 'settlement_service', id: 'settler', name: 'Settler' },
      { kind: 'attester', id: 'attester', name: 'Attester' },
      ...agents.map((id) => ({ kind: 'agent' as const, id, name: id })),
      ...Object.entries(people).map(([id, roles]) => ({ kind: 'person' as const, id, name: id, body: { roles } })),
    ]);
    await recordKeys(act, [
      keyOf('principal', 'acme', principal),
      keyOf('settlement_service', 'settler', settler),
      keyOf('attester', 'attester', attester),
      ...[...signers].map(([id, signer]) => keyOf('agent', id, signer)),
      ...[...persons].map(([id, signer]) => keyOf('person', id, signer)),
    ]);
    await recordCounterparties(act, [
      { id: 'shop', legalName: 'Shop, Inc.', category: '5732', settlementServices: ['settler'] },
      { id: 'casino', legalName: 'Casino', category: '7995', settlementServices: ['settler'] },
    ]);
    await activatePolicies(act, [{ ...policy, setHash: PolicySet.load(policy).setHash }]);
  });
  return {
    issuer: TEST_ISSUER,
    agent: (id) => signerIn(signers, id),
    person: (id) => signerIn(persons, id),
    principal,
    settler,
    attester,
    async mandates(claims) {
      const declared = claims.map((claim) => ({ claim, token: 'a.b.c' }));
      const { refused } = await inControlAct(pool, (act) => recordMandates(act, declared));
      if (refused.length > 0) throw new Error(`mandates refused: ${JSON.stringify(refused)}`);
    },
  };
}

function signerIn(signers: ReadonlyMap<string, Signer>, id: string): Signer {
  const signer = signers.get(id);
  if (signer === undefined) throw new Error(`nobody called ${id} in this test domain`);
  return signer;
}
