import { type EventOf, canonicalize, readRecordHeaders, sha256 } from '@spendgate/codec';
import { TOPICS, type TransportRecord } from '@spendgate/messaging';
import type { OutboxRow, RefusalRow } from '@spendgate/store';
import type { GateRefusal } from './gate-item.js';
import type { RefusalEffects } from './settle-batch.js';
import type { LeafWriter } from './settlement-leaves.js';

/** Refusals of a batch that get an event each; beyond these one summary per code. */
const SINGLE_EVENTS_MAX = 200;

/** A record that gets an answer but no decision. */
export interface Refused {
  readonly record: TransportRecord;
  readonly refusal: GateRefusal;
}

/** Rows, leaves and events of a batch's refusals: cheap to send must be cheap to refuse, so one leaf per reason. */
export function refusalEffects(refused: readonly Refused[], judgedAtMs: number, leaves: LeafWriter): RefusalEffects {
  return {
    rows: refused.map(rowOf),
    leaves: summaries(refused).map((payload) => leaves.write('refusals_summarised', judgedAtMs, payload, [])),
    events: eventsOf(refused, judgedAtMs),
  };
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
