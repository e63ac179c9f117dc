import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MandateClaim } from '@spendgate/codec';
import { type TestDatabase, mandateClaim, namedId, openTestDomain, startTestDatabase } from '@spendgate/testing';
import { inControlAct } from '../control-lock.js';
import { recordMandates } from './record-mandates.js';

/** One more than are planned and written together. */
const MANY = 1_001;
const HOOK_MS = 60_000;

describe('mandates of one change that are more than one statement takes', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startTestDatabase();
    await openTestDomain(database.pool);
  }, HOOK_MS);
  afterAll(() => database.close());

  const record = (claims: readonly MandateClaim[]) =>
    inControlAct(database.pool, (act) =>
      recordMandates(
        act,
        claims.map((claim) => ({ claim, token: 'a.b.c' })),
      ),
    );
  async function count(what: string): Promise<number> {
    const { rows } = await database.pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${what}`);
    return rows[0]?.n ?? -1;
  }

  it(
    'are recorded in one act, children below parents of another part, and amended in one',
    async () => {
      const parent = namedId('many 0');
      const children = Array.from({ length: MANY - 1 }, (_, n) => mandateClaim(`many ${n + 1}`, { parent, depth: 1 }));
      const claims = [...children, mandateClaim('many 0')];
      const { planned, refused } = await record(claims);
      expect([planned.length, refused, await count('mandates'), await count('flows')]).toEqual([MANY, [], MANY, MANY]);
      const amended = await record(claims.map((claim) => ({ ...claim, version: 2, park_seconds: 60 })));
      expect([amended.planned.length, amended.refused]).toEqual([MANY, []]);
      expect(await count(`flows f JOIN mandates m ON m.mandate_id = f.flow_id
      WHERE m.version = 2 AND f.baseline::json->>'mandate_hash' = m.mandate_hash`)).toBe(MANY); // prettier-ignore
      expect(await count(`lanes l WHERE l.name = 'control'
      AND l.leaf_seq = (SELECT count(*) FROM leaves x WHERE x.lane_id = l.lane_id)
      AND l.leaf_seq = (SELECT max(seq) + 1 - min(seq) FROM leaves x WHERE x.lane_id = l.lane_id)`)).toBe(1); // prettier-ignore
    },
    HOOK_MS,
  );

  it(
    'whose parent is refused in an earlier part are refused with it',
    async () => {
      const parent = namedId('lost');
      const children = Array.from({ length: MANY }, (_, n) => mandateClaim(`lost ${n}`, { parent, depth: 1 }));
      const { planned, refused } = await record([mandateClaim('lost', { agent: 'nobody' }), ...children]);
      expect([planned, refused.length]).toEqual([[], MANY + 1]);
      expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['agent_unknown', 'mandate_unknown']));
    },
    HOOK_MS,
  );
});
