import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EXAMPLE_BASELINE_HASH as HASH, EXAMPLE_PROFILE, exampleEvent } from '../examples/drift-example.js';
import type { Sides } from './bets.js';
import { DriftDetector, driftEvidence } from './detector.js';
import { DRIFT_STATE_BYTES_MAX, type DriftState, freezeDrift, startDrift, thawDrift } from './drift-state.js';
import { RankedHistogram, inTail } from './histogram.js';
import { type DriftMode, type DriftThresholds, driftThresholds, judgeDrift } from './judge-drift.js';
import { learnProfile } from './learn-profile.js';
import { type DriftEvent, STREAMS } from './observe.js';
import { parseProfile } from './profile.js';
import { DECLARED_BOUNDS, LEARNED_BOUNDS, TAILS } from './tail-bounds.js';

const detector = new DriftDetector(EXAMPLE_PROFILE);
const start = startDrift(EXAMPLE_PROFILE, HASH);
const fold = (events: readonly DriftEvent[], from: DriftState = start): DriftState =>
  events.reduce((state, event) => detector.advance(state, event), from);
const events = (count: number, change: Partial<DriftEvent> = {}): DriftEvent[] =>
  Array.from({ length: count }, (_, n) => exampleEvent(n, change));
const anyEvent = fc.record({
  amount: fc.integer({ min: 0, max: 10_000_000 }).map((cents) => (cents / 100).toFixed(2)),
  counterparty: fc.string({ maxLength: 40 }),
  iatMs: fc.integer({ min: 0, max: 2 ** 42 }),
  isDenied: fc.boolean(),
});
const anyEvents = fc
  .array(anyEvent, { maxLength: 120 })
  .map((changes) => changes.map((change, n) => exampleEvent(n, change)));

describe('a rank', () => {
  const histogram = fc
    .uniqueArray(fc.integer({ min: -100, max: 100 }), { minLength: 1, maxLength: 12 })
    .chain((bins) =>
      fc
        .array(fc.integer({ min: 1, max: 5_000 }), { minLength: bins.length, maxLength: bins.length })
        .map((counts) => bins.sort((a, b) => a - b).map((bin, i) => [bin, counts[i] ?? 1] as [number, number])),
    );

  it('of a declared law lies in no tail more often than its bet assumes, for any law', () => {
    const seeds = Array.from({ length: 1_024 }, (_, i) => i * 2 ** 20 + 2 ** 19);
    fc.assert(
      fc.property(histogram, (bins) => {
        const ranked = new RankedHistogram({ basis: 'declared', sides: 'both', bins });
        const total = bins.reduce((sum, [, count]) => sum + count, 0);
        for (const bet of ranked.bets) {
          const hits = bins.reduce((sum, [bin, count]) => {
            const inside = seeds.filter((seed) => inTail(ranked.rank(bin, seed), bet)).length;
            return sum + (count / total) * (inside / seeds.length);
          }, 0);
          const bound = DECLARED_BOUNDS[TAILS.findIndex((each) => each === bet.tail)] ?? 0;
          expect(hits).toBeLessThanOrEqual(bound / 65_536 + 1 / seeds.length); // the seeds are a grid
        }
      }),
      { numRuns: 30 },
    );
  });

  it('bet on from one side wins no more than 1 on average, exactly, for any declared law', () => {
    const sides = fc.constantFrom<Sides>('upper', 'lower');
    fc.assert(
      fc.property(histogram, sides, (bins, side) => {
        const ranked = new RankedHistogram({ basis: 'declared', sides: side, bins });
        const total = bins.reduce((sum, [, count]) => sum + count, 0);
        for (const bet of ranked.bets) {
          const mean = bins.reduce((sum, [bin, count]) => {
            return sum + BigInt(count) * BigInt(inTail(ranked.rank(bin, 12_345), bet) ? bet.win : bet.lose);
          }, 0n);
          expect(mean).toBeLessThanOrEqual(BigInt(total) * 65_536n);
        }
      }),
    );
  });

  it('bet on from one side takes the upper confidence bound of what was observed, never less', () => {
    const counts = fc.tuple(fc.integer({ min: 64, max: 20_000 }), fc.integer({ min: 1, max: 2_000 }));
    fc.assert(
      fc.property(counts, ([zeros, ones]) => {
        const n = zeros + ones;
        const bins = [[0, zeros] as const, [1, ones] as const];
        const { bets } = new RankedHistogram({ basis: 'learned', sides: 'upper', bins });
        for (const { tail, win, lose } of bets) {
          const k = zeros * 65_536 >= (n + 1) * (65_536 - tail) ? ones : 0;
          const chernoff = (k + 16 + Math.sqrt(32 * k + 256)) / n;
          const table =
            LEARNED_BOUNDS.findLast(({ events }) => events <= n)?.bounds[TAILS.findIndex((t) => t === tail)] ?? 0;
          const bound = Math.min(chernoff, table / 65_536, 1);
          expect((lose + bound * (win - lose)) / 65_536).toBeLessThanOrEqual(1 + 1e-12);
        }
      }),
    );
  });

  it('never falls when the value rises', () => {
    const anyBin = fc.integer({ min: -110, max: 110 });
    const seed = fc.integer({ min: 0, max: 2 ** 30 - 1 });
    fc.assert(
      fc.property(histogram, anyBin, anyBin, seed, (bins, a, b, each) => {
        const ranked = new RankedHistogram({ basis: 'declared', sides: 'both', bins });
        const [low, high] = a < b ? [a, b] : [b, a];
        expect(ranked.rank(low, each).place).toBeLessThanOrEqual(ranked.rank(high, each).place);
      }),
    );
  });
});

