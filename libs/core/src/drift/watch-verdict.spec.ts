import { describe, expect, it } from '@jest/globals';
import { type DomainWatch, isWorthTouching, sweepAfterMs, watchVerdict } from './watch-verdict.js';

const DOMAIN: DomainWatch = { governance: 'verified', dueAtMs: 10_000, flowWatchMs: 60_000 };
const verdictOf = (domain: DomainWatch | null, verifiedAtMs: number | null, judgedAtMs: number, isLive = true) =>
  watchVerdict(domain, { verifiedAtMs, isLive }, judgedAtMs);

describe('the watch over a flow', () => {
  it('promises nothing where no detector was ever started', () => {
    expect(verdictOf(null, null, 1e15)).toBe('verified');
    expect(isWorthTouching(null, { verifiedAtMs: null }, 1e15)).toBe(false);
  });

  it('is stale for every flow from the very millisecond the domain is due', () => {
    expect(verdictOf(DOMAIN, 9_000, 9_999)).toBe('verified');
    expect(verdictOf(DOMAIN, 9_000, 10_000)).toBe('stale');
    expect(verdictOf(DOMAIN, null, 10_000, false)).toBe('stale');
  });

  it('is stale for the one flow that is due', () => {
    const late = { ...DOMAIN, dueAtMs: 1e9 };
    expect(verdictOf(late, 1_000, 60_999)).toBe('verified');
    expect(verdictOf(late, 1_000, 61_000)).toBe('stale');
  });

  it('is unknown for a live flow on no list; one with nothing live need not be on it', () => {
    expect(verdictOf(DOMAIN, null, 1)).toBe('unknown');
    expect(verdictOf(DOMAIN, null, 1, false)).toBe('verified');
  });

  it('denies what no comparison holds for', () => {
    expect(verdictOf({ ...DOMAIN, dueAtMs: Number.NaN }, 1, 2)).toBe('stale');
    expect(verdictOf(DOMAIN, Number.NaN, 2)).toBe('stale');
    expect(verdictOf(DOMAIN, 1, Number.NaN)).toBe('stale');
  });

  it('is written down by a decision before the sweep would look, and not at each decision', () => {
    expect(isWorthTouching(DOMAIN, { verifiedAtMs: 0 }, 15_000)).toBe(false);
    expect(isWorthTouching(DOMAIN, { verifiedAtMs: 0 }, 15_001)).toBe(true);
    expect(isWorthTouching(DOMAIN, { verifiedAtMs: null }, 0)).toBe(true);
    expect(sweepAfterMs(DOMAIN.flowWatchMs)).toBe(30_000);
  });
});
