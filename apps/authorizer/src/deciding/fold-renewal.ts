import { encodeLeaf } from '@spendgate/codec';
import {
  type AdmissionFacts,
  type AdmissionReadSet,
  type ArtifactTerms,
  type RenewalFacts,
  type RenewedArtifact,
  type Hold,
  checkRenewal,
  decideBatch as decideInOrder,
  decimal,
  narrowHold,
  thawApprovers,
} from '@spendgate/core';
import { type CounterChanges, type RenewalRow, type RenewedHold, type RenewingArtifact } from '@spendgate/store';
import { type Refusal, refuse } from '../intake/candidate.js';
import { type VerifiedRenewal, renewalRequestOf } from '../intake/verify-renewal.js';
import { AppendedTimes } from './appended-times.js';
import { type DeniedRenewal, containByRenewal } from './contain-by-renewal.js';
import { type ComposedDecision, type ComposedLeaf, type Naming, composeDecision } from './compose-decision.js';
import type { DecidedIntent } from './decided-intent.js';
import { type BatchInput, type BatchOutput, type EvaluatedIntent, HeldChanges, changedFlows } from './decide-batch.js';
import { causesOf, itemOf, releaseEnded, stateOf } from './decide-batch.js';

/** An intent whose artifact somebody wants renewed. */
export interface EvaluatedRenewal extends EvaluatedIntent {
  readonly renewal: VerifiedRenewal;
}

/** What a granted renewal writes beside its decision. */
export interface Renewed {
  readonly hold: RenewedHold;
  readonly renewal: RenewalRow;
}

const STATUS: Readonly<Record<number, RenewedArtifact['status']>> = { 0: 'valid', 1: 'revoked', 2: 'suspended' };

/**
 * Folds one renewal: the hold steps aside, the intent is decided once more with what the renewal leaves of it, and the
 * hold comes back under the new artifact, or as it was. A refused renewal makes no decision: the artifact it would have
 * replaced stands by its own. One that shows a drift contains its flow; any other leaves everything as it is.
 *
 * @param row read after the locks
 */
export function foldRenewal(
  input: BatchInput,
  evaluated: EvaluatedRenewal,
  row: RenewingArtifact | undefined,
): BatchOutput & { readonly renewed: Renewed | null } {
  const { hot, judgedAtMs } = input;
  const times = new AppendedTimes(input.appendedMarkMs, judgedAtMs);
  const { held, counters } = releaseEnded(hot);
  const refused = (refusal: Refusal) => refusedBy(refusal, { held, counters, times });
  const { candidate, renewal } = evaluated;
  const { record } = renewal;
  const checked = check(input, evaluated, row);
  if (!checked.ok) return refused(checked.refusal);
  const appendedAtMs = times.next(record.appendedAtMs);
  if (appendedAtMs === undefined) return refused(refuse(record, 'clock_untrusted').refusal);
  if (input.audit !== 'verified') return refused(refuse(record, 'audit_unavailable').refusal);

  const { renewal: asked, artifact, row: old } = checked;
  held.add(old.path, artifact.hold.held.neg());
  const supersedes = { decisionId: old.decisionId, attempt: old.attempt, leafHash: old.leafHash };
  const item = itemOf(evaluated, appendedAtMs, input, { renewal: asked, supersedes, ...approvalOf(old) });
  const before = stateOf(input, held, counters);
  const { results, state } = decideInOrder(before, [item]);
  const [result] = results;
  const { terms, code, field } = result?.decision ?? { terms: null, code: null, field: null };
  if (result === undefined || terms === null) {
    held.add(old.path, artifact.hold.held);
    const output = refused(refuse(record, code ?? 'internal_denied', field).refusal);
    const flow = before.flows.get(item.intent.mandate);
    return { ...output, ...containing({ renewal, old, ...item, result, flow }, input.naming) };
  }
  const narrowed = narrowHold(artifact.hold, asked, decimal(terms.amount));
  held.add(old.path, narrowed.hold.held);
  const act = renewalLeaf(renewal, old, narrowed.released.toFixed(), judgedAtMs, input.naming);
  const decided: DecidedIntent = {
    candidate,
    ...item,
    supersedes,
    holdId: old.holdId,
    approvals: [],
    result,
    flowBefore: before.flows.get(item.intent.mandate)?.state ?? null,
    causes: causesOf(candidate, input.facts, supersedes, act),
  };
  const composed = composeDecision(decided, input.naming);
  return {
    decisions: [composed],
    acts: [act],
    contained: [],
    containing: [],
    events: [],
    refusals: [],
    flows: changedFlows(state, hot),
    held: held.texts(),
    counters,
    appendedMarkMs: times.mark,
    renewed: renewedRows(renewal, old, { composed, hold: narrowed.hold, terms, judgedAtMs }),
  };
}

/** What a refusal that shows a drift adds; nothing where it shows none. */
function containing(denied: DeniedRenewal, naming: Naming): Partial<BatchOutput> {
  const drifted = containByRenewal(denied, naming);
  if (drifted === null) return {};
  const { denial, contained, leaves, events } = drifted;
  const { flowId, state, sequence } = contained.flow;
  return { acts: [denial], contained: [contained], containing: leaves, events, flows: [{ flowId, state, sequence }] };
}

