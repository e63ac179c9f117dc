import { intentBodyHash, parseClaims, parseStrictJson, splitCompact } from '@spendgate/codec';
import { InvariantError } from '@spendgate/core';
import { type RecordBatch, type TransportRecord, isUnderKey, reappendUnderKey } from '@spendgate/messaging';
import { type RegistryFacts, RegistryMoved, type RenewingArtifact, readRenewingArtifact } from '@spendgate/store';
import type { AuthorizerParts } from './authorizer-parts.js';
import { type Committed, decideInTransaction } from './deciding/decide-in-transaction.js';
import { evaluatePolicies, needsOf } from './deciding/facts.js';
import type { EvaluatedRenewal } from './deciding/fold-renewal.js';
import { type Candidate, type Judged, refuse } from './intake/candidate.js';
import { INTENT_TYP } from './intake/decode-intent.js';
import { type DecodedRenewal, decodeRenewal } from './intake/decode-renewal.js';
import { type VerifiedRenewal, renewerNeeds, verifyRenewal } from './intake/verify-renewal.js';

/** Control acts that may come between a renewal's facts and its locks before it is given back to the transport. */
const REDOS_MAX = 20;

/** What is done once, however often a control act makes it begin again. */
interface Effects {
  /** It lies under its flow's key by now. */
  moved: boolean;
  /** Milliseconds until its signer has a token; `null`: not asked yet. */
  waitMs: number | null;
}

/**
 * Decides a renewal: the artifact's intent is decided afresh by every rule, for what the renewal leaves of it, and the
 * new artifact takes the old one's place on the same hold, in one transaction.
 */
export class DecideRenewal {
  constructor(private readonly parts: AuthorizerParts) {}

  /**
   * @param batch one record, decided after everything before it in its lane is committed
   * @throws {DependencyError} nothing is committed: the transport delivers it again
   */
  async execute(batch: RecordBatch, record: TransportRecord): Promise<Committed> {
    const decoded = decodeRenewal(record);
    if (!decoded.ok && decoded.refusal.unreadable) {
      const { code, field } = decoded.refusal;
      await this.parts.deadLetters.report(record, code, field ?? undefined);
    }
    const effects: Effects = { moved: false, waitMs: null };
    for (let redo = 0; ; redo += 1) {
      try {
        return await this.once(batch, record, decoded, effects);
      } catch (error) {
        if (!(error instanceof RegistryMoved) || redo === REDOS_MAX) throw error;
      }
    }
  }

  private async once(
    { lane, partitions }: RecordBatch,
    record: TransportRecord,
    decoded: Judged<DecodedRenewal>,
    effects: Effects,
  ): Promise<Committed> {
    const { registry, decide, progress, clock, transport } = this.parts;
    const found = decoded.ok ? await this.read(decoded.value) : undefined;
    const facts = await registry.at(needs(decoded, found));
    const options = { facts, issuer: decide.naming.issuer, atMs: clock.nowMs() };
    const verified = decoded.ok ? await verifyRenewal(decoded.value, options) : decoded;
    const isStray = verified.ok && found !== undefined && !isUnderKey(record, found.row.flowId, partitions);
    if (isStray && !effects.moved) {
      await reappendUnderKey(transport, [{ record, key: found.row.flowId }]);
      effects.moved = true;
    }
    const answer = verified.ok && !isStray ? this.answer(verified.value, found, facts, effects) : verified;
    const renewal = answer.ok && 'policy' in answer.value ? answer.value : undefined;
    const slice = {
      lane,
      offsets: { first: record.offset, last: record.offset },
      intents: renewal === undefined ? [] : [renewal],
      renewal,
      refusals: answer.ok ? [] : [answer.refusal],
      facts,
      publishedThrough: progress.through(lane),
    };
    return decideInTransaction(slice, decide);
  }

  private async read({ record, claims }: DecodedRenewal): Promise<Found | undefined> {
    const row = await readRenewingArtifact(this.parts.decide.pool, claims.artifact.id, NO_RENEWAL);
    return row === undefined ? undefined : { row, candidate: candidateOf(row, record) };
  }

  /** The intent as it is decided now, or why this renewal is none. */
  private answer(
    renewal: VerifiedRenewal,
    found: Found | undefined,
    facts: RegistryFacts,
    effects: Effects,
  ): Judged<EvaluatedRenewal> {
    const { policies, decide, limits } = this.parts;
    effects.waitMs ??= limits.takeRenewal(renewal);
    const { record } = renewal;
    if (effects.waitMs > 0) return refuse(record, 'rate_limited', null, { retryAfterMs: effects.waitMs });
    if (found === undefined) return refuse(record, 'artifact_not_issued');
    const { candidate } = found;
    const [policy = 'unknown' as const] = evaluatePolicies([candidate], facts, policies, decide.rules.currencies);
    return { ok: true, value: { candidate, policy, renewal } };
  }
}

interface Found {
  readonly row: RenewingArtifact;
  readonly candidate: Candidate;
}

/** Before the locks nobody asks whether it was granted already. */
const NO_RENEWAL = '00000000-0000-0000-0000-000000000000';

/** Everything the renewal, the artifact and its intent name, of one control epoch. */
function needs(decoded: Judged<DecodedRenewal>, found: Found | undefined): ReturnType<typeof needsOf> {
  const intent = needsOf(found === undefined ? [] : [found.candidate]);
  if (!decoded.ok) return intent;
  const { kids, parties } = renewerNeeds(decoded.value);
  return { ...intent, kids: [...(intent.kids ?? []), ...kids], parties: [...(intent.parties ?? []), ...parties] };
}

/**
 * The agent's own intent, at the renewal's place in the log: what is decided now happens now. Its signature was verified
 * when it was taken.
 *
 * @throws {InvariantError} `ERR_STORED_DECISION`: the row is not what was written
 */
function candidateOf(row: RenewingArtifact, record: TransportRecord): Candidate {
  const split = splitCompact(Buffer.from(row.request, 'latin1'), { typ: INTENT_TYP }); // compact form is ASCII only
  const json = split.ok ? parseStrictJson(split.jws.payloadBytes) : split;
  const parsed = json.ok ? parseClaims(INTENT_TYP, json.value) : json;
  if (!split.ok || !parsed.ok) throw new InvariantError('ERR_STORED_DECISION', row.decisionId);
  const { claims } = parsed;
  const { intentId, request: jws } = row;
  const kid = split.jws.header.kid;
  return { record, jws, compact: split.jws, claims, intentId, bodyHash: intentBodyHash(claims), kid };
}
