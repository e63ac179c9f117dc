import { eventHeaders } from '@spendgate/codec';
import { InvariantError } from '@spendgate/core';
import { type RenderedEvent, TOPIC_NAMES } from '@spendgate/messaging';
import type { NumberedOutboxRow } from '@spendgate/store';

/** The one time each body carries. A quote inside a text is escaped, so no text can imitate it. */
const TIME = /"(?:judged|refused|transitioned|changed)_at_ms":(\d{1,16})/;

/**
 * Makes records of the gate's outbox rows. Everything follows from the row, so an event published again after a crash
 * has the same id and the same bytes.
 */
export function renderEvents(rows: readonly NumberedOutboxRow[], source: string): RenderedEvent[] {
  return rows.map((row) => {
    const topic = TOPIC_NAMES.find((name) => name === row.topic);
    const { body, key } = row;
    if (topic === undefined || body === null) throw new InvariantError('ERR_OUTBOX_ROW', `${row.seq}: ${row.topic}`);
    const naming = { id: `${row.ref ?? key ?? ''}/${row.kind}`, source, timeMs: Number(TIME.exec(body)?.[1] ?? 0) };
    const headers = eventHeaders(topic, key === null ? naming : { ...naming, subject: key });
    return { topic, record: { key, value: Buffer.from(body), headers } };
  });
}
