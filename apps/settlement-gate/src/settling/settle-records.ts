import type { RecordBatch, TransportRecord } from '@spendgate/messaging';
import type { LaneLease } from '@spendgate/store';
import type { GateParts } from '../gate-parts.js';
import { type GateAnswer, type GateItem, type GateRefusal, refuse } from './gate-item.js';
import { RegistryView } from './registry-view.js';
import { type DecodedRequest, decodeRequest, verifyRequest } from './request-reader.js';
import { type Refused, refusalEffects } from './refusal-effects.js';

/** Codes of what nobody could read as a request: kept as evidence in dead letters. */
const UNREADABLE: ReadonlySet<string> = new Set(['malformed', 'too_large', 'encoding_invalid', 'type_mismatch']);

/** The gate's door on the log: a partition's records, decided in one transaction with their offsets. */
export class SettleRecords {
  constructor(private readonly parts: GateParts) {}

  /** Resolves after effects, offsets and answers are committed. @throws {DependencyError} to be redelivered */
  async execute(batch: RecordBatch): Promise<void> {
    const { records, lane } = batch;
    const [first, last] = [records[0]?.offset, records.at(-1)?.offset];
    if (first === undefined || last === undefined || batch.isStale()) return;
    const read = await this.read(records);
    const items: GateItem[] = [];
    const sources: TransportRecord[] = [];
    const refused: Refused[] = [];
    for (const [index, result] of read.entries()) {
      const record = records[index];
      if (record === undefined) continue;
      if (result.kind === 'refused') refused.push({ record, refusal: result });
      else {
        items.push(result);
        sources.push(record);
      }
    }
    await this.keepEvidence(refused);
    const { settle, leafWriter, events, caller } = this.parts;
    const settled = await settle.execute(lane, items, {
      first,
      last,
      refused: (answers, judgedAtMs) =>
        refusalEffects([...refused, ...refusedIn(answers, sources)], judgedAtMs, leafWriter),
    });
    events.push(lane, settled.events);
    if (settled.transfers.length > 0) caller.call(settled.transfers);
  }

  /** Publishes what the lane's owner before left unpublished. */
  takeOver(lane: LaneLease): Promise<void> {
    return this.parts.events.takeOver(lane);
  }

  /** A record that meets a state our code rules out, alone: denied as ours to mend, and the lane goes on. */
  async contain(record: TransportRecord, lane: LaneLease, defect: Error): Promise<void> {
    const { settle, events, deadLetters, runtime } = this.parts;
    runtime.logger.error(`settlement request denied by a defect of ours: ${defect.stack ?? defect.message}`);
    await deadLetters.report(record, 'internal_denied');
    const refused = [{ record, refusal: refuse('internal_denied', null, { verified: true }) }];
    const settled = await settle.execute(lane, [], {
      first: record.offset,
      last: record.offset,
      refused: (_, judgedAtMs) => refusalEffects(refused, judgedAtMs, this.parts.leafWriter),
    });
    events.push(lane, settled.events);
  }

  private async read(records: readonly TransportRecord[]): Promise<(GateItem | GateRefusal)[]> {
    const decoded = records.map(({ value }) => (value === null ? refuse('malformed', 'token') : decodeRequest(value)));
    const kids = decoded.flatMap((each) => (each.kind === 'decoded' ? [each.jws.header.kid] : []));
    const { registry, clock, domain } = this.parts.runtime;
    const view = new RegistryView(await registry.at({ kids }), this.parts.policies, domain.issuer);
    const nowMs = clock.nowMs();
    return Promise.all(decoded.map((each, index) => this.verify(each, records[index]?.appendedAtMs ?? nowMs, view)));
  }

  private async verify(
    decoded: DecodedRequest | GateRefusal,
    appendedAtMs: number,
    view: RegistryView,
  ): Promise<GateItem | GateRefusal> {
    if (decoded.kind === 'refused') return decoded;
    const domain = this.parts.runtime.domain.issuer;
    const item = await verifyRequest(decoded, view, { domain, nowMs: appendedAtMs, appendedAtMs });
    if (item.kind === 'refused') return item;
    // By the log's clock: a redelivered batch meets the same answer, a backlog is judged by how fast it was sent.
    const waitMs = this.parts.presenterRate.take(item.by.partyId, appendedAtMs);
    return waitMs === 0 ? item : refuse('rate_limited', null, { verified: true, retryAfterMs: waitMs });
  }

  private async keepEvidence(refused: readonly Refused[]): Promise<void> {
    for (const { record, refusal } of refused) {
      if (!UNREADABLE.has(refusal.code)) continue;
      await this.parts.deadLetters.report(record, refusal.code, refusal.field ?? undefined);
    }
  }
}

/** What the fold itself refused: a key revoked meanwhile, a clock beyond its bound, a report nobody may make. */
function refusedIn(answers: readonly GateAnswer[], sources: readonly TransportRecord[]): Refused[] {
  return answers.flatMap((answer, index) => {
    const record = sources[index];
    return answer.kind === 'refused' && record !== undefined ? [{ record, refusal: answer }] : [];
  });
}
