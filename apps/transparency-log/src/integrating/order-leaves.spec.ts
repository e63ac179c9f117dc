import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { orderLeaves } from './order-leaves.js';
import type { CheckedLeaf } from './pending-leaf.js';

function leaf(name: string, ...causes: string[]): CheckedLeaf {
  return { name, causes, laneId: 0, seq: 0n, leafHash: Buffer.alloc(0), leaf: '' };
}
const names = (...lanes: CheckedLeaf[][]): string[] =>
  orderLeaves(
    lanes.map((leaves) => ({ leaves })),
    (cause) => cause.startsWith('unread'),
  ).map((each) => each.name);

describe('the order of a batch', () => {
  it('puts a cause before its effects, also when its lane comes later', () => {
    expect(names([leaf('capture', 'decision')], [leaf('mandate'), leaf('decision', 'mandate')])).toEqual([
      'mandate',
      'decision',
      'capture',
    ]);
  });

  it('takes a cause that is neither here nor expected as being in the tree', () => {
    expect(names([leaf('a', 'earlier')])).toEqual(['a']);
  });

  it('holds a lane back where it waits for leaves that were not read, and lets the others pass', () => {
    expect(names([leaf('a'), leaf('b', 'unread'), leaf('c')], [leaf('d'), leaf('e', 'c')])).toEqual(['a', 'd']);
  });

  it('is never empty: a cause nobody wrote stops nothing', () => {
    expect(names([leaf('a', 'unread'), leaf('b')])).toEqual(['a', 'b']);
    expect(names([leaf('a', 'b')], [leaf('b', 'a')])).toEqual(['a', 'b']);
    expect(names([leaf('a', 'a')])).toEqual(['a']);
  });

  it('keeps each lane’s order and every cause before its effect, for any history cut into any lanes', () => {
    const history = fc.array(fc.tuple(fc.nat({ max: 4 }), fc.array(fc.nat(), { maxLength: 3 })), { maxLength: 60 });
    fc.assert(
      fc.property(history, (events) => {
        const lanes: CheckedLeaf[][] = [[], [], [], [], []];
        events.forEach(([lane, causes], n) => {
          lanes[lane]?.push(leaf(String(n), ...(n === 0 ? [] : causes.map((cause) => String(cause % n)))));
        });
        const place = new Map(names(...lanes).map((name, at) => [name, at]));
        expect(place.size).toBe(events.length);
        for (const leaves of lanes) {
          leaves.forEach((each, at) => {
            const own = place.get(each.name) ?? -1;
            for (const cause of each.causes) expect(place.get(cause)).toBeLessThan(own);
            if (at > 0) expect(place.get(leaves[at - 1]?.name ?? '')).toBeLessThan(own);
          });
        }
      }),
    );
  });
});
