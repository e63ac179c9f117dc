import { describe, expect, it } from '@jest/globals';
import { type ActingPerson, decideApproval } from './decide-approval.js';

const ada: ActingPerson = { person: 'ada', kid: 'key-a', roles: ['operator', 'approver'] };
const grace: ActingPerson = { person: 'grace', kid: 'key-g', roles: ['operator', 'approver'] };

describe('decideApproval', () => {
  it('grants what an operator asks and another person approves', () => {
    expect(decideApproval(ada, grace)).toEqual({ outcome: 'granted' });
  });

  it.each([
    ['same_person', 'nobody approves their own request, not with a second key either', ada, { ...ada, kid: 'key-b' }],
    ['same_key', 'one key under two names is one person', ada, { ...grace, kid: 'key-a' }],
    ['requester_not_operator', 'only operators ask', { ...ada, roles: ['approver'] }, grace],
    ['approver_not_approver', 'only approvers approve', ada, { ...grace, roles: ['operator'] }],
  ] as const)('refuses as %s: %s', (because, _reason, requester, approver) => {
    expect(decideApproval(requester, approver)).toEqual({ outcome: 'refused', because });
  });
});
