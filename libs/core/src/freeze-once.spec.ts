import { describe, expect, it } from '@jest/globals';
import { freezeOnce } from './freeze-once.js';

describe('freezeOnce', () => {
  it('writes each value once, and nothing in what it wrote can change', () => {
    let written = 0;
    const write = freezeOnce((value: { names: string[] }) => ({ n: (written += 1), names: [...value.names] }));
    const [one, other] = [{ names: ['a'] }, { names: ['a'] }];
    expect(write(one)).toBe(write(one));
    expect(write(other)).not.toBe(write(one));
    expect(written).toBe(2);
    expect(Object.isFrozen(write(one)) && Object.isFrozen(write(one).names)).toBe(true);
    expect(Object.isFrozen(one.names)).toBe(false);
  });
});
