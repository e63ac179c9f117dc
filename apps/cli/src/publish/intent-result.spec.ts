import { describe, expect, it } from '@jest/globals';
import { Tally, intentResult } from './intent-result.js';

const answer = (status: number, body: Readonly<Record<string, unknown>>) => ({ status, body, replayed: false });

describe('intentResult', () => {
  it.each([
    ['authorized', 'a decision just made', answer(201, { outcome: 'authorized', artifact_id: 'i', artifact: 'a' })],
    [
      'denied',
      'a denial, whatever status it is read with',
      answer(200, { outcome: 'denied', code: 'budget_exceeded' }),
    ],
    ['parked', 'an interim decision', answer(202, { outcome: 'parked', code: 'approval_required', decision: 'd' })],
    ['accepted', 'in the log and not decided yet', answer(202, { outcome: null, jti: 'j' })],
    ['refused', 'a refusal, which carries its code alone', answer(401, { code: 'signature_invalid' })],
  ])('reads %s: %s', (outcome, _because, given) => {
    expect(intentResult('j', given)).toEqual({
      jti: 'j',
      outcome,
      code: given.body['code'] ?? null,
      artifact_id: given.body['artifact_id'] ?? null,
      artifact: given.body['artifact'] ?? null,
    });
  });
});

describe('Tally', () => {
  it('counts by outcome and code, most frequent first', () => {
    const tally = new Tally();
    for (const code of [null, 'budget_exceeded', null])
      tally.add({ outcome: code === null ? 'authorized' : 'denied', code });
    expect(tally.rows()).toEqual([
      { outcome: 'authorized', count: 2 },
      { outcome: 'denied budget_exceeded', count: 1 },
    ]);
  });
});
