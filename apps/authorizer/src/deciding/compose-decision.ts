import { statusListUri, statusPlace } from '@spendgate/artifact';
import { artifactId, canonicalize, encodeLeaf, holdId, sha256 } from '@spendgate/codec';
import {
  type ArtifactTerms,
  type Intent,
  InvariantError,
  artifactClaims,
  askedOf,
  formatMoney,
  parseMoney,
} from '@spendgate/core';
import { type ArtifactRow, type DecisionRow, type HoldRow, storedEntries } from '@spendgate/store';
import type { LeafRow, OutboxRow, SaltSource } from '@spendgate/store';
import { decisionText } from '@spendgate/verifier';
import type { DecidedIntent } from './decided-intent.js';
import { artifactEvent, decisionEvent, transitionEvents } from '../publishing/outbox-events.js';

/** What the domain adds to what core decided. */
export interface Naming {
  readonly issuer: string;
  /** Key that will sign the artifacts, after the commit. */
  readonly artifactKid: string;
  /** Where status lists are served, without a slash at the end. */
  readonly publicUrl: string;
  readonly salts: SaltSource;
}

/** What goes into the audit log beside the rows. */
export type ComposedLeaf = LeafRow & { readonly leafHash: Buffer };

/** All rows of one decision, complete before the commit: what is signed later follows from them. */
export interface ComposedDecision {
  readonly decision: DecisionRow;
  readonly artifact: ArtifactRow | null;
  readonly hold: HoldRow | null;
  readonly leaf: LeafRow;
  readonly events: readonly OutboxRow[];
}

/** What was asked, also when it was denied, so that the books of an agent add up; `null` where no amount can be read. */
function askedAmount({ intent, facts, result }: DecidedIntent): string | null {
  if (result.decision.terms !== null) return result.decision.terms.amount;
  const { currencies } = facts.rules;
  const money = parseMoney(intent.amountText, intent.currency, currencies);
  return typeof money === 'string' ? null : formatMoney(money.amount, money.currency, currencies);
}

/** Turns one decision of core into rows. Equal arguments and salts give equal bytes. */
export function composeDecision(decided: DecidedIntent, naming: Naming): ComposedDecision {
  const { candidate, intent, facts, result } = decided;
  const readSet = canonicalize(result.readSet);
  const decisionHash = sha256(decisionText(intent, result.decision, readSet));
  const issued = result.decision.terms === null ? null : issue(decided, decisionHash, naming);
  const leaf = leafOf(decided, decisionHash, issued, naming);
  const decision: DecisionRow = {
    decisionId: decided.decisionId,
    flowId: intent.mandate,
    intentId: intent.intentId,
    attempt: attemptOf(decided),
    laneOffset: candidate.record.offset,
    agentId: intent.agent,
    bodyHash: candidate.bodyHash,
    outcome: result.decision.outcome,
    code: result.decision.code,
    field: result.decision.field,
    amount: askedAmount(decided),
    currency: intent.currency,
    counterpartyId: intent.counterparty,
    request: candidate.jws,
    readSet,
    rulesVersion: facts.rules.rulesVersion,
    decisionHash,
    leafHash: leaf.leafHash,
    supersedes: decided.supersedes?.decisionId ?? null,
    artifactId: issued?.artifact.artifactId ?? null,
    parkedUntilMs: result.decision.parkedUntilMs,
    awaits: awaited(decided),
    appendedAtMs: facts.appendedAtMs,
    judgedAtMs: facts.judgedAtMs,
  };
  const events = [
    decisionEvent(decided, decision),
    ...(issued === null ? [] : [artifactEvent(issued.artifact)]),
    ...transitionEvents(decided, leaf.leafHash),
  ];
  return { decision, artifact: issued?.artifact ?? null, hold: issued?.hold ?? null, leaf, events };
}

/** Approvals are kept only while more of them are awaited: what waits for a release is looked at anew after it. */
function awaited({ result: { awaits }, approvals }: DecidedIntent): DecisionRow['awaits'] {
  return awaits === null ? null : { approvals, needed: awaits.needed };
}

interface Issued {
  readonly artifact: ArtifactRow;
  /** `null`: it stands already. */
  readonly hold: HoldRow | null;
}

function attemptOf({ supersedes }: DecidedIntent): number {
  return supersedes === null ? 0 : supersedes.attempt + 1;
}

