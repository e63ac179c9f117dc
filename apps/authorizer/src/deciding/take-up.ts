import { intentBodyHash } from '@spendgate/codec';
import { InvariantError } from '@spendgate/core';
import { TOPICS, type TransportRecord } from '@spendgate/messaging';
import type { ParkedIntentRow } from '@spendgate/store';
import type { Candidate } from '../intake/candidate.js';
import type { DecodedApproval } from '../intake/decode-approval.js';
import { decodeIntent } from '../intake/decode-intent.js';
import { decodeGiven } from '../intake/given-approvals.js';
import type { Waiting } from './decided-intent.js';

/** An intent that waits, as it lay in the log, ready to be decided once more. */
export interface TakenUp {
  readonly candidate: Candidate;
  readonly waiting: Waiting;
  /** What people have said for it, while it waits for another; not yet verified again. */
  readonly given: readonly DecodedApproval[];
}

/**
 * The record as it lay in the log, or what is wrong with its row. Its signature was verified when it was taken.
 *
 * @param laneName lane of the partition in which it lay
 */
export function takeUp(row: ParkedIntentRow, laneName: string): TakenUp | InvariantError {
  const record: TransportRecord = {
    topic: TOPICS.paymentIntents,
    partition: partitionOf(laneName),
    offset: row.laneOffset,
    key: null,
    value: Buffer.from(row.request, 'latin1'), // compact form is ASCII only
    headers: {},
    appendedAtMs: row.appendedAtMs,
  };
  const decoded = decodeIntent(record);
  if (!decoded.ok) return new InvariantError('ERR_STORED_DECISION', `${row.decisionId}: ${decoded.refusal.code}`);
  const { claims, compact } = decoded.value;
  const bodyHash = intentBodyHash(claims);
  const candidate = { ...decoded.value, intentId: row.intentId, bodyHash, kid: compact.header.kid };
  const { decisionId, attempt, parkedUntilMs: untilMs, leafHash } = row;
  const waiting = { decisionId, attempt, untilMs, leafHash };
  return { candidate, waiting, given: decodeGiven(row.approvals, candidate) };
}

/** `payment-intents.v1/3` → 3. @throws {InvariantError} `ERR_LANE_NAME`: no lane in which an intent can wait */
function partitionOf(name: string): number {
  const partition = /\/(\d{1,9})$/.exec(name)?.[1];
  if (partition === undefined) throw new InvariantError('ERR_LANE_NAME', name);
  return Number(partition);
}
