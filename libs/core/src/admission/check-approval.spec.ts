import { describe, expect, it } from '@jest/globals';
import { type AwaitedApproval, checkApproval } from './check-approval.js';

const ada = { person: 'ada', kid: 'key-a', roles: ['approver'] };
const act = { approver: ada, changeHash: 'seen', says: 'approved' as const };
const awaited: AwaitedApproval = {
  code: 'approval_required',
  decisionHash: 'seen',
  askedBy: ['buyer', 'acme'],
  askedWith: 'key-b',
  given: [],
};
const given = { person: 'grace', kid: 'key-g', changeHash: 'before' };

describe('who may answer for an intent that waits', () => {
  it('an approver who asked for nothing of it and signed for this very decision', () => {
    expect(checkApproval(act, awaited)).toBeNull();
  });

  it.each([
    ['scope_mismatch', 'action', 'an operator is no approver', { roles: ['operator'] }, {}],
    ['scope_mismatch', 'iss', 'I10: the principal in whose name it is asked', {}, { askedBy: ['buyer', 'ada'] }],
    ['scope_mismatch', 'iss', 'I10: the key it was asked with, under another name', {}, { askedWith: 'key-a' }],
    ['scope_mismatch', 'change_hash', 'something else was approved', {}, { decisionHash: 'another' }],
    ['flow_contained', null, 'it waits for a release', {}, { code: 'flow_contained' }],
  ] as const)('%s (%s): %s', (code, field, _because, approver, asked) => {
    const other = { ...act, approver: { ...act.approver, ...approver } };
    expect(checkApproval(other, { ...awaited, ...asked })).toEqual({ code, field });
  });

  it.each([
    ['another person, who looked at the decision that says that one has approved', {}, 'seen'],
    ['another person, who looked at the same one as the first', {}, 'before'],
  ])('the second of two: %s', (_who, approver, changeHash) => {
    const second = { ...act, approver: { ...ada, ...approver }, changeHash };
    expect(checkApproval(second, { ...awaited, given: [given] })).toBeNull();
  });

  it.each([
    ['the first once more', { person: 'grace' }],
    ['the first under another name, by the same key', { kid: 'key-g' }],
  ])('I10: the second of two is not %s, who may only refuse', (_who, approver) => {
    const twice = { ...act, approver: { ...ada, ...approver } };
    const one = { ...awaited, given: [given] };
    expect(checkApproval(twice, one)).toEqual({ code: 'scope_mismatch', field: 'same_person' });
    expect(checkApproval({ ...twice, says: 'refused' }, one)).toBeNull();
  });
});