function issue(decided: DecidedIntent, hash: Buffer, naming: Naming): Issued {
  const { candidate, decisionId, facts, result } = decided;
  const intent = askedOf(decided.intent, facts);
  const { terms } = result.decision;
  const { levels } = result.state;
  if (terms === null || typeof levels === 'string') {
    throw new InvariantError('ERR_ISSUED_WITHOUT_TERMS', `intent ${intent.intentId}`);
  }
  const { record } = candidate;
  const place = statusPlace(record.partition, record.offset);
  const id = artifactId(
    facts.appendedAtMs,
    intent.intentId,
    terms.epoch,
    decided.holdId === null ? 0 : attemptOf(decided),
  );
  const claims = canonicalize(
    artifactClaims(intent, result.decision, result.state, facts, {
      issuer: naming.issuer,
      artifactId: id,
      decisionHash: hash.toString('base64url'),
      statusUri: statusListUri(naming.publicUrl, place),
      statusIdx: place.idx,
    }),
  );
  const path = levels.map((level) => level.mandate.id);
  const hold = decided.holdId ?? holdId(facts.appendedAtMs, intent.intentId);
  const same = { flowId: intent.mandate, holdId: hold, artifactId: id };
  return {
    artifact: {
      ...same,
      decisionId,
      agentId: intent.agent,
      audience: intent.audience,
      epoch: terms.epoch,
      kid: naming.artifactKid,
      claims,
      claimsHash: sha256(claims),
      statusPartition: record.partition,
      statusIdx: record.offset,
      issuedAtMs: terms.iat * 1000,
    },
    hold:
      decided.holdId !== null
        ? null
        : { ...placeHold(same, path, intent, terms), counters: storedEntries(result.entries) },
  };
}

function placeHold(
  same: Pick<HoldRow, 'flowId' | 'holdId' | 'artifactId'>,
  path: readonly string[],
  intent: Intent,
  terms: ArtifactTerms,
): Omit<HoldRow, 'counters'> {
  return {
    ...same,
    rootId: path[0] ?? intent.mandate,
    path,
    counterpartyId: intent.counterparty,
    audience: intent.audience,
    currency: terms.currency,
    amount: terms.amount,
    mode: intent.capture.mode,
    maxCaptures: intent.capture.maxCaptures,
    expiresAtMs: terms.exp * 1000,
    settleByMs: terms.settleBy * 1000,
  };
}

const LEAF_OF = {
  authorized: 'decision_authorized',
  denied: 'decision_denied',
  parked: 'decision_parked',
} as const;

/** Attributes the decision: who asked, under which grant and policy, where the intent lay, what came of it. */
function leafOf(decided: DecidedIntent, decisionHash: Buffer, issued: Issued | null, naming: Naming): ComposedLeaf {
  const { candidate, intent, facts, result } = decided;
  const { decision } = result;
  const policy = facts.policy === 'unknown' ? null : facts.policy;
  const salt = naming.salts.salt();
  // In RFC 8785 order: what is written in this order need not be sorted for each decision.
  const payload = {
    agent: intent.agent,
    agent_kid: candidate.kid,
    appended_at: facts.appendedAtMs,
    artifact:
      issued === null
        ? null
        : { hash: issued.artifact.claimsHash.toString('base64url'), id: issued.artifact.artifactId },
    code: decision.code,
    decision_hash: decisionHash.toString('base64url'),
    decision_id: decided.decisionId,
    field: decision.field,
    intent_hash: intent.bodyHash,
    intent_id: intent.intentId,
    intent_jti: intent.jti,
    judged_at: facts.judgedAtMs,
    mandate: intent.mandate,
    origin: {
      offset: String(candidate.record.offset),
      partition: candidate.record.partition,
      topic: candidate.record.topic,
    },
    outcome: decision.outcome,
    policy: policy === null ? null : { id: policy.policyId, set_hash: policy.setHash, version: policy.version },
    spending: decision.spending,
    stages: decision.stages,
    supersedes: decided.supersedes?.decisionId ?? null,
  };
  const type = LEAF_OF[decision.outcome];
  const leaf = encodeLeaf({
    domain: naming.issuer,
    type,
    timeMs: facts.judgedAtMs,
    payload,
    salt,
    causes: decided.causes,
  });
  return { ...leaf, salt };
}
