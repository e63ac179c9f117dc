import { describe, expect, it } from '@jest/globals';
import { classifyRequest } from './classify-request.js';

describe('classifyRequest', () => {
  const recorded = { settlementId: 's', bodyHash: 'body' };

  it.each([
    ['new', 'an id never seen', null, 'body'],
    ['recorded', 'A22: the same request, however often it is signed again', recorded, 'body'],
    ['conflict', 'A22: another amount under the same id', recorded, 'other'],
  ] as const)('%s: %s', (answer, _why, known, body) => {
    expect(classifyRequest(known, body)).toBe(answer);
  });
});
