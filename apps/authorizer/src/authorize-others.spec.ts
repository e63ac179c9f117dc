import { afterEach, describe, expect, it } from '@jest/globals';
import type { PaymentIntentClaims } from '@spendgate/codec';
import { TOPICS, partitionOf } from '@spendgate/messaging';
import { type LaneLease, inControlAct, revokeMandates } from '@spendgate/store';
import { type TestRuntime, batchOf, intentClaims, mandateClaim, openTestRuntime, signIntent } from '@spendgate/testing';
import { AuthorizeBatch } from './authorize-batch.js';
import { type AuthorizerParts, createAuthorizerParts } from './authorizer-parts.js';
import { AUTHORIZER_SETTINGS } from './authorizer.settings.js';

/** What one agent, or somebody who copies its signed intents, can cost another; and what a batch costs twice begun. */

const NOW_MS = Date.now();
const MAIN = mandateClaim('main');
const SPARE = mandateClaim('spare', { agent: 'rival' });
/** Three tokens, and time stands still: appended_at is the same for every record. */
const SMALL = {
  SPENDGATE_AGENT_INTENTS_PER_SECOND: '1',
  SPENDGATE_AGENT_INTENTS_BURST: '3',
  SPENDGATE_MANDATE_INTENTS_PER_SECOND: '1',
  SPENDGATE_MANDATE_INTENTS_BURST: '3',
};

let world: TestRuntime;
let parts: AuthorizerParts;
let lane: LaneLease;
let next: bigint;

async function open(environment: Readonly<Record<string, string>> = SMALL, partitions = 1): Promise<void> {
  world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS, environment, agents: ['buyer', 'rival'], partitions });
  await world.domain.mandates([MAIN, SPARE]);
  parts = createAuthorizerParts(world.as('spendgate_authorizer'));
  lane = await world.lane(TOPICS.paymentIntents);
  next = 0n;
}
afterEach(() => world.close());

function sign(jti: string, change: Partial<PaymentIntentClaims> = {}): Promise<string> {
  return signIntent(world.domain.agent(change.iss ?? 'buyer'), intentClaims(jti, NOW_MS, change));
}

async function decide(values: readonly (string | null)[], by = parts): Promise<void> {
  await new AuthorizeBatch(by).execute(batchOf(lane, values, { firstOffset: next, appendedAtMs: NOW_MS }));
  next += BigInt(values.length);
}

async function rows<T>(sql: string): Promise<T[]> {
  return (await world.database.pool.query(sql)).rows as T[]; // as: the query names its columns
}

async function outcomes(agent = 'buyer'): Promise<string[]> {
  const found = await rows<{ outcome: string; code: string | null }>(
    `SELECT outcome, code FROM decisions WHERE agent_id = '${agent}' ORDER BY lane_offset`,
  );
  return found.map(({ outcome, code }) => code ?? outcome);
}

async function refused(): Promise<string[]> {
  return (await rows<{ code: string }>('SELECT code FROM refusals ORDER BY lane_offset')).map(({ code }) => code);
}

describe('intents on a mandate that is another agent’s', () => {
  const foreign = (count: number, name = 'x'): Promise<string[]> =>
    Promise.all(Array.from({ length: count }, (_, i) => sign(`${name}${i}`, { iss: 'rival', mandate: MAIN.id })));

  it('rate_limited: do not spend the tokens of that mandate', async () => {
    await open();
    await decide([...(await foreign(3)), await sign('mine')]);
    expect([await outcomes('rival'), await outcomes()]).toEqual([
      ['mandate_unknown', 'mandate_unknown', 'mandate_unknown'],
      ['authorized'],
    ]);
    expect(await refused()).toEqual([]);
  });

  it('I9, I12: neither lock nor move that mandate’s flow and budgets', async () => {
    await open();
    const flows = (): Promise<unknown[]> => rows('SELECT * FROM flows ORDER BY flow_id');
    const before = await flows();
    const client = await world.database.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(`SELECT 1 FROM flows WHERE flow_id = '${MAIN.id}' FOR UPDATE`);
      await client.query(`SELECT 1 FROM budgets WHERE mandate_id = '${MAIN.id}' FOR UPDATE`);
      await decide(await foreign(2)); // would wait for the lock, and fail when it ends
      await client.query('ROLLBACK');
    } finally {
      client.release();
    }
    expect(await outcomes('rival')).toEqual(['mandate_unknown', 'mandate_unknown']);
    expect(await flows()).toEqual(before);
    const [read] = await rows<{ read_set: string }>('SELECT read_set FROM decisions');
    expect(read?.read_set).not.toContain('total');
  });

  it('I8: read the same whoever else is in the batch', async () => {
    await open({});
    const [alone = '', beside = ''] = await foreign(2);
    await decide([alone]);
    await decide([await sign('mine'), beside]);
    const sets = await rows<{ read_set: string }>(`SELECT read_set FROM decisions WHERE agent_id = 'rival'`);
    const bare = sets.map(({ read_set: text }) => text.replace(/"(appended|judged)_at_ms":\d+/g, ''));
    expect(bare[0]).toBe(bare[1]);
  });
});

