import { type Candidate, type DecodedIntent, type Judged, type Refusal, refuse } from './intake/candidate.js';
import { DependencyError } from '@spendgate/core';
import {
  type RecordBatch,
  type RecordDefect,
  type TransportRecord,
  isUnderKey,
  reappendUnderKey,
} from '@spendgate/messaging';
import { type LaneLease, type RegistryFacts, RegistryMoved, findRecordedIntents } from '@spendgate/store';
import type { AuthorizerParts } from './authorizer-parts.js';
import { DecideApproval } from './decide-approval.js';
import { DecideRenewal } from './decide-renewal.js';
import { BatchSize } from './deciding/batch-size.js';
import type { EvaluatedIntent } from './deciding/decide-batch.js';
import { type Committed, decideInTransaction } from './deciding/decide-in-transaction.js';
import { evaluatePolicies, needsOf, ownChain } from './deciding/facts.js';
import { BatchCharges } from './intake/batch-charges.js';
import { isApproval } from './intake/decode-approval.js';
import { decodeIntent } from './intake/decode-intent.js';
import { isRenewal } from './intake/decode-renewal.js';
import { verifyIntents } from './intake/verify-intents.js';
import { publishCommitted } from './publishing/publish-committed.js';

/** Control acts that may come between one batch's facts and its locks before it is given back to the transport. */
const REDOS_MAX = 20;

type Answers = ReadonlyMap<bigint, Judged<EvaluatedIntent>>;

/** What a batch does outside its transaction: once, however often a control act makes it begin again. */
interface Effects {
  readonly charges: BatchCharges;
  /** Offsets of strays that lie under their key by now. */
  readonly moved: Set<bigint>;
}

/**
 * Decides a batch of payment intents, and of people's answers to those that wait. What it commits is the effect and the
 * offset in one transaction; signing and publishing follow, and a crash in between makes the next owner publish the same
 * bytes.
 */
export class AuthorizeBatch {
  private readonly size = new BatchSize();
  private readonly approvals: DecideApproval;
  private readonly renewals: DecideRenewal;

  constructor(private readonly parts: AuthorizerParts) {
    this.approvals = new DecideApproval(parts);
    this.renewals = new DecideRenewal(parts);
  }

  /** @throws {DependencyError} nothing of the rest is committed: the transport delivers it again */
  execute(batch: RecordBatch): Promise<void> {
    return this.inTurn(batch.lane, () => this.decideAndPublish(batch));
  }

  private async decideAndPublish(batch: RecordBatch): Promise<void> {
    await this.takeOver(batch.lane);
    let publishing = Promise.resolve();
    try {
      for (let at = 0; at < batch.records.length && !batch.isStale();) {
        const slice = { ...batch, records: nextSlice(batch.records, at, this.size.current) };
        const [first] = slice.records;
        const committed = await this.decideSlice(slice, first);
        at += slice.records.length;
        // Signing and sending one slice goes on beside deciding the next; the order of the lane is kept.
        const before = publishing;
        publishing = before.then(() => publishCommitted(this.parts, batch.lane, committed));
        publishing.catch(() => undefined); // seen when it is awaited; until then it is nobody's unhandled rejection
        await before;
      }
    } finally {
      await publishing;
    }
    await this.parts.publisher.markThrough(batch.lane, this.parts.progress.through(batch.lane));
  }

  private decideSlice(slice: RecordBatch, first: TransportRecord | undefined): Promise<Committed> {
    if (first === undefined || !isAlone(first)) return this.decide(slice);
    return isRenewal(first) ? this.renewals.execute(slice, first) : this.approvals.execute(slice, first);
  }

  /** Publishes what the lane's last owner committed and may not have sent. */
  takeOver(lane: LaneLease): Promise<void> {
    return this.parts.progress.takeOver(lane);
  }

  /**
   * Ends a record whose handling is a defect of ours, alone in its batch: `internal_denied`, with a dead letter as
   * evidence. No id is occupied, so the sender may ask again with the same key once the defect is mended.
   */
  endDefect({ record, lane }: Pick<RecordDefect, 'record' | 'lane'>): Promise<void> {
    return this.inTurn(lane, async () => {
      const { deadLetters, registry, progress, decide } = this.parts;
      await this.takeOver(lane);
      const { refusal } = refuse(record, 'internal_denied');
      await deadLetters.report(record, refusal.code);
      const offsets = { first: record.offset, last: record.offset };
      const facts = await registry.at({});
      const publishedThrough = progress.through(lane);
      const slice = { lane, offsets, intents: [], refusals: [refusal], facts, publishedThrough };
      await publishCommitted(this.parts, lane, await decideInTransaction(slice, decide));
    });
  }

  private inTurn(lane: LaneLease, act: () => Promise<void>): Promise<void> {
    return this.parts.turns.take(lane, async () => {
      try {
        await act();
      } catch (error) {
        this.parts.progress.doubt(lane); // the lane may have another turn before it is acquired again
        throw error;
      }
    });
  }

