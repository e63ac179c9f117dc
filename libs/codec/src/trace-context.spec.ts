import { describe, expect, it } from '@jest/globals';
import { formatTraceParent, parseTraceParent } from './trace-context.js';

const text = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('traceparent', () => {
  it('is read and written in version 00 (W3C Trace Context §3.2)', () => {
    const parsed = parseTraceParent(text);
    expect(parsed).toEqual({
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      parentId: '00f067aa0ba902b7',
      sampled: true,
    });
    if (parsed !== null) expect(formatTraceParent(parsed)).toBe(text);
    expect(parseTraceParent(text.replace(/01$/, '00'))?.sampled).toBe(false);
  });

  it.each([
    ['nothing', undefined],
    ['an all-zero trace id', '00-00000000000000000000000000000000-00f067aa0ba902b7-01'],
    ['an all-zero parent id', '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01'],
    ['upper case', text.toUpperCase()],
    ['another version', text.replace(/^00/, 'ff')],
    ['more after the flags', `${text}-x`],
  ])('is dropped, not refused, for %s (§4.2)', (_, bad) => {
    expect(parseTraceParent(bad)).toBeNull();
  });
});
