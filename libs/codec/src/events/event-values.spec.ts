import { describe, expect, it } from '@jest/globals';
import { sha256Text } from '../hash.js';
import { encodeEvent, eventHeaders, parseEvent } from './event-values.js';
import { EVENTS, type EventOf, type JsonEventTopic } from './events.js';

const [ID, FLOW] = [1, 2].map((n) => `00000000-0000-8000-8000-00000000000${n}`) as [string, string];
const hash = sha256Text('x');
const settled = {
  ...{ v: 1 as const, settlement_id: ID, flow_id: FLOW, artifact_id: ID, action: 'capture' as const, action_id: 'c-1' },
  ...{ presenter: 'service', state: 'capturing', leaf_hash: hash, judged_at_ms: 1 },
};

/** Each form of each topic's value. */
const EXAMPLES: { readonly [T in JsonEventTopic]: readonly EventOf<T>[] } = {
  'authorization-decisions.v1': [
    {
      ...{ v: 1, decision_id: ID, intent_id: ID, intent_jti: 'a-1', flow_id: FLOW, sequence: '7', agent: 'shopper' },
      ...{ outcome: 'denied', code: 'budget_exceeded', field: 'amount', artifact_id: null },
      ...{ supersedes: null, decision_hash: hash, leaf_hash: hash, judged_at_ms: 1 },
    },
  ],
  'settlement-decisions.v1': [
    {
      ...{ ...settled, kind: 'decision', request_jti: 'a-1', request_hash: hash, outcome: 'authorized' },
      ...{ code: null, field: null, decision_hash: hash },
    },
    { ...settled, kind: 'outcome', state: 'captured', reporter: 'rail', outcome: 'completed', applied: true },
  ],
  'intent-refusals.v1': [
    {
      ...{ v: 1, kind: 'refusal', topic: 'payment-intents.v1', partition: 0, offset: '9223372036854775807' },
      ...{ ce_id: null, code: 'malformed', field: 'amount.value', decision_id: null, refused_at_ms: 1 },
    },
    {
      ...{ v: 1, kind: 'summary', topic: 'payment-intents.v1', partition: 0, first_offset: '0', last_offset: '9' },
      ...{ code: 'rate_limited', count: 10, digest: hash, refused_at_ms: 1 },
    },
  ],
  'flow-transitions.v1': [
    {
      ...{ v: 1, flow_id: FLOW, sequence: '1', epoch: 0, event: 'authority_verified', from: 'baseline' },
      ...{ to: 'authorized', leaf_hash: hash, transitioned_at_ms: 1 },
    },
  ],
  'incidents.v1': [
    {
      ...{
        v: 1,
        incident_id: ID,
        flow_id: FLOW,
        version: 1,
        change: 'opened',
        causes: ['policy'],
        rule: 'policy_hash',
      },
      ...{ leaf_hash: hash, changed_at_ms: 1 },
    },
  ],
  'dead-letters.v1': [
    {
      ...{ v: 1, topic: 'payment-intents.v1', partition: 0, offset: '0', reason: 'ERR_X', field: 'a', key: null },
      ...{
        tombstone: false,
        payload: 'eA==',
        payload_bytes: 1,
        payload_hash: hash,
        headers: { a: 'b' },
        suppressed: 0,
      },
    },
  ],
};
const cases = Object.entries(EXAMPLES).flatMap(([topic, values]) =>
  values.map((value) => [topic as JsonEventTopic, value as EventOf<JsonEventTopic>] as const),
); // Object.entries forgets which value belongs to which topic; each pair is right by the type of EXAMPLES

describe('event values', () => {
  it.each(cases)('of %s are read back as they were written, in RFC 8785 form', (topic, value) => {
    const bytes = encodeEvent(topic, value);
    expect(parseEvent(topic, bytes)).toEqual({ ok: true, event: value });
    expect(encodeEvent(topic, value)).toEqual(bytes);
  });

  it.each(cases)('of %s are refused with a member missing or unknown, and without their version', (topic, value) => {
    for (const name of Object.keys(value)) {
      const rest = Object.fromEntries(Object.entries(value).filter(([other]) => other !== name));
      const result = parseEvent(topic, Buffer.from(JSON.stringify(rest)));
      expect([name, result.ok]).toEqual([name, name === 'field' && topic === 'dead-letters.v1']);
    }
    const more = parseEvent(topic, Buffer.from(JSON.stringify({ ...value, surplus: 1 })));
    expect(more).toEqual({ ok: false, code: 'unknown_field', field: 'surplus' });
    expect(parseEvent(topic, Buffer.from(JSON.stringify({ ...value, v: 2 }))).ok).toBe(false);
  });

  it('that our own code got wrong are not written', () => {
    const wrong = { ...EXAMPLES['flow-transitions.v1'][0], sequence: '-1' } as EventOf<'flow-transitions.v1'>; // on purpose
    expect(() => encodeEvent('flow-transitions.v1', wrong)).toThrow();
  });

  it('on decision and settlement topics carry no money and no payee', () => {
    for (const topic of ['authorization-decisions.v1', 'settlement-decisions.v1'] as const) {
      const text = EXAMPLES[topic].map((value) => encodeEvent(topic, value as never).toString()).join(); // each of its topic
      expect(text).not.toMatch(/"(amount|currency|counterparty)":/);
    }
  });

  it('on the decision topic name an artifact by its id alone: who may use it fetches it', () => {
    expect(Object.keys(EVENTS['authorization-decisions.v1'].schema.shape)).not.toContain('artifact_hash');
  });

  it('travel with the CloudEvents type and media type of their topic', () => {
    const headers = eventHeaders('checkpoints.v1', {
      id: 'a',
      source: 'urn:spendgate:test',
      timeMs: 0,
      subject: 'log',
    });
    expect(headers).toMatchObject({
      ce_type: 'spendgate.checkpoint.v1',
      'content-type': 'text/plain; charset=utf-8',
      ce_subject: 'log',
    });
  });

  it('have a type of their own for every topic', () => {
    const types = Object.values(EVENTS).map(({ ceType }) => ceType);
    expect(new Set(types).size).toBe(types.length);
    expect(types.length).toBe(12);
  });
});
