import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { facts, flow, intent, level, mandate, ORGANISATION, OWN, T0_MS, TEAM } from '../examples/admission-example.js';
import { availableOf } from '../hold.js';
import { LIMITS } from '../limits.js';
import { TOTAL_BOUNDS } from '../mandates/counters.js';
import type { LevelState, WindowBounds } from '../mandates/types.js';
import { decimal, ZERO } from '../money.js';
import { type BatchItem, type BatchState, decideBatch } from './decide-batch.js';

const SIBLING = '00000000-0000-8000-8000-000000000004';
const sibling: LevelState = {
  ...level(2),
  mandate: mandate(2, { id: SIBLING, path: [ORGANISATION, TEAM, SIBLING], agent: 'shopper-2' }),
};
/** Two agents below one team: what one spends the other cannot. */
const before: BatchState = {
  levels: new Map(
    [level(0, { totalLimit: decimal('100') }), level(1), level(2), sibling].map((one) => [one.mandate.id, one]),
  ),
  flows: new Map([
    [OWN, { ...flow, state: 'authorized' as const }],
    [SIBLING, { ...flow, flowId: SIBLING }],
  ]),
  counters: new Map(),
};

function item(
  number: number,
  amountText: string,
  by: 'own' | 'sibling' = 'own',
  bodyHash = `body-${number}`,
): BatchItem {
  const agent = by === 'own' ? 'shopper-1' : 'shopper-2';
  const named = { intentId: `intent-${number}`, agent, mandate: by === 'own' ? OWN : SIBLING };
  return {
    intent: { ...intent, ...named, amountText, bodyHash },
    decisionId: `decision-${number}`,
    facts: { ...facts, appendedAtMs: T0_MS + number, signer: { kid: 'k', agent } },
    bounds: new Map(),
  };
}

/** Cuts a stream into batches of one size and hands the state on, as a partition's owner does. */
function decideInBatches(items: readonly BatchItem[], size: number, first = before) {
  let state = first;
  const recorded = new Map<string, { decisionId: string; bodyHash: string }>();
  const results = [];
  for (let at = 0; at < items.length; at += size) {
    const batch = items.slice(at, at + size).map((one) => {
      // What an earlier batch committed is read back from the database.
      const known = recorded.get(one.intent.intentId) ?? null;
      return { ...one, facts: { ...one.facts, recorded: known } };
    });
    const decided = decideBatch(state, batch);
    for (const { intent: one, decisionId } of batch) {
      if (!recorded.has(one.intentId)) recorded.set(one.intentId, { decisionId, bodyHash: one.bodyHash });
    }
    state = decided.state;
    results.push(...decided.results);
  }
  return { results, state };
}

const stream = fc.array(
  fc.record({
    number: fc.integer({ min: 0, max: 40 }), // few ids: repeats and conflicts occur
    cents: fc.integer({ min: 0, max: 3_000 }),
    by: fc.constantFrom('own' as const, 'sibling' as const),
  }),
  { maxLength: 80 },
);
const itemsOf = (entries: { number: number; cents: number; by: 'own' | 'sibling' }[]) =>
  entries.map(({ number, cents, by }) => item(number, (cents / 100).toFixed(2), by, `body-${number}-${cents % 2}`));

