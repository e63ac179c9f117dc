import {
  type AuthorizationDecided,
  type FlowTransitioned,
  type IntentRefused,
  canonicalize,
  readRecordHeaders,
  sha256,
} from '@spendgate/codec';
import { type FlowEvent, advance } from '@spendgate/core';
import { TOPICS } from '@spendgate/messaging';
import type { ArtifactRow, DecisionRow, OutboxRow } from '@spendgate/store';
import type { DecidedIntent } from '../deciding/decided-intent.js';
import type { Refusal } from '../intake/candidate.js';

/** What an outbox row holds. A kind is never renamed: rows of a release before may still wait. */
export const OUTBOX_KINDS = {
  decision: 'decision',
  artifact: 'artifact',
  transition: 'transition',
  refusal: 'refusal',
  refusalSummary: 'refusal_summary',
} as const;

/** Number of the flow's last event before this decision; 0 for a flow that does not exist. */
function sequenceBefore({ result }: DecidedIntent): bigint {
  const { flow } = result.state;
  return typeof flow === 'string' ? -1n : flow.sequence - BigInt(result.transitions.length) - 1n;
}

/** Ids, outcome, code and hash: what was bought and for how much is fetched by who may see it. */
export function decisionEvent(decided: DecidedIntent, row: DecisionRow): OutboxRow {
  const { intent } = decided;
  // In RFC 8785 order: what is written in this order need not be sorted for each event.
  const body: AuthorizationDecided = {
    agent: intent.agent,
    artifact_id: row.artifactId,
    code: decided.result.decision.code,
    decision_hash: row.decisionHash.toString('base64url'),
    decision_id: row.decisionId,
    field: row.field,
    flow_id: row.flowId,
    intent_id: row.intentId,
    intent_jti: intent.jti,
    judged_at_ms: row.judgedAtMs,
    leaf_hash: row.leafHash.toString('base64url'),
    outcome: decided.result.decision.outcome,
    sequence: String(sequenceBefore(decided) + 1n),
    supersedes: row.supersedes,
    v: 1,
  };
  return event(TOPICS.authorizationDecisions, row.flowId, OUTBOX_KINDS.decision, row.decisionId, body);
}

/** Only a reference: the claims are stored, and the signature over them is the same each time it is made. */
export function artifactEvent(artifact: ArtifactRow): OutboxRow {
  return {
    topic: TOPICS.authorizationArtifacts,
    key: artifact.flowId,
    kind: OUTBOX_KINDS.artifact,
    ref: artifact.artifactId,
    flowId: artifact.flowId,
    body: null,
  };
}

/** One event per step the decision caused, under the decision's leaf; containment has leaves of its own. */
export function transitionEvents(decided: DecidedIntent, leafHash: Buffer): OutboxRow[] {
  const { intent, facts, result, flowBefore } = decided;
  const { flow } = result.state;
  if (typeof flow === 'string' || flowBefore === null) return [];
  let [state, sequence] = [flowBefore, sequenceBefore(decided) + 1n];
  return result.transitions.flatMap((step: FlowEvent) => {
    const from = state;
    state = advance(from, step);
    sequence += 1n;
    if (step === 'drift_found' || step === 'flow_contained') return []; // told with the leaf each of them has
    const body: FlowTransitioned = {
      v: 1,
      flow_id: intent.mandate,
      sequence: String(sequence),
      epoch: flow.epoch,
      event: step,
      from,
      to: state,
      leaf_hash: leafHash.toString('base64url'),
      transitioned_at_ms: facts.judgedAtMs,
    };
    return event(TOPICS.flowTransitions, intent.mandate, OUTBOX_KINDS.transition, null, body);
  });
}

/** Says of a record that got no decision where it lay and what was wrong; the sender finds it by place or `ce_id`. */
export function refusalEvent({ record, code, field, decisionId }: Refusal): OutboxRow {
  const body: IntentRefused = {
    ...placeOf(record),
    kind: 'refusal',
    offset: String(record.offset),
    ce_id: readRecordHeaders(record.headers).id,
    code,
    field,
    decision_id: decisionId,
    refused_at_ms: record.appendedAtMs,
  };
  return event(TOPICS.intentRefusals, placeKey(record), OUTBOX_KINDS.refusal, null, body);
}

/** One event for the refusals of a batch above the rate; `refusals` share one code. */
export function refusalSummaryEvent(first: Refusal, refusals: readonly Refusal[]): OutboxRow {
  const last = refusals.at(-1) ?? first;
  const body: IntentRefused = {
    ...placeOf(first.record),
    kind: 'summary',
    first_offset: String(first.record.offset),
    last_offset: String(last.record.offset),
    code: first.code,
    count: refusals.length,
    digest: sha256(Buffer.concat(refusals.map(recordDigest))).toString('base64url'),
    refused_at_ms: last.record.appendedAtMs,
  };
  return event(TOPICS.intentRefusals, placeKey(first.record), OUTBOX_KINDS.refusalSummary, null, body);
}

/** SHA-256 of a record's value; of nothing for a tombstone. */
export function recordDigest({ record }: Refusal): Buffer {
  return sha256(record.value ?? '');
}

function placeOf(record: Refusal['record']): { v: 1; topic: string; partition: number } {
  return { v: 1, topic: record.topic, partition: record.partition };
}

function placeKey(record: Refusal['record']): string {
  return `${record.topic}/${record.partition}`;
}

function event(topic: string, key: string, kind: string, ref: string | null, body: object): OutboxRow {
  return { topic, key, kind, ref, flowId: null, body: canonicalize(body) };
}
