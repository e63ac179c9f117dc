import type { RecordBatch } from '@spendgate/messaging';
import {
  type RegistryFacts,
  RegistryMoved,
  advanceLane,
  fence,
  inTransaction,
  insertRefusals,
  readHotState,
  recordAttestations,
  shareControl,
  writeLeaves,
  writeOutbox,
} from '@spendgate/store';
import type { AuthorizerParts } from './authorizer-parts.js';
import { summariseRefusals } from './deciding/summarise-refusals.js';
import { type Judged, type Refusal, refuse } from './intake/candidate.js';
import { type ChosenResult, chooseResults } from './observing/choose-results.js';
import { type Observation, observationLeaf, readObservation, resultOf } from './observing/observation.js';
import { attesterNeeds, verifyObservations } from './observing/verify-observations.js';

const REDOS_MAX = 20;

/**
 * Records what registered attesters say about agents' runtimes. The newest result of an agent counts, and what changes
 * nothing costs nothing: no row, no leaf, no token of its attester's bucket.
 */
export class RecordObservations {
  constructor(private readonly parts: AuthorizerParts) {}

  /** Publishes what the lane's last owner committed and may not have sent. */
  takeOver(lane: RecordBatch['lane']): Promise<void> {
    return this.parts.progress.takeOver(lane);
  }

  async execute(batch: RecordBatch): Promise<void> {
    if (batch.records.length === 0) return;
    await this.parts.progress.takeOver(batch.lane);
    const read = batch.records.map(readObservation);
    const waits: Waits = new Map();
    for (let redo = 0; ; redo += 1) {
      try {
        return await this.once(batch, read, waits);
      } catch (error) {
        if (!(error instanceof RegistryMoved) || redo === REDOS_MAX) throw error;
      }
    }
  }

  private async once(batch: RecordBatch, read: readonly Judged<Observation>[], waits: Waits): Promise<void> {
    const { registry, decide, publisher } = this.parts;
    const observed = read.flatMap((each) => (each.ok ? [each.value] : []));
    const facts = await registry.at(attesterNeeds(observed));
    const { issuer } = decide.naming;
    const judged = await verifyObservations(observed, { facts, issuer, atMs: this.parts.clock.nowMs() });
    const refusals = [...read, ...judged].flatMap((each) => (each.ok ? [] : [each.refusal]));
    const accepted = judged.flatMap((each) => (each.ok ? [each.value] : []));
    const events = await this.commit(batch, { accepted, refusals, facts }, waits);
    await publisher.publish(batch.lane, events.rows);
    this.parts.progress.published(batch.lane, events.next);
    await publisher.markThrough(batch.lane, events.next);
  }

  private commit(
    batch: RecordBatch,
    { accepted, refusals, facts }: Verified,
    waits: Waits,
  ): Promise<{ rows: Parameters<AuthorizerParts['publisher']['publish']>[1]; next: bigint }> {
    const { decide, registry } = this.parts;
    const { issuer, salts } = decide.naming;
    return inTransaction(decide.pool, async (tx) => {
      await shareControl(tx);
      const [first, last] = [batch.records[0]?.offset ?? 0n, batch.records.at(-1)?.offset ?? 0n];
      const lane = await fence(tx, batch.lane, first, last);
      const agentIds = [...new Set(accepted.map(({ claims }) => claims.sub))];
      const hot = await readHotState(tx, { ...NOTHING, agentIds });
      registry.checkEpoch(facts, hot.controlEpoch);
      const { judgedAtMs } = hot;
      const fresh = chooseResults(accepted, hot.attestations, judgedAtMs);
      const paid = this.pay(fresh.chosen, waits);
      const changed = await recordAttestations(tx, paid.results.map(resultOf));
      const all = inOffsetOrder([...refusals, ...fresh.refusals, ...paid.refusals]);
      const refused = summariseRefusals(all, { issuer, salts, judgedAtMs, eventRate: decide.refusalEvents });
      await insertRefusals(tx, batch.lane.laneId, refused.rows);
      const recorded = paid.results.filter(({ claims }) => changed.has(claims.sub));
      const leaves = recorded.map((each) => observationLeaf(each, judgedAtMs, decide.naming));
      const leafSeq = await writeLeaves(tx, batch.lane, lane.leafSeq, [...leaves, ...refused.leaves]);
      const outboxSeq = await writeOutbox(tx, batch.lane, lane.outboxSeq, refused.events);
      const publishedThrough = this.parts.progress.through(batch.lane);
      await advanceLane(tx, batch.lane, { leafSeq, outboxSeq, publishedThrough });
      const rows = refused.events.map((event, index) => ({ ...event, seq: lane.outboxSeq + BigInt(index) }));
      return { rows, next: outboxSeq };
    });
  }

  /**
   * Each result that changes something takes a token of its attester's. Bad news is recorded also when there is none:
   * a flood of good news must not hold it back.
   */
  private pay(chosen: readonly ChosenResult[], waits: Waits): { results: Observation[]; refusals: Refusal[] } {
    const [results, refusals]: [Observation[], Refusal[]] = [[], []];
    for (const { observation, isBad } of chosen) {
      const { record, claims } = observation;
      const waitMs = waits.get(record.offset) ?? this.parts.attesters.take(claims.iss, record.appendedAtMs);
      waits.set(record.offset, waitMs);
      if (isBad || waitMs === 0) results.push(observation);
      else refusals.push(refuse(record, 'rate_limited', null, { retryAfterMs: waitMs }).refusal);
    }
    return { results, refusals };
  }
}

/** By offset, what the attester's bucket said: each record pays once, however often its batch is begun again. */
type Waits = Map<bigint, number>;

/** What is known of a batch before its transaction. */
interface Verified {
  readonly accepted: readonly Observation[];
  readonly refusals: readonly Refusal[];
  readonly facts: RegistryFacts;
}

/** Attestations are all that is asked for here. */
const NOTHING = { flowIds: [], mandateIds: [], rootIds: [], intentIds: [], counters: [] };

function inOffsetOrder(refusals: readonly Refusal[]): Refusal[] {
  return [...refusals].sort((a, b) => (a.record.offset < b.record.offset ? -1 : 1));
}
