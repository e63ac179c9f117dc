import { describe, expect, it } from '@jest/globals';
import { DependencyError, InvariantError } from '@spendgate/core';
import { LaneLost } from '@spendgate/store';
import { backoffMs, reactionTo } from './redeliver.js';

describe('reactionTo', () => {
  it.each([
    ['drop', 'another owner has the lane', new LaneLost('l'), 1],
    ['rewind', 'a dependency that is away comes back', new DependencyError('ERR_X', 'away'), 1_000],
    ['isolate', 'a state our code rules out is never retried', new InvariantError('ERR_X', 'defect'), 1],
    ['rewind', 'an error of no known kind may pass', new TypeError('x'), 3],
    ['isolate', 'an error of no known kind does not block the partition for ever', new TypeError('x'), 4],
  ] as const)('%s: %s', (reaction, _because, error, failures) => {
    expect(reactionTo(error, failures)).toBe(reaction);
  });
});

describe('backoffMs', () => {
  it('doubles from 50 ms up to 10 s, and stays there', () => {
    expect([1, 2, 3, 8, 9, 1_000].map(backoffMs)).toEqual([50, 100, 200, 6_400, 10_000, 10_000]);
  });
});