  private async decide(batch: RecordBatch): Promise<Committed> {
    const { metrics } = this.parts;
    const judged = metrics.cpu('authorizer_decode', () => batch.records.map(decodeIntent));
    const decoded = judged.flatMap((each) => (each.ok ? [each.value] : []));
    const unread = judged.flatMap((each) => (each.ok ? [] : [each.refusal]));
    await this.keepUnreadable(unread);
    const { limits, decide } = this.parts;
    const charges = new BatchCharges(limits, (ids) => findRecordedIntents(decide.pool, ids));
    const effects: Effects = { charges, moved: new Set() };
    for (let redo = 0; ; redo += 1) {
      try {
        const committed = await this.decideOnce(batch, { decoded, unread }, effects);
        charges.settle(committed.refusals);
        return committed;
      } catch (error) {
        if (!(error instanceof RegistryMoved) || redo === REDOS_MAX) throw error;
      }
    }
  }

  private async decideOnce(
    batch: RecordBatch,
    { decoded, unread }: { readonly decoded: readonly DecodedIntent[]; readonly unread: readonly Refusal[] },
    effects: Effects,
  ): Promise<Committed> {
    const { metrics, registry, decide } = this.parts;
    const facts = await metrics.wall('authorizer_facts', () => registry.at(needsOf(decoded)));
    const verified = await metrics.wall('authorizer_verify', () => this.verify(decoded, facts));
    const placed = await this.place(batch, verified, effects.moved);
    const limited = await effects.charges.limit(placed, (each) => typeof ownChain(each, facts) !== 'string');
    const answers = metrics.cpu('authorizer_policy', () => this.evaluate(limited, facts));
    const refusals = [...unread, ...[...answers.values()].flatMap((each) => (each.ok ? [] : [each.refusal]))];
    const committed = await metrics.wall('authorizer_transaction', () =>
      decideInTransaction(
        {
          lane: batch.lane,
          offsets: { first: offsetAt(batch, 0), last: offsetAt(batch, batch.records.length - 1) },
          intents: [...answers.values()].flatMap((each) => (each.ok ? [each.value] : [])),
          refusals,
          facts,
          publishedThrough: this.parts.progress.through(batch.lane),
        },
        decide,
      ),
    );
    metrics.batch('authorizer', batch.records.length);
    this.size.learn(batch.records.length, committed.locked);
    return committed;
  }

  private verify(decoded: readonly DecodedIntent[], facts: RegistryFacts): Promise<Judged<Candidate>[]> {
    const { decide, clock } = this.parts;
    return verifyIntents(decoded, {
      keys: (kid) => facts.key(kid),
      isAgent: (id) => facts.party('agent', id) !== undefined,
      issuer: decide.naming.issuer,
      atMs: clock.nowMs(),
    });
  }

  /** A verified intent that lies where its key does not belong goes back to the log under its key, before the commit. */
  private async place(
    batch: RecordBatch,
    verified: readonly Judged<Candidate>[],
    moved: Set<bigint>,
  ): Promise<Judged<Candidate>[]> {
    const isStray = (each: Judged<Candidate>): boolean =>
      each.ok && !isUnderKey(each.value.record, each.value.claims.mandate, batch.partitions);
    const strays = verified.flatMap((each) => (each.ok && isStray(each) ? [each.value] : []));
    const left = strays.filter(({ record }) => !moved.has(record.offset));
    const moves = left.map(({ record, claims }) => ({ record, key: claims.mandate }));
    await reappendUnderKey(this.parts.transport, moves);
    for (const { record } of left) moved.add(record.offset);
    return strays.length === 0 ? [...verified] : verified.filter((each) => !isStray(each));
  }

  private evaluate(limited: readonly Judged<Candidate>[], facts: RegistryFacts): Answers {
    const { policies, decide } = this.parts;
    const candidates = limited.flatMap((each) => (each.ok ? [each.value] : []));
    const verdicts = evaluatePolicies(candidates, facts, policies, decide.rules.currencies);
    const answers = new Map<bigint, Judged<EvaluatedIntent>>();
    for (const each of limited) if (!each.ok) answers.set(each.refusal.record.offset, each);
    candidates.forEach((candidate, index) => {
      const policy = verdicts[index] ?? 'unknown';
      answers.set(candidate.record.offset, { ok: true, value: { candidate, policy } });
    });
    return answers;
  }

  /** Before the commit: after a crash in between a letter may stand twice, never not at all. */
  private async keepUnreadable(refusals: readonly Refusal[]): Promise<void> {
    for (const { record, code, field, unreadable } of refusals) {
      if (unreadable) await this.parts.deadLetters.report(record, code, field ?? undefined);
    }
  }
}

/** Decided in a transaction of its own: what it is about was decided before. */
function isAlone(record: TransportRecord): boolean {
  return isApproval(record) || isRenewal(record);
}

/** Intents up to the next approval or renewal, or one of these alone: all before it in the lane is committed when it is decided. */
function nextSlice(records: RecordBatch['records'], at: number, most: number): RecordBatch['records'] {
  const slice = records.slice(at, at + most);
  const alone = slice.findIndex(isAlone);
  return alone === -1 ? slice : slice.slice(0, Math.max(1, alone));
}

function offsetAt(batch: RecordBatch, index: number): bigint {
  const record = batch.records[index];
  if (record === undefined) throw new DependencyError('ERR_EMPTY_BATCH', `no record ${index} in the batch`);
  return record.offset;
}