describe('DriftDetector', () => {
  it('gives the same bytes for the same events, also when the state is stored between any two of them', () => {
    fc.assert(
      fc.property(anyEvents, (all) => {
        const stored = all.reduce<DriftState>((state, event) => {
          const read = thawDrift(JSON.parse(JSON.stringify(freezeDrift(detector.advance(state, event)))), HASH);
          if (read === 'unknown') throw new Error('a state of our own writing was not read back');
          return read;
        }, start);
        expect(JSON.stringify(freezeDrift(stored))).toBe(JSON.stringify(freezeDrift(fold(all))));
      }),
      { numRuns: 50 },
    );
  });

  it('keeps a state of fixed size: at most 1 KiB whatever the events', () => {
    fc.assert(
      fc.property(anyEvents, (all) => {
        const text = JSON.stringify(freezeDrift(fold(all)));
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(DRIFT_STATE_BYTES_MAX);
      }),
      { numRuns: 50 },
    );
    const flood = Array.from({ length: 500 }, (_, n) =>
      exampleEvent(n, { amount: '99999.99', counterparty: `new-${n}`, iatMs: 2 ** 42 + n, isDenied: true }),
    );
    const worst = { ...fold(flood), events: Number.MAX_SAFE_INTEGER };
    expect(worst.carriers).toHaveLength(5);
    expect(JSON.stringify(freezeDrift(worst)).length).toBeLessThanOrEqual(DRIFT_STATE_BYTES_MAX);
  });

  it('changes nothing it was given', () => {
    const before = JSON.stringify(start);
    detector.advance(start, exampleEvent(1));
    expect(JSON.stringify(start)).toBe(before);
  });

  it('keeps the evidence of a flow within its declared profile at what chance gives, however long it runs', () => {
    let state = start;
    let most = 0;
    for (let n = 0; n < 5_000; n += 1) {
      state = detector.advance(
        state,
        exampleEvent(n, { iatMs: exampleEvent(n % 18).iatMs + Math.floor(n / 18) * 86_400_000 }),
      );
      most = Math.max(most, driftEvidence(state).total);
    }
    expect(most).toBeLessThan(8); // what untouched stakes settle at: 1 and 15, half of each
  });

  it.each([
    ['amount', { amount: '450.00' }],
    ['denial', { isDenied: true }],
  ] as const)('names the stream that drifts, and the events that carried it: %s', (stream, change) => {
    const all = events(25, change);
    const state = fold(all);
    const { total, streams } = driftEvidence(state);
    expect(streams[stream]).toBeGreaterThan(total * 0.9);
    expect(STREAMS.map((each) => streams[each]).reduce((sum, part) => sum + part, 0)).toBe(total);
    expect(state.carriers.map(({ intentId }) => intentId)).toEqual(all.slice(-5).map(({ intentId }) => intentId));
    expect(new Set(state.carriers.map((each) => each.stream))).toEqual(new Set([stream]));
  });

  it('takes no gap from an iat that goes back, and measures the next one from the latest', () => {
    const ahead = fold([exampleEvent(10), exampleEvent(3)]);
    expect(ahead.lastIatMs).toBe(exampleEvent(10).iatMs);
    expect(driftEvidence(ahead).streams.gap).toBe(driftEvidence(fold([exampleEvent(10)])).streams.gap);
  });
});

