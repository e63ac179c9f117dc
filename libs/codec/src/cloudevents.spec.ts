import { describe, expect, it } from '@jest/globals';
import { CloudEvent, Kafka } from 'cloudevents';
import { cloudEventHeaders, readRecordHeaders } from './cloudevents.js';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const event = {
  id: 'e-1',
  source: 'urn:spendgate:test',
  type: 'spendgate.authorization-decision.v1',
  timeMs: 1_500,
  subject: 'flow-1',
  contentType: 'application/json',
  traceparent,
};

describe('CloudEvents headers', () => {
  it('follow the binary content mode of the Kafka binding (§3.2)', () => {
    expect(cloudEventHeaders(event)).toEqual({
      ce_specversion: '1.0',
      ce_id: 'e-1',
      ce_source: 'urn:spendgate:test',
      ce_type: 'spendgate.authorization-decision.v1',
      ce_time: '1970-01-01T00:00:01.500Z',
      ce_subject: 'flow-1',
      'content-type': 'application/json',
      traceparent,
    });
  });

  it('are what the CloudEvents SDK writes for the same event', () => {
    const { id, source, type, subject } = event;
    const sdk = Kafka.binary(
      new CloudEvent({
        ...{ id, source, type, subject, specversion: '1.0', time: '1970-01-01T00:00:01.500Z', data: { a: 1 } },
        ...{ datacontenttype: 'application/json', traceparent },
      }),
    );
    // To the SDK the trace is an extension attribute; ours is the header W3C Trace Context names.
    const { 'content-type': contentType, traceparent: trace, ...attributes } = cloudEventHeaders(event);
    expect(sdk.headers).toMatchObject({ ...attributes, ce_traceparent: trace });
    expect(sdk.headers['content-type']).toBe(contentType);
  });

  it('are read by the CloudEvents SDK as the same event', () => {
    const value = Buffer.from('{"a":1}');
    const message = { headers: cloudEventHeaders(event), key: '', value, body: value };
    const read = Kafka.toEvent(message);
    expect(Array.isArray(read)).toBe(false);
    expect(read).toMatchObject({
      id: 'e-1',
      source: event.source,
      type: event.type,
      subject: 'flow-1',
      specversion: '1.0',
    });
  });

  it('are read back as they were written', () => {
    const { id, source, type, timeMs, subject, contentType } = event;
    expect(readRecordHeaders(cloudEventHeaders(event))).toEqual({
      ...{ id, source, type, timeMs, subject, contentType, traceparent },
      complete: true,
    });
  });

  it('leave a bad traceparent out instead of passing it on', () => {
    expect(cloudEventHeaders({ ...event, traceparent: 'x' })).not.toHaveProperty('traceparent');
    expect(readRecordHeaders({ traceparent: 'x' }).traceparent).toBeNull();
  });

  it.each([
    ['nothing', {}],
    ['another version', { ...cloudEventHeaders(event), ce_specversion: '0.3' }],
    ['an empty id', { ...cloudEventHeaders(event), ce_id: '' }],
    ['a line break in the id', { ...cloudEventHeaders(event), ce_id: 'a\nb' }],
    ['an id beyond the named maximum', { ...cloudEventHeaders(event), ce_id: 'a'.repeat(513) }],
    ['text that is not ASCII', { ...cloudEventHeaders(event), ce_source: 'ü' }],
  ])('from a stranger are not complete with %s', (_, headers) => {
    expect(readRecordHeaders(headers).complete).toBe(false);
  });
});
