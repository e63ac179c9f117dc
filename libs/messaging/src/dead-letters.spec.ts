import { describe, expect, it } from '@jest/globals';
import { parseEvent } from '@spendgate/codec';
import { createHash } from 'node:crypto';
import { DeadLetters, type DeadLetter } from './dead-letters.js';
import type { OutgoingRecord, TransportRecord } from './event-transport.js';
import { TOPICS } from './topics.js';

const RECORD: TransportRecord = {
  topic: TOPICS.paymentIntents,
  partition: 3,
  offset: 2n ** 60n,
  key: Buffer.from('k'.repeat(1_000)),
  value: Buffer.from('x'.repeat(5_000)),
  headers: { ce_id: 'a', traceparent: 't' },
  appendedAtMs: 1_750_000_000_000,
};

/** Keeps what would be sent: the log is the one outside world here. */
function open(): { letters: DeadLetters; sent: OutgoingRecord[]; clock: { ms: number } } {
  const sent: OutgoingRecord[] = [];
  const clock = { ms: 0 };
  const publish = (_topic: string, records: readonly OutgoingRecord[]) => {
    sent.push(...records);
    return Promise.resolve([]);
  };
  return { letters: new DeadLetters({ publish }, { nowMs: () => clock.ms }, 'urn:spendgate:test'), sent, clock };
}

function letterOf(record: OutgoingRecord | undefined): DeadLetter {
  return JSON.parse(String(record?.value)) as DeadLetter; // written by the code under test
}

describe('DeadLetters', () => {
  it('writes what the schema of the topic says', async () => {
    const { letters, sent } = open();
    await letters.report(RECORD, 'malformed', 'amount.value');
    await letters.report({ ...RECORD, key: null, value: null }, 'ERR_TEST_DEFECT');
    const parsed = sent.map(({ value }) => parseEvent('dead-letters.v1', value ?? Buffer.alloc(0)));
    expect(parsed).toMatchObject([{ ok: true }, { ok: true }]);
  });

  it('keeps 4 KiB of the payload, its length and its digest, under the place it came from', async () => {
    const { letters, sent } = open();
    await letters.report(RECORD, 'encoding_invalid', 'payload.amount');
    expect(letterOf(sent[0])).toMatchObject({
      topic: 'payment-intents.v1',
      partition: 3,
      offset: '1152921504606846976',
      reason: 'encoding_invalid',
      field: 'payload.amount',
      payload_bytes: 5_000,
      payload_hash: createHash('sha256').update('x'.repeat(5_000)).digest('base64url'),
      suppressed: 0,
    });
    expect(Buffer.from(letterOf(sent[0]).payload, 'base64')).toHaveLength(4_096);
    expect(Buffer.from(letterOf(sent[0]).key ?? '', 'base64')).toHaveLength(256);
    expect(sent[0]?.key).toBe('payment-intents.v1/3');
    expect(sent[0]?.headers).toMatchObject({ ce_id: 'payment-intents.v1/3/1152921504606846976', traceparent: 't' });
  });

  it('tells a tombstone from an empty value', async () => {
    const { letters, sent } = open();
    await letters.report({ ...RECORD, value: null }, 'malformed');
    await letters.report({ ...RECORD, value: Buffer.alloc(0) }, 'malformed');
    expect(sent.map((each) => letterOf(each).tombstone)).toEqual([true, false]);
  });

  it('writes 100 letters of a partition at once, then 10 a second, and counts what it leaves out', async () => {
    const { letters, sent, clock } = open();
    for (let at = 0; at < 150; at += 1) await letters.report(RECORD, 'malformed');
    expect(sent).toHaveLength(100);
    clock.ms = 100;
    expect(await letters.report(RECORD, 'malformed')).toBe(true);
    expect(await letters.report(RECORD, 'malformed')).toBe(false);
    expect(letterOf(sent.at(-1)).suppressed).toBe(50);
    expect(await letters.report({ ...RECORD, partition: 4 }, 'malformed')).toBe(true);
  });

  it('puts no text of a stranger where a reason belongs', async () => {
    const { letters, sent } = open();
    await letters.report(RECORD, 'a reason\nwith a line of its own');
    expect(letterOf(sent[0]).reason).toBe('malformed');
  });
});