describe('learnProfile', () => {
  const history = events(400).map((event, n) => ({ ...event, amount: `${10 + (n % 40)}.00` }));

  it('freezes what the window showed, with the window, as a profile that reads back', () => {
    const learned = learnProfile(history, EXAMPLE_PROFILE);
    expect(learned.learned).toEqual({ from_ms: history[0]?.iatMs, to_ms: history.at(-1)?.iatMs, events: 400 });
    expect(learned.streams.amount.pooled).toMatchObject({ basis: 'learned', sides: 'both' });
    expect(parseProfile(JSON.parse(JSON.stringify(learned)))).toEqual(learned);
    expect(JSON.stringify(learnProfile(history, EXAMPLE_PROFILE))).toBe(JSON.stringify(learned));
  });

  it('lets the declared profile serve where there is too little history', () => {
    expect(learnProfile(history.slice(0, 63), EXAMPLE_PROFILE)).toEqual(EXAMPLE_PROFILE);
    expect(learnProfile(history.slice(0, 64), EXAMPLE_PROFILE).streams.gap).toEqual(EXAMPLE_PROFILE.streams.gap); // 63 gaps
  });
});

describe('a drift state that cannot be read', () => {
  const good = freezeDrift(fold(events(30, { amount: '450.00' }))) as Record<string, unknown>;
  const wealth = String(good.wealth);

  it.each([
    ['lost', undefined],
    ['empty', {}],
    ['a text', 'x'],
    ['of another version', { ...good, v: 2 }],
    ['with a member more', { ...good, extra: 1 }],
    ['with less wealth', { ...good, wealth: wealth.slice(8) }],
    ['with wealth above the cap', { ...good, wealth: `________${wealth.slice(8)}` }],
    ['with another alphabet', { ...good, wealth: `+${wealth.slice(1)}` }],
    ['with a negative count', { ...good, events: -1 }],
    ['with more carriers than there can be', { ...good, carriers: new Array(6).fill((good.carriers as unknown[])[0]) }],
    ['with a carrier of no stream', { ...good, carriers: [[exampleEvent(1).intentId, 4, 1]] }],
  ])('is unknown and denies, it is never begun anew: %s', (_what, value) => {
    expect(thawDrift(value, HASH)).toBe('unknown');
    expect(judgeDrift(thawDrift(value, HASH), driftThresholds(0), 'enforce').drift).toBe('unknown');
    expect(judgeDrift(thawDrift(value, HASH), driftThresholds(0), 'shadow').drift).toBe('unknown');
  });

  it('is so too when it was ranked against another baseline', () => {
    expect(thawDrift(good, HASH)).not.toBe('unknown');
    expect(thawDrift(good, 'A'.repeat(43))).toBe('unknown');
  });
});

describe('judgeDrift', () => {
  const at = (evidence: number): DriftState => ({
    ...start,
    wealth: start.wealth.map((_, i) => (i === 0 ? evidence * 8_192 : 0)),
  });
  const judge = (evidence: number, thresholds: DriftThresholds, mode: DriftMode = 'enforce'): string =>
    judgeDrift(at(evidence), thresholds, mode).verdict;

  it.each([
    [999, 'none'],
    [1_000, 'warn'],
    [999_999, 'warn'],
    [1_000_000, 'halt'],
  ])('evidence of %d is %s', (evidence, verdict) => {
    expect(judge(evidence, driftThresholds(0))).toBe(verdict);
  });

  it('halts at 100 times the events of a day where that is more, and refuses a rate nobody can mean', () => {
    expect(driftThresholds(50_000)).toEqual({ warn: 1_000, halt: 5_000_000 });
    expect(() => driftThresholds(-1)).toThrow('ERR_DRIFT_RATE_INVALID');
    expect(() => driftThresholds(10_000_001)).toThrow('ERR_DRIFT_RATE_INVALID');
    expect(judge(2 ** 33, driftThresholds(10_000_000))).toBe('halt'); // one bet alone can carry it
  });

  it('is monotone in the evidence', () => {
    const order = ['none', 'warn', 'halt'];
    fc.assert(
      fc.property(fc.nat({ max: 10_000_000 }), fc.nat({ max: 10_000_000 }), fc.nat({ max: 100_000 }), (a, b, rate) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        const thresholds = driftThresholds(rate);
        expect(order.indexOf(judge(low, thresholds))).toBeLessThanOrEqual(order.indexOf(judge(high, thresholds)));
      }),
    );
  });

  it('in shadow records the verdict and stops nothing', () => {
    expect(judgeDrift(at(10_000_000), driftThresholds(0), 'shadow')).toEqual({ verdict: 'halt', drift: 'none' });
    expect(judgeDrift(at(10_000_000), driftThresholds(0), 'enforce')).toEqual({ verdict: 'halt', drift: 'found' });
  });
});
