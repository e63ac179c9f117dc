import { type Signer, signCanonical } from '@spendgate/artifact';
import { eventHeaders } from '@spendgate/codec';
import { InvariantError } from '@spendgate/core';
import type { RenderedEvent, TopicName } from '@spendgate/messaging';
import { TOPIC_NAMES } from '@spendgate/messaging';
import type { LaneLease, NumberedOutboxRow } from '@spendgate/store';
import { OUTBOX_KINDS } from './outbox-events.js';

export const ARTIFACT_TYP = 'authorization-artifact+jwt';

/** What is signed and sent of an artifact. */
export interface StoredClaims {
  readonly claims: string;
  readonly issuedAtMs: number;
}

export type ClaimsSource = (artifactIds: readonly string[]) => Promise<ReadonlyMap<string, StoredClaims>>;

export interface RenderOptions {
  readonly issuer: string;
  readonly signer: Signer;
  readonly claims: ClaimsSource;
}

/**
 * Makes records of outbox rows. Bytes and headers follow from the row and the stored claims alone, and Ed25519 is
 * deterministic, so what is published again after a crash is the same event.
 */
export async function renderEvents(
  rows: readonly NumberedOutboxRow[],
  lease: LaneLease,
  { issuer, signer, claims }: RenderOptions,
): Promise<RenderedEvent[]> {
  const ids = rows.flatMap((row) => (row.kind === OUTBOX_KINDS.artifact && row.ref !== null ? [row.ref] : []));
  const stored = ids.length === 0 ? new Map<string, StoredClaims>() : await claims(ids);
  return Promise.all(
    rows.map(async (row) => {
      if (row.kind !== OUTBOX_KINDS.artifact) return bodyEvent(row, lease, issuer);
      const artifact = stored.get(row.ref ?? '');
      if (artifact === undefined) throw new InvariantError('ERR_ARTIFACT_MISSING', `outbox row ${row.seq}: ${row.ref}`);
      return artifactRecord(row, artifact, await signCanonical(signer, ARTIFACT_TYP, artifact.claims), issuer);
    }),
  );
}

function artifactRecord(row: NumberedOutboxRow, artifact: StoredClaims, jws: string, issuer: string): RenderedEvent {
  const topic = topicOf(row);
  const headers = eventHeaders(topic, {
    id: row.ref ?? '',
    source: issuer,
    timeMs: artifact.issuedAtMs,
    ...(row.key === null ? {} : { subject: row.key }),
  });
  return { topic, record: { key: row.key, value: Buffer.from(jws), headers } };
}

/** The one time each body carries. A quote inside a text is escaped, so no text can imitate it. */
const TIME = /"(?:judged|refused|transitioned|changed)_at_ms":(\d{1,16})/;

function bodyEvent(row: NumberedOutboxRow, lease: LaneLease, issuer: string): RenderedEvent {
  const body = row.body ?? 'null';
  const topic = topicOf(row);
  const headers = eventHeaders(topic, {
    id: row.ref ?? `${lease.name}/${row.seq}`, // lane and number are unique and survive a takeover
    source: issuer,
    timeMs: Number(TIME.exec(body)?.[1] ?? 0),
    ...(row.key === null ? {} : { subject: row.key }),
  });
  return { topic, record: { key: row.key, value: Buffer.from(body), headers } };
}

function topicOf(row: NumberedOutboxRow): TopicName {
  const topic = TOPIC_NAMES.find((name) => name === row.topic);
  if (topic === undefined) throw new InvariantError('ERR_UNKNOWN_TOPIC', `outbox row ${row.seq}: ${row.topic}`);
  return topic;
}