interface Changes {
  readonly held: HeldChanges;
  readonly counters: CounterChanges;
  readonly times: AppendedTimes;
}

function refusedBy(refusal: Refusal, { held, counters, times }: Changes): BatchOutput & { readonly renewed: null } {
  const nothing = { decisions: [], acts: [], contained: [], containing: [], events: [], flows: [], renewed: null };
  return { ...nothing, refusals: [refusal], held: held.texts(), counters, appendedMarkMs: times.mark };
}

interface Granted {
  readonly composed: ComposedDecision;
  readonly hold: Hold;
  readonly terms: ArtifactTerms;
  readonly judgedAtMs: number;
}

function renewedRows(
  { renewalId, by, bodyHash, jws }: VerifiedRenewal,
  { holdId, flowId, artifactId }: RenewingArtifact,
  { composed, hold, terms, judgedAtMs }: Granted,
): Renewed {
  const { decisionId } = composed.decision;
  return {
    hold: {
      holdId,
      flowId,
      artifactId: composed.artifact?.artifactId ?? artifactId,
      held: hold.held.toFixed(),
      released: hold.released.toFixed(),
      maxCaptures: hold.maxCaptures,
      expiresAtMs: terms.exp * 1_000,
      settleByMs: terms.settleBy * 1_000,
    },
    renewal: { renewalId, flowId, artifactId, decisionId, renewedBy: by.party, bodyHash, token: jws, judgedAtMs },
  };
}

type Checked =
  | {
      readonly ok: true;
      readonly renewal: RenewalFacts;
      readonly artifact: RenewedArtifact;
      readonly row: RenewingArtifact;
    }
  | { readonly ok: false; readonly refusal: Refusal };

/** A renewal granted before is answered with its decision; another body under its name is a conflict. */
function check(
  input: BatchInput,
  { renewal, candidate }: EvaluatedRenewal,
  row: RenewingArtifact | undefined,
): Checked {
  const { record } = renewal;
  if (row === undefined) return refuse(record, 'artifact_not_issued');
  if (row.grantedBy !== null) {
    const same = row.grantedBody?.equals(renewal.bodyHash) === true;
    return refuse(record, same ? 'intent_replayed' : 'idempotency_conflict', null, { decisionId: row.grantedBy });
  }
  const { judgedAtMs, hot, rules } = input;
  const artifact = renewedOf(row);
  const request = renewalRequestOf(renewal);
  const verdict = checkRenewal({ request, artifact, judgedAtMs, currencies: rules.currencies });
  if (!verdict.ok) return refuse(record, verdict.code, verdict.field);
  // Its decision is the newest on the intent as long as nothing took its place.
  const newest = hot.decisions.get(candidate.intentId)?.decisionId;
  if (newest !== row.decisionId) return refuse(record, 'artifact_revoked');
  return { ok: true, renewal: verdict.renewal, artifact, row };
}

function renewedOf(row: RenewingArtifact): RenewedArtifact {
  const hold: Hold = {
    amount: decimal(row.amount),
    held: decimal(row.held),
    capturing: decimal(row.capturing),
    captured: decimal(row.captured),
    released: decimal(row.released),
    refunded: decimal(row.refunded),
    restored: decimal(row.restored),
    mode: row.mode as Hold['mode'], // the authorizer wrote it
    maxCaptures: row.maxCaptures,
    captureCount: row.captureCount,
    ended: row.ended,
  };
  const { artifactId, flowId, epoch, holdId, expiresAtMs, settleByMs, currency } = row;
  return {
    artifactId,
    flowId,
    epoch,
    claimsHash: row.claimsHash.toString('base64url'),
    status: STATUS[row.status] ?? 'unknown',
    agent: row.agentId,
    audience: row.audience,
    currency,
    holdId,
    hold,
    expiresAtMs,
    settleByMs,
    renewals: row.attempt,
  };
}

/** A person's word stands for what they approved; a renewal asks for no more than that. */
function approvalOf({ readSet }: RenewingArtifact): Pick<AdmissionFacts, 'approval' | 'approvers'> {
  const frozen = JSON.parse(readSet) as AdmissionReadSet; // as: our own read set; any JSON will do
  if (frozen['approval'] !== 'approved') return { approval: 'none', approvers: [] };
  return { approval: 'approved', approvers: thawApprovers(frozen['approvers'] ?? null) };
}

/** The renewal by value. Its own cause is the decision that issued what it replaces. */
function renewalLeaf(
  { claims, by, kid, jws, record }: VerifiedRenewal,
  old: RenewingArtifact,
  released: string,
  judgedAtMs: number,
  { issuer, salts }: Pick<Naming, 'issuer' | 'salts'>,
): ComposedLeaf {
  const salt = salts.salt();
  const payload = {
    artifact: claims.artifact,
    hold: old.holdId,
    intent_id: old.intentId,
    origin: { offset: String(record.offset), partition: record.partition, topic: record.topic },
    released: { currency: old.currency, value: released },
    renewed_by: by,
    renewed_by_kid: kid,
    token: jws,
  };
  const causes = [old.leafHash.toString('base64url')];
  return {
    ...encodeLeaf({ domain: issuer, type: 'artifact_renewed', timeMs: judgedAtMs, payload, salt, causes }),
    salt,
  };
}