describe('decideBatch', () => {
  it('D2: batch sizes 1, 7 and 512 give identical decisions, read sets and state', () => {
    fc.assert(
      fc.property(stream.map(itemsOf), (items) => {
        const [one, seven, many] = [1, 7, 512].map((size) => decideInBatches(items, size));
        expect(seven).toEqual(one);
        expect(many).toEqual(one);
      }),
    );
  });

  it('F4: whatever the order, no level is ever held beyond its limit, and held is the sum authorized', () => {
    fc.assert(
      fc.property(stream.map(itemsOf), (items) => {
        const { results, state } = decideInBatches(items, 7);
        const granted = results.map(({ decision }) => decimal(decision.terms?.amount ?? '0'));
        const sum = granted.reduce((total, amount) => total.plus(amount), ZERO);
        const root = state.levels.get(ORGANISATION);
        expect(root?.budget.held.eq(sum)).toBe(true);
        for (const {
          mandate: { totalLimit },
          budget,
        } of state.levels.values()) {
          expect(availableOf(totalLimit, budget).gte(0)).toBe(true);
        }
      }),
    );
  });

  it('a spend of one agent leaves its team less for the next', () => {
    const { results } = decideBatch(before, [
      item(1, '60.00'),
      item(2, '50.00', 'sibling'),
      item(3, '40.00', 'sibling'),
    ]);
    expect(results.map(({ decision }) => decision.code)).toEqual([null, 'budget_exceeded', null]);
  });

  it('A22: a repeat within a batch names the first decision, another body under its id is a conflict', () => {
    const { results } = decideBatch(before, [item(1, '5.00'), item(1, '5.00'), item(1, '5.00', 'own', 'other')]);
    expect(results.map(({ decision }) => decision.code)).toEqual([null, 'intent_replayed', 'idempotency_conflict']);
    expect(results[1]?.readSet.recorded).toEqual({ decision: 'decision-1', body_hash: 'body-1' });
  });

  it('E13: only the first intent of a flow activates it', () => {
    const { results, state } = decideBatch(before, [item(1, '1.00'), item(2, '1.00')]);
    expect(results.map(({ transitions }) => transitions.length)).toEqual([2, 0]);
    expect(state.flows.get(OWN)).toMatchObject({ state: 'executing', sequence: 11n });
  });

  it('denies what is not among the locked rows', () => {
    const elsewhere = { ...item(1, '1.00'), intent: { ...intent, mandate: 'elsewhere' } };
    expect(decideBatch(before, [elsewhere]).results[0]?.decision.code).toBe('mandate_unknown');
    const noTeam = new Map([...before.levels].filter(([id]) => id !== TEAM));
    expect(decideBatch({ ...before, levels: noTeam }, [item(1, '1.00')]).results[0]?.decision.code).toBe(
      'authorization_discontinuity',
    );
    const noFlow = decideBatch({ ...before, flows: new Map() }, [item(1, '1.00')]);
    expect(noFlow.results[0]?.decision.code).toBe('flow_not_activated');
  });

  it('changes nothing it was given', () => {
    const frozen = { levels: new Map(before.levels), flows: new Map(before.flows), counters: new Map() };
    decideBatch(before, [item(1, '5.00')]);
    expect(before).toEqual(frozen);
  });

  it('has a named maximum', () => {
    const many = Array.from({ length: LIMITS.batchItemsMax + 1 }, () => item(1, '1.00'));
    expect(() => decideBatch(before, many)).toThrow('ERR_BATCH_TOO_LARGE');
  });
});

