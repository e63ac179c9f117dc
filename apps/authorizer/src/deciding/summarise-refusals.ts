import { encodeLeaf, readRecordHeaders, sha256 } from '@spendgate/codec';
import type { LeafRow, OutboxRow, RefusalRow, SaltSource } from '@spendgate/store';
import type { Refusal } from '../intake/candidate.js';
import type { TokenBuckets } from '@spendgate/platform';
import { recordDigest, refusalEvent, refusalSummaryEvent } from '../publishing/outbox-events.js';

/** Rows of a batch's refusals: an answer to each record, and one audit leaf per reason however many there are. */
export interface SummarisedRefusals {
  readonly rows: readonly RefusalRow[];
  readonly leaves: readonly LeafRow[];
  readonly events: readonly OutboxRow[];
}

export interface SummaryOptions {
  readonly issuer: string;
  readonly salts: SaltSource;
  /** Database clock after the locks, Unix ms. */
  readonly judgedAtMs: number;
  /** Single events per second and partition; what is above is told in one event per code. */
  readonly eventRate: TokenBuckets;
}

/** Cheap to send must be cheap to refuse: rows and leaves do not grow with what a stranger writes into his record. */
export function summariseRefusals(refusals: readonly Refusal[], options: SummaryOptions): SummarisedRefusals {
  const byCode = groupByCode(refusals);
  return {
    rows: refusals.map(toRow),
    leaves: [...byCode].map(([code, same]) => leafOf(code, same, options)),
    events: [...byCode.values()].flatMap((same) => eventsOf(same, options.eventRate)),
  };
}

function groupByCode(refusals: readonly Refusal[]): Map<string, Refusal[]> {
  const groups = new Map<string, Refusal[]>();
  for (const refusal of refusals) {
    const group = groups.get(refusal.code);
    if (group === undefined) groups.set(refusal.code, [refusal]);
    else group.push(refusal);
  }
  return groups;
}

function toRow(refusal: Refusal): RefusalRow {
  const { record, code, field, decisionId } = refusal;
  const ceId = readRecordHeaders(record.headers).id;
  return { laneOffset: record.offset, code, field, ceId, digest: recordDigest(refusal), decisionId };
}

function leafOf(code: string, refusals: readonly Refusal[], { issuer, salts, judgedAtMs }: SummaryOptions): LeafRow {
  const [first, last] = [refusals[0]?.record, refusals.at(-1)?.record];
  const salt = salts.salt();
  const payload = {
    code,
    count: refusals.length,
    digest: sha256(Buffer.concat(refusals.map(recordDigest))).toString('base64url'),
    topic: first?.topic ?? '',
    partition: first?.partition ?? 0,
    first_offset: String(first?.offset ?? 0n),
    last_offset: String(last?.offset ?? 0n),
  };
  const leaf = encodeLeaf({
    domain: issuer,
    type: 'refusals_summarised',
    timeMs: judgedAtMs,
    payload,
    salt,
    causes: [],
  });
  return { ...leaf, salt };
}

/** Refusals of one code: single events while the partition's rate lasts, the rest in one. */
function eventsOf(refusals: readonly Refusal[], rate: TokenBuckets): OutboxRow[] {
  const single = refusals.filter(
    ({ record }) => rate.take(`${record.topic}/${record.partition}`, record.appendedAtMs) === 0,
  );
  const told = new Set(single);
  const rest = refusals.filter((refusal) => !told.has(refusal));
  const [first] = rest;
  return [...single.map(refusalEvent), ...(first === undefined ? [] : [refusalSummaryEvent(first, rest)])];
}
