import { describe, expect, it } from '@jest/globals';
import { canonicalize } from '@spendgate/codec';
import { canonicalCases } from './published-vectors.js';

describe('RFC 8785 vectors', () => {
  it.each(canonicalCases().map((each) => [each.name, each] as const))('%s: gives the exact bytes', (_, each) => {
    const value: unknown = JSON.parse(each.input.toString('utf8')); // floats are allowed here, so not our strict parser
    expect(Buffer.from(canonicalize(value)).toString('hex')).toBe(each.output.toString('hex'));
  });
});