describe('copies of an agent’s signed intents', () => {
  it('A22: do not spend its tokens, across batches', async () => {
    await open();
    const first = await sign('a');
    await decide([first]);
    for (let i = 0; i < 5; i += 1) await decide([first, first]);
    await decide([await sign('b'), await sign('c')]);
    expect(await outcomes()).toEqual(['authorized', 'authorized', 'authorized']);
    expect(new Set(await refused())).toEqual(new Set(['intent_replayed']));
  });

  it('A22: do not spend its tokens in front of its own intents of the same batch', async () => {
    await open();
    const first = await sign('a');
    await decide([first, first, first, first, first, await sign('b'), await sign('c'), await sign('d')]);
    expect(await outcomes()).toEqual(['authorized', 'authorized', 'authorized']);
    expect((await refused()).at(-1)).toBe('rate_limited'); // the fourth of its own
  });
});

describe('a batch that is begun again because a control act came in between', () => {
  /** A registry whose first facts are overtaken by a control act. */
  function overtaken(): AuthorizerParts {
    let asked = 0;
    const at = async (needs: Parameters<typeof parts.registry.at>[0]): Promise<unknown> => {
      const facts = await parts.registry.at(needs);
      if ((asked += 1) <= 2)
        await inControlAct(world.database.pool, (act): Promise<unknown> =>
          asked === 1
            ? revokeMandates(act, { mandateIds: [SPARE.id], by: 'acme', reason: 'spec' })
            : Promise.resolve(act.record({ type: 'control_act', payload: { act: 'spec' } })),
        );
      return facts;
    };
    const { registry: real } = parts;
    // Bound: what the check forgets is to be forgotten by the one that loads.
    const registry = Object.create(real, {
      at: { value: at },
      checkEpoch: { value: real.checkEpoch.bind(real) },
    }) as typeof real; // as: Object.create says nothing of what it made
    return { ...parts, registry, decide: { ...parts.decide, registry } };
  }

  it('takes each record’s token once', async () => {
    await open();
    await decide([await sign('a'), await sign('b'), await sign('c')], overtaken());
    expect([await outcomes(), await refused()]).toEqual([['authorized', 'authorized', 'authorized'], []]);
  });

  it('writes one dead letter for each unreadable record', async () => {
    await open();
    await decide(['no token', await sign('a')], overtaken());
    expect(await rows(`SELECT 1 FROM embedded_records WHERE topic = '${TOPICS.deadLetters}'`)).toHaveLength(1);
  });

  it('appends a stray once under its key', async () => {
    await open(SMALL, 2);
    const partition = partitionOf(MAIN.id, 2) === 0 ? 1 : 0;
    lane = await world.lane(TOPICS.paymentIntents, partition);
    const place = { partition, partitions: 2, appendedAtMs: NOW_MS };
    await new AuthorizeBatch(overtaken()).execute(batchOf(lane, [await sign('a')], place));
    expect(await rows(`SELECT 1 FROM embedded_records WHERE topic = '${TOPICS.paymentIntents}'`)).toHaveLength(1);
  });
});

describe('an intent dated ahead', () => {
  it('I6: of more than 60 s after its append is refused before its id is occupied', async () => {
    await open({});
    const ahead = (seconds: number) => ({
      iat: Math.floor(NOW_MS / 1_000) + seconds,
      exp: Math.floor(NOW_MS / 1_000) + seconds + 600,
    });
    await decide([await sign('a', ahead(365 * 86_400)), await sign('a', ahead(62)), await sign('a', ahead(59))]);
    expect(await rows('SELECT code, field FROM refusals')).toEqual([
      { code: 'signature_invalid', field: 'iat' },
      { code: 'signature_invalid', field: 'iat' },
    ]);
    expect(await outcomes()).toEqual(['authorized']);
  });
});
