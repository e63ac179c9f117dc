import { type InvariantError, checkApproval } from '@spendgate/core';
import { type RecordBatch, type TransportRecord, isUnderKey, reappendUnderKey } from '@spendgate/messaging';
import { type IntentStanding, type RegistryFacts, RegistryMoved, readIntentStanding } from '@spendgate/store';
import type { AuthorizerParts } from './authorizer-parts.js';
import type { EvaluatedIntent } from './deciding/decide-batch.js';
import { type Committed, decideInTransaction } from './deciding/decide-in-transaction.js';
import { evaluatePolicies, needsOf, ownChain } from './deciding/facts.js';
import { type TakenUp, takeUp } from './deciding/take-up.js';
import { type Judged, refuse } from './intake/candidate.js';
import { type DecodedApproval, decodeApproval } from './intake/decode-approval.js';
import { verifyGiven } from './intake/given-approvals.js';
import { type VerifiedApproval, verifyApproval, withApprovers } from './intake/verify-approval.js';

/** Control acts that may come between an approval's facts and its locks before it is given back to the transport. */
const REDOS_MAX = 20;

/** What the intent is, and where it stands. */
interface Asked {
  readonly standing: IntentStanding | undefined;
  readonly taken: TakenUp | undefined;
}

/**
 * Decides a person's answer to an intent that waits: the record is taken, the act logged and the intent decided once
 * more by the rules every intent meets, in one transaction. The answer lets the intent past the one check that asks for
 * a person; limits, policy, keys, times and the state of the flow are those of this moment, so it widens nothing. Where
 * the mandate asks for two people, the first one's answer leads to a decision by which the intent waits on, with their
 * approval kept beside it.
 */
export class DecideApproval {
  constructor(private readonly parts: AuthorizerParts) {}

  /**
   * @param batch one record, decided after everything before it in its lane is committed
   * @throws {DependencyError} nothing is committed: the transport delivers it again
   */
  async execute(batch: RecordBatch, record: TransportRecord): Promise<Committed> {
    const decoded = decodeApproval(record);
    if (!decoded.ok && decoded.refusal.unreadable) {
      const { code, field } = decoded.refusal;
      await this.parts.deadLetters.report(record, code, field ?? undefined);
    }
    const moved = new Set<bigint>();
    for (let redo = 0; ; redo += 1) {
      try {
        return await this.once(batch, record, decoded, moved);
      } catch (error) {
        if (!(error instanceof RegistryMoved) || redo === REDOS_MAX) throw error;
      }
    }
  }

  private async once(
    { lane, partitions }: RecordBatch,
    record: TransportRecord,
    decoded: Judged<DecodedApproval>,
    moved: Set<bigint>,
  ): Promise<Committed> {
    const { registry, decide, progress } = this.parts;
    const asked = decoded.ok ? await this.read(decoded.value.intentId) : NOTHING;
    const facts = await registry.at(needs(decoded, asked));
    const verified = decoded.ok ? await this.verify(decoded.value, facts) : decoded;
    const flowId = flowOf(asked.standing);
    const isStray = verified.ok && flowId !== undefined && !isUnderKey(record, flowId, partitions);
    if (isStray && !moved.has(record.offset)) {
      await reappendUnderKey(this.parts.transport, [{ record, key: flowId }]);
      moved.add(record.offset);
    }
    const answer = verified.ok && !isStray ? await this.answer(verified.value, asked, facts) : verified;
    const slice = {
      lane,
      offsets: { first: record.offset, last: record.offset },
      intents: answer.ok && 'candidate' in answer.value ? [answer.value] : [],
      refusals: answer.ok ? [] : [answer.refusal],
      facts,
      publishedThrough: progress.through(lane),
    };
    return decideInTransaction(slice, decide);
  }

  /** @throws {InvariantError} `ERR_STORED_DECISION`: the row of the intent was damaged */
  private async read(intentId: string): Promise<Asked> {
    const standing = await readIntentStanding(this.parts.decide.pool, intentId);
    if (standing?.waits !== true) return { standing, taken: undefined };
    const taken = takeUp(standing.row, standing.laneName);
    if (isDamaged(taken)) throw taken;
    return { standing, taken };
  }

  private verify(approval: DecodedApproval, facts: RegistryFacts): Promise<Judged<VerifiedApproval>> {
    return verifyApproval(approval, this.verifying(facts));
  }

  private verifying(facts: RegistryFacts): Parameters<typeof verifyApproval>[1] {
    const { clock, decide } = this.parts;
    return { facts, issuer: decide.naming.issuer, atMs: clock.nowMs() };
  }

  /** The intent as it is decided now, or why this act is no answer to it. */
  private async answer(
    approval: VerifiedApproval,
    { standing, taken }: Asked,
    facts: RegistryFacts,
  ): Promise<Judged<EvaluatedIntent>> {
    const { record, jws } = approval;
    if (standing === undefined) return refuse(record, 'scope_mismatch', 'targets');
    if (!standing.waits || taken === undefined) {
      const decisionId = standing.waits ? standing.row.decisionId : standing.decisionId;
      return refuse(record, 'intent_replayed', null, { decisionId });
    }
    // Counted already: the same token again is answered with what came of it.
    if (standing.row.approvals.includes(jws))
      return refuse(record, 'intent_replayed', null, { decisionId: standing.row.decisionId });
    const given = await verifyGiven(taken.given, this.verifying(facts));
    const problem = checkApproval(approval, awaited(standing, taken, facts, given));
    if (problem !== null) return refuse(record, problem.code, problem.field);
    // What is decided now happens now: ids and times come from the act's place in the log, not from the intent's.
    const { appendedAtMs } = record;
    const candidate = { ...taken.candidate, record: { ...taken.candidate.record, appendedAtMs } };
    const { policies, decide } = this.parts;
    const [policy = 'unknown' as const] = evaluatePolicies([candidate], facts, policies, decide.rules.currencies);
    return { ok: true, value: { candidate, waiting: taken.waiting, policy, approval, given } };
  }
}

const NOTHING: Asked = { standing: undefined, taken: undefined };

function isDamaged(taken: TakenUp | InvariantError): taken is InvariantError {
  return taken instanceof Error;
}

/** Everything the act, those before it and the intent name, of one control epoch. */
function needs(decoded: Judged<DecodedApproval>, { taken }: Asked): ReturnType<typeof needsOf> {
  const intent = needsOf(taken === undefined ? [] : [taken.candidate]);
  return withApprovers(intent, [...(decoded.ok ? [decoded.value] : []), ...(taken?.given ?? [])]);
}

function flowOf(standing: IntentStanding | undefined): string | undefined {
  return standing?.waits === true ? standing.row.flowId : standing?.flowId;
}

function awaited(
  { code, decisionHash }: Extract<IntentStanding, { waits: true }>,
  { candidate }: TakenUp,
  facts: RegistryFacts,
  given: readonly VerifiedApproval[],
): Parameters<typeof checkApproval>[1] {
  const chain = ownChain(candidate, facts);
  const principals = typeof chain === 'string' ? [] : chain.map(({ principal }) => principal);
  const askedBy = [candidate.claims.iss, ...principals];
  return {
    code,
    decisionHash: decisionHash.toString('base64url'),
    askedBy,
    askedWith: candidate.kid,
    given: given.map(({ approver: { person, kid }, changeHash }) => ({ person, kid, changeHash })),
  };
}
