import { describe, expect, it } from '@jest/globals';
import { hash, level, mandate, ORGANISATION, OWN, T0_MS, TEAM } from '../examples/admission-example.js';
import { LIMITS } from '../limits.js';
import { admitsCounterparty, carriesHash, findChainBreak, isRevoked, isValidAt } from './check-chain.js';
import type { Mandate } from './types.js';

describe('findChainBreak', () => {
  it('E12: verifies a chain to the root principal', () => {
    expect(findChainBreak([level(0), level(1), level(2)])).toBeNull();
    expect(findChainBreak([level(0)])).toBeNull();
  });

  it('E12: keeps the link to a parent that was amended since', () => {
    const amended = level(1, { version: 2, hash: hash('N'), supersededHashes: [hash('T')] });
    expect(findChainBreak([level(0), amended, level(2)])).toBeNull();
  });

  it('E12: takes the id for the link where the claims name no hash', () => {
    expect(findChainBreak([level(0), level(1, { parentHash: null }), level(2)])).toBeNull();
  });

  it.each([
    ['nothing', [], ''],
    ['no root', [level(1), level(2)], OWN],
    ['a missing middle', [level(0), level(2)], OWN],
    ['a parent of other claims', [level(0), level(1, { hash: hash('x') }), level(2)], OWN],
    ['another root', [level(0), level(1, { root: TEAM }), level(2)], TEAM],
    ['another principal', [level(0), level(1, { principal: 'other' }), level(2)], TEAM],
    ['another parent', [level(0), level(1), level(2, { parent: ORGANISATION })], OWN],
    ['a wrong depth', [level(0), level(1, { depth: 2 }), level(2)], TEAM],
    ['a root with a parent', [level(0, { parent: TEAM }), level(1), level(2)], ORGANISATION],
    ['a root with a parent hash', [level(0, { parentHash: hash('x') }), level(1), level(2)], ORGANISATION],
    ['a root that is not its own', [level(0, { root: TEAM }), level(1), level(2)], ORGANISATION],
    ['another path', [level(0), level(1), level(2, { path: [ORGANISATION, OWN, OWN] })], TEAM],
    ['a path too long', [level(0), level(1), level(2, { path: [ORGANISATION, TEAM, TEAM, OWN] })], OWN],
  ])('B9: is broken by %s', (_what, levels, where) => {
    expect(findChainBreak(levels)).toBe(where);
  });

  it('B9: has a named depth', () => {
    const long = Array.from({ length: LIMITS.mandateDepthMax + 1 }, () => level(2));
    expect(findChainBreak(long)).toBe(OWN);
  });
});

describe('a mandate', () => {
  it('A20: holds from its first instant to the one before its last', () => {
    const one = mandate(2, { validFromMs: T0_MS, validUntilMs: T0_MS + 2 });
    const at = [T0_MS - 1, T0_MS, T0_MS + 1, T0_MS + 2, NaN];
    expect(at.map((atMs) => isValidAt(one, atMs))).toEqual([false, true, true, false, false]);
  });

  it('is revoked from the moment it is on record, whatever the time says', () => {
    expect([isRevoked(mandate(2)), isRevoked(mandate(2, { revokedAtMs: T0_MS * 2 }))]).toEqual([false, true]);
  });

  it.each<readonly [string, boolean, Partial<Mandate>]>([
    ['anyone without a list', true, {}],
    ['its list', true, { counterparties: ['cdnow'] }],
    ['none but its list', false, { counterparties: ['other'] }],
    ['nobody on an empty list', false, { counterparties: [] }],
    ['none it blocks, also on its list', false, { counterparties: ['cdnow'], blockedCounterparties: ['cdnow'] }],
    ['whom it does not block', true, { blockedCounterparties: ['other'] }],
    ['its categories', true, { categories: ['5735', '5411'] }],
    ['none but its categories', false, { categories: ['5411'] }],
    ['none of a category it blocks', false, { categories: ['5735'], blockedCategories: ['5735'] }],
    ['whose category it does not block', true, { blockedCategories: ['5411'] }],
  ])('admits %s', (_whom, admitted, change) => {
    expect(admitsCounterparty(mandate(2, change), { id: 'cdnow', category: '5735' })).toBe(admitted);
  });

  it('admits nobody of an unknown category where any level asks for one', () => {
    const unknown = { id: 'cdnow', category: null };
    expect(admitsCounterparty(mandate(2), unknown)).toBe(true);
    expect(admitsCounterparty(mandate(2, { categories: ['5735'] }), unknown)).toBe(false);
    expect(admitsCounterparty(mandate(2, { blockedCategories: ['5411'] }), unknown)).toBe(false);
  });

  it('answers to the hash of each of its versions', () => {
    const amended = mandate(2, { supersededHashes: [hash('1')] });
    expect([hash('A'), hash('1'), hash('2')].map((one) => carriesHash(amended, one))).toEqual([true, true, false]);
  });
});
