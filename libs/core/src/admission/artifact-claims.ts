import { InvariantError } from '../errors.js';
import { environmentRequirements } from '../mandates/levels.js';
import type { LevelState, Mandate } from '../mandates/types.js';
import type { AdmissionDecision, AdmissionFacts, AdmissionState, ArtifactTerms, Intent, Json } from './types.js';

/** What the issuing process alone knows; ids are hashes of inputs, so a re-run names the artifact alike. */
export interface ArtifactNaming {
  /** Issuer of the domain. */
  readonly issuer: string;
  readonly artifactId: string;
  /** base64url SHA-256 over the canonical form of the decision's read set. */
  readonly decisionHash: string;
  readonly statusUri: string;
  readonly statusIdx: number;
}

export type ArtifactClaims = { readonly [name: string]: Json };

/** What a presenter may do with an artifact; which of them still applies is decided by the gate each time. */
const ACTIONS = ['capture', 'void', 'refund'] as const;

/**
 * The full claim set of an authorization artifact (A1–A10): execution scope, initiator, environment, policy state,
 * times, constraints, attribution and governance, all taken from what was decided on. Bytes and signature are made
 * elsewhere, after the commit.
 *
 * @throws {InvariantError} `ERR_NOT_AUTHORIZED`: a denial has no artifact, and every fact below held when it was
 *   decided
 */
export function artifactClaims(
  intent: Intent,
  { terms }: AdmissionDecision,
  { levels, flow }: AdmissionState,
  facts: AdmissionFacts,
  naming: ArtifactNaming,
): ArtifactClaims {
  const { audienceKey, policy } = facts;
  const own = typeof levels === 'string' ? undefined : levels.at(-1)?.mandate;
  if (terms === null || own === undefined || typeof levels === 'string' || typeof flow === 'string')
    throw notAuthorized(intent);
  if (typeof audienceKey === 'string' || policy === 'unknown') throw notAuthorized(intent);
  return {
    iss: naming.issuer,
    aud: intent.audience,
    iat: terms.iat,
    nbf: terms.nbf,
    exp: terms.exp,
    jti: naming.artifactId,
    sub: intent.agent,
    cnf: { jkt: audienceKey.jkt },
    act: delegation(own, levels),
    authorization_details: [scope(intent, terms, facts)],
    flow: { id: flow.flowId, epoch: terms.epoch, mandate: intent.mandate, baseline_hash: flow.baselineHash },
    policy: {
      id: policy.policyId,
      version: policy.version,
      set_hash: policy.setHash,
      hash: policy.hash,
      decision_hash: naming.decisionHash,
    },
    env: environment(levels, facts),
    // Ancestry by hash: the mandate the artifact comes from, as it stood.
    lineage: { root: own.root, parent: own.id, parent_hash: own.hash, depth: own.depth },
    status: { status_list: { idx: naming.statusIdx, uri: naming.statusUri } },
  };
}

/** RFC 9396: what may be done, with how much, for whom. */
function scope(intent: Intent, terms: ArtifactTerms, { counterparty }: AdmissionFacts): Json {
  if (typeof counterparty === 'string') throw notAuthorized(intent);
  const { mode, maxCaptures } = intent.capture;
  return {
    type: 'machine_commerce_payment',
    actions: ACTIONS,
    amount: { value: terms.amount, currency: terms.currency },
    counterparty: { id: counterparty.id, name: counterparty.legalName },
    capture: { mode, max_captures: maxCaptures, settle_by: terms.settleBy },
    reference: intent.reference,
  };
}

/** RFC 8693 §4.1: the spending agent outermost, whoever granted to it inside, the root principal innermost. */
function delegation({ principal }: Mandate, levels: readonly LevelState[]): Json {
  const agents = levels.flatMap(({ mandate }) => (mandate.agent === null ? [] : [mandate.agent]));
  return agents.reduce<Json>((grantor, agent) => ({ sub: agent, act: grantor }), { sub: principal });
}

/** The attested runtime the decision relied on; nulls where no level asks for one. */
function environment(levels: readonly LevelState[], { attestation }: AdmissionFacts): Json {
  if (typeof attestation === 'string' || environmentRequirements(levels).length === 0) {
    return { measurement: null, evidence_hash: null, verifier: null, valid_until: null };
  }
  const { measurement, evidenceHash, verifier, validUntilMs } = attestation;
  return { measurement, evidence_hash: evidenceHash, verifier, valid_until: Math.floor(validUntilMs / 1000) };
}

function notAuthorized(intent: Intent): InvariantError {
  return new InvariantError('ERR_NOT_AUTHORIZED', `intent ${intent.intentId} has no artifact`);
}