describe('counted limits in a batch', () => {
  const PER_DAY = { window: { unit: 'day', zone: 'UTC' }, counterparty: null, category: null } as const;
  const perDay = { ...PER_DAY, amount: decimal('20'), count: 3 };
  const perPayee = { ...PER_DAY, window: null, counterparty: '*', amount: decimal('30'), count: null };
  const root = level(0, { countedLimits: [perDay, perPayee] });
  const counting: BatchState = { ...before, levels: new Map([...before.levels, [ORGANISATION, root]]) };
  const [day, payee] = ['day/UTC', 'total counterparty/cdnow'].map((counter) => `${ORGANISATION} ${counter}`);

  /** @param window number of the day */
  function on(window: number, one: BatchItem): BatchItem {
    const at: WindowBounds = { fromMs: window * 10, bucketMs: window * 10, untilMs: window * 10 + 10 };
    return {
      ...one,
      bounds: new Map([
        [day ?? '', at],
        [payee ?? '', TOTAL_BOUNDS],
      ]),
    };
  }

  it('bind all flows below the level together, to the last cent, and begin anew with the next window', () => {
    const items = [on(1, item(1, '15.00')), on(1, item(2, '5.01', 'sibling')), on(1, item(3, '5.00', 'sibling')), on(2, item(4, '10.01')), on(2, item(5, '10.00'))]; // prettier-ignore
    const { results } = decideBatch(counting, items);
    expect(results.map(({ decision }) => decision.code)).toEqual([null, 'window_limit', null, 'counterparty_limit', null]); // prettier-ignore
    expect(results.map(({ decision }) => decision.limit?.available)).toEqual([undefined, '5', undefined, '10', undefined]); // prettier-ignore
    expect(results[0]?.entries.map(({ counter, startsMs }) => [counter, startsMs])).toEqual([
      ['day/UTC', 10],
      ['total counterparty/cdnow', 0],
    ]);
    expect(results[1]?.entries).toEqual([]);
  });

  it('count spends, also small ones', () => {
    const { results } = decideBatch(
      counting,
      [1, 2, 3, 4].map((n) => on(1, item(n, '0.01'))),
    );
    expect(results.map(({ decision }) => decision.limit?.name)).toEqual([undefined, undefined, undefined, 'per_day/count']); // prettier-ignore
  });

  it('deny where nobody said which window it is', () => {
    expect(decideBatch(counting, [item(1, '1.00')]).results[0]?.decision.code).toBe('counterparty_limit');
  });

  it('D2: are the same in batches of 1, 7 and 512, and never above their limit', () => {
    fc.assert(
      fc.property(stream.map(itemsOf), (items) => {
        const placed = items.map((one, index) => on(1 + Math.floor(index / 20), one));
        const [one, seven, many] = [1, 7, 512].map((size) => decideInBatches(placed, size, counting));
        expect([seven, many]).toEqual([one, one]);
        for (const bucket of one?.state.counters.get(day ?? '') ?? []) {
          expect(bucket.amount.lte(20) && bucket.count <= 3).toBe(true);
        }
      }),
    );
  });
});

describe('waiting in a batch', () => {
  const asked = level(2, { approvals: { above: decimal('1'), twoAbove: null } });
  const waiting: BatchState = { ...before, levels: new Map([...before.levels, [OWN, asked]]) };
  const items = Array.from({ length: LIMITS.parkedPerFlowMax + 1 }, (_, n) => item(n, '2.00'));

  it('counts those of the batch itself, so that its size does not decide how many may wait', () => {
    const { results } = decideBatch(waiting, items);
    expect(results.map(({ decision }) => decision.outcome).indexOf('denied')).toBe(LIMITS.parkedPerFlowMax);
    expect(results.at(-1)?.decision.code).toBe('window_limit');
    expect(results.at(-1)?.readSet['parked_count']).toBe(LIMITS.parkedPerFlowMax);
  });

  it('does not count a wait twice that goes on', () => {
    const parked = { decisionId: 'decision-a', untilMs: T0_MS + 60_000 };
    const again = items.slice(0, 2).map((one) => ({ ...one, facts: { ...one.facts, parked, parkedCount: 2 } }));
    const { results } = decideBatch(waiting, again);
    expect(results.map(({ readSet }) => readSet['parked_count'])).toEqual([2, 2]);
  });
});

describe('an intent on a mandate that is another agent’s', () => {
  it('I3, I9: is mandate_unknown, and reads, moves and counts nothing of that mandate’s flow or levels', () => {
    const own = item(1, '10.00');
    const foreign = item(2, '10.00', 'sibling');
    const onOwn = {
      ...foreign,
      intent: { ...foreign.intent, mandate: OWN },
      facts: { ...foreign.facts, parkedCount: 0 },
    };
    const { results, state } = decideBatch(before, [own, onOwn]);
    const alone = decideBatch(before, [own]);
    expect(results[1]?.decision.code).toBe('mandate_unknown');
    expect(results[1]?.state).toEqual({ levels: 'absent', flow: 'absent' });
    expect(results[1]?.readSet).toMatchObject({ levels: 'absent', flow: 'absent', path: [] });
    expect(state).toEqual(alone.state);
  });
});
