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
const ACTIONS = Object.freeze(['capture', 'void', 'refund'] as const);

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
  // In RFC 8785 order: what is written in this order need not be sorted for each artifact.
  return {
    act: delegation(own, levels),
    aud: intent.audience,
    authorization_details: [scope(intent, terms, facts)],
    cnf: { jkt: audienceKey.jkt },
    env: environment(levels, facts),
    exp: terms.exp,
    flow: { baseline_hash: flow.baselineHash, epoch: terms.epoch, id: flow.flowId, mandate: intent.mandate },
    iat: terms.iat,
    iss: naming.issuer,
    jti: naming.artifactId,
    // Ancestry by hash: the mandate the artifact comes from, as it stood.
    lineage: { depth: own.depth, parent: own.id, parent_hash: own.hash, root: own.root },
    nbf: terms.nbf,
    policy: {
      decision_hash: naming.decisionHash,
      hash: policy.hash,
      id: policy.policyId,
      set_hash: policy.setHash,
      version: policy.version,
    },
    status: { status_list: { idx: naming.statusIdx, uri: naming.statusUri } },
    sub: intent.agent,
  };
}

/** RFC 9396: what may be done, with how much, for whom. */
function scope(intent: Intent, terms: ArtifactTerms, { counterparty }: AdmissionFacts): Json {
  if (typeof counterparty === 'string') throw notAuthorized(intent);
  const { mode, maxCaptures } = intent.capture;
  return {
    actions: ACTIONS,
    amount: { currency: terms.currency, value: terms.amount },
    capture: { max_captures: maxCaptures, mode, settle_by: terms.settleBy },
    counterparty: { id: counterparty.id, name: counterparty.legalName },
    reference: intent.reference,
    type: 'machine_commerce_payment',
  };
}

/** RFC 8693 §4.1: the spending agent outermost, whoever granted to it inside, the root principal innermost. */
function delegation({ principal }: Mandate, levels: readonly LevelState[]): Json {
  const agents = levels.flatMap(({ mandate }) => (mandate.agent === null ? [] : [mandate.agent]));
  return agents.reduce<Json>((grantor, agent) => ({ act: grantor, sub: agent }), { sub: principal });
}

const NO_ENVIRONMENT = Object.freeze({ evidence_hash: null, measurement: null, valid_until: null, verifier: null });

/** The attested runtime the decision relied on; nulls where no level asks for one. */
function environment(levels: readonly LevelState[], { attestation }: AdmissionFacts): Json {
  if (typeof attestation === 'string' || environmentRequirements(levels).length === 0) {
    return NO_ENVIRONMENT;
  }
  const { measurement, evidenceHash, verifier, validUntilMs } = attestation;
  return { measurement, evidence_hash: evidenceHash, verifier, valid_until: Math.floor(validUntilMs / 1000) };
}

function notAuthorized(intent: Intent): InvariantError {
  return new InvariantError('ERR_NOT_AUTHORIZED', `intent ${intent.intentId} has no artifact`);
}
