import { describe, expect, it } from '@jest/globals';
import { type AwaitedApproval, checkApproval } from './check-approval.js';

const act = { approver: { person: 'ada', kid: 'key-a', roles: ['approver'] }, changeHash: 'seen' };
const awaited: AwaitedApproval = {
  code: 'approval_required',
  decisionHash: 'seen',
  askedBy: ['buyer', 'acme'],
  askedWith: 'key-b',
};

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
});
