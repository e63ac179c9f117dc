import { canonicalize, encodeLeaf, sha256 } from '@spendgate/codec';
import { type AdmissionFacts, type CountedResult, type Flow, type Intent, containmentSteps } from '@spendgate/core';
import { LaneRecords, type RenewingArtifact, recordContainment } from '@spendgate/store';
import { decisionText } from '@spendgate/verifier';
import type { VerifiedRenewal } from '../intake/verify-renewal.js';
import type { ComposedLeaf, Naming } from './compose-decision.js';
import type { Containment } from './contain-of.js';

/** A renewal that was refused, with all that it was judged by. */
export interface DeniedRenewal {
  readonly renewal: VerifiedRenewal;
  readonly old: RenewingArtifact;
  readonly intent: Intent;
  readonly facts: AdmissionFacts;
  /** `undefined`: it was not decided. */
  readonly result: CountedResult | undefined;
  /** As it was before; `undefined`: there is none. */
  readonly flow: Flow | undefined;
}

/**
 * The containment a refused renewal caused, as that of a denied intent. A refused renewal makes no decision, so what showed
 * the drift is a leaf of its own, with the read set by value. A flow that was contained before gets no further cause.
 */
export function containByRenewal(
  denied: DeniedRenewal,
  { issuer, salts }: Pick<Naming, 'issuer' | 'salts'>,
): (Containment & { readonly denial: ComposedLeaf }) | null {
  const { result, flow, facts } = denied;
  const signal = result?.drift ?? null;
  if (result === undefined || signal === null || flow === undefined) return null;
  if (containmentSteps(flow.state).length === 0) return null;
  const denial = denialLeaf({ ...denied, result }, { issuer, salts });
  const records = new LaneRecords({ domain: issuer, atMs: facts.judgedAtMs, epoch: 0n }, salts);
  const contained = recordContainment(records, { flow, signal, cause: denial.leafHash });
  return contained === null ? null : { denial, contained, leaves: records.leaves, events: records.events };
}

/** Its cause is the decision that issued what was to be replaced. */
function denialLeaf(
  {
    renewal: { claims, by, kid, jws, record },
    old,
    intent,
    facts,
    result,
  }: DeniedRenewal & { readonly result: CountedResult },
  { issuer, salts }: Pick<Naming, 'issuer' | 'salts'>,
): ComposedLeaf {
  const salt = salts.salt();
  const { code, field } = result.decision;
  const decisionHash = sha256(decisionText(intent, result.decision, canonicalize(result.readSet)));
  const payload = {
    artifact: claims.artifact,
    code,
    decision_hash: decisionHash.toString('base64url'),
    field,
    hold: old.holdId,
    intent_id: old.intentId,
    origin: { offset: String(record.offset), partition: record.partition, topic: record.topic },
    read_set: result.readSet,
    renewed_by: by,
    renewed_by_kid: kid,
    rules_version: facts.rules.rulesVersion,
    token: jws,
  };
  const causes = [old.leafHash.toString('base64url')];
  const leaf = encodeLeaf({ domain: issuer, type: 'renewal_denied', timeMs: facts.judgedAtMs, payload, salt, causes });
  return { ...leaf, salt };
}
