import { canonicalize, readRecordHeaders, sha256 } from '@spendgate/codec';
import type { EventOf } from '@spendgate/codec';
import { type RecordBatch, TOPICS, type TransportRecord } from '@spendgate/messaging';
import type { OutboxRow, RefusalRow } from '@spendgate/store';
import type { GateParts } from '../gate-parts.js';
import { type GateAnswer, type GateItem, type GateRefusal, refuse } from './gate-item.js';
import { RegistryView } from './registry-view.js';
import { type DecodedRequest, decodeRequest, verifyRequest } from './request-reader.js';
import type { RefusalEffects } from './settle-batch.js';

/** Refusals of a batch that get an event each; beyond these one summary per code. */
const SINGLE_EVENTS_MAX = 200;
/** Codes of what nobody could read as a request: kept as evidence in dead letters. */
const UNREADABLE: ReadonlySet<string> = new Set(['malformed', 'too_large', 'encoding_invalid', 'type_mismatch']);

interface Refused {
  readonly record: TransportRecord;
  readonly refusal: GateRefusal;
}

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
      refused: (answers, judgedAtMs) => {
        const all = [...refused, ...refusedIn(answers, sources)];
        const leaves = summaries(all).map((payload) =>
          leafWriter.write('refusals_summarised', judgedAtMs, payload, []),
        );
        return { rows: all.map(rowOf), leaves, events: eventsOf(all, judgedAtMs) } satisfies RefusalEffects;
      },
    });
    events.push(lane, settled.events);
    if (settled.transfers.length > 0) caller.call(settled.transfers);
  }

  private async read(records: readonly TransportRecord[]): Promise<(GateItem | GateRefusal)[]> {
    const decoded = records.map(({ value }) => (value === null ? refuse('malformed', 'token') : decodeRequest(value)));
    const kids = decoded.flatMap((each) => (each.kind === 'decoded' ? [each.jws.header.kid] : []));
    const { registry, clock } = this.parts.runtime;
    const view = new RegistryView(await registry.at({ kids }), this.parts.policies);
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

function digestOf(record: TransportRecord): Buffer {
  return sha256(record.value ?? '');
}

function rowOf({ record, refusal }: Refused): RefusalRow {
  const { code, field } = refusal;
  const ceId = readRecordHeaders(record.headers).id;
  return { laneOffset: record.offset, code, field, ceId, digest: digestOf(record), decisionId: null };
}

function byCode(refused: readonly Refused[]): [string, Refused[]][] {
  const groups = new Map<string, Refused[]>();
  for (const each of refused) {
    const group = groups.get(each.refusal.code) ?? [];
    group.push(each);
    groups.set(each.refusal.code, group);
  }
  return [...groups];
}

/** Payload schema refusals/1: one per reason, however many records. */
function summaries(refused: readonly Refused[]): object[] {
  return byCode(refused).map(([code, same]) => ({
    topic: same[0]?.record.topic ?? '',
    partition: same[0]?.record.partition ?? 0,
    first_offset: String(same[0]?.record.offset ?? 0),
    last_offset: String(same.at(-1)?.record.offset ?? 0),
    code,
    count: same.length,
    digest: groupDigest(same),
  }));
}

function groupDigest(refused: readonly Refused[]): string {
  return sha256(Buffer.concat(refused.map(({ record }) => digestOf(record)))).toString('base64url');
}

type IntentRefused = EventOf<'intent-refusals.v1'>;

function eventsOf(refused: readonly Refused[], refusedAtMs: number): OutboxRow[] {
  const single = refused.slice(0, SINGLE_EVENTS_MAX).map((each): OutboxRow => {
    const { record, refusal } = each;
    const event: IntentRefused = {
      v: 1,
      topic: record.topic,
      partition: record.partition,
      kind: 'refusal',
      offset: String(record.offset),
      ce_id: readRecordHeaders(record.headers).id,
      code: refusal.code,
      field: refusal.field,
      decision_id: null,
      refused_at_ms: refusedAtMs,
    };
    return refusalRow(record, `refusal/${record.offset}`, event);
  });
  const rest = byCode(refused.slice(SINGLE_EVENTS_MAX)).flatMap(([, same]) => summaryEvent(same, refusedAtMs));
  return [...single, ...rest];
}

function summaryEvent(same: readonly Refused[], refusedAtMs: number): OutboxRow[] {
  const [first, last] = [same[0], same.at(-1)];
  if (first === undefined || last === undefined) return [];
  const { record, refusal } = first;
  const event: IntentRefused = {
    v: 1,
    topic: record.topic,
    partition: record.partition,
    kind: 'summary',
    first_offset: String(record.offset),
    last_offset: String(last.record.offset),
    code: refusal.code,
    count: same.length,
    digest: groupDigest(same),
    refused_at_ms: refusedAtMs,
  };
  return [refusalRow(record, `refusals/${record.offset}/${refusal.code}`, event)];
}

function refusalRow(record: TransportRecord, kind: string, event: IntentRefused): OutboxRow {
  const key = `${record.topic}/${record.partition}`;
  return { topic: TOPICS.intentRefusals, key, kind, ref: null, flowId: null, body: canonicalize(event) };
}
