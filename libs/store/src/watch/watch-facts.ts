import { type DomainWatch, InvariantError } from '@spendgate/core';
import { timestamps, uuids } from '../binary-arrays.js';
import { statement } from '../statement.js';
import type { Write } from '../together.js';

const WORDS = ['verified', 'broken', 'stale', 'unknown'] as const;

/** An expression: the watch over the domain as one text, one row read by its key; NULL where none was ever begun. */
export const DOMAIN_WATCH = `(SELECT governance || ' ' || floor(extract(epoch FROM due_at) * 1000)::bigint || ' '
     || flow_watch_ms FROM domain_watch)`;

/** An expression: when the flow of a row of `flow_watches` was verified last, Unix ms. */
export const VERIFIED_AT_MS = (alias: string): string =>
  `floor(extract(epoch FROM ${alias}.verified_at) * 1000)::float8`;

/** @throws {InvariantError} `ERR_WATCH_ROW` */
export function readDomainWatch(text: string | null | undefined): DomainWatch | null {
  if (text === null || text === undefined) return null;
  const [word, dueAtMs, flowWatchMs] = text.split(' ');
  const governance = WORDS.find((each) => each === word);
  if (governance === undefined) throw new InvariantError('ERR_WATCH_ROW', `"${word}" is no verdict`);
  return { governance, dueAtMs: Number(dueAtMs), flowWatchMs: Number(flowWatchMs) };
}

// In id order: two batches never wait for each other's rows in turn.
const TOUCH = statement(
  'watch-touch-flows',
  `INSERT INTO flow_watches AS w (flow_id, verified_at)
   SELECT f.id, f.at FROM unnest($1::uuid[], $2::timestamptz[]) AS f (id, at) ORDER BY f.id
   ON CONFLICT (flow_id) DO UPDATE SET verified_at = greatest(w.verified_at, excluded.verified_at)`,
);

/** Flows that were found whole, each limb of them, at a time in Unix ms. Their rows are locked, or nobody decides. */
export function touchFlowsWrite(flowIds: readonly string[], atMs: number): Write {
  return { statement: TOUCH, values: [uuids(flowIds), timestamps(flowIds.map(() => atMs))] };
}
