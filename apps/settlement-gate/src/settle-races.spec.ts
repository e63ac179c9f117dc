import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { inControlAct, revokeMandates } from '@spendgate/store';
import {
  type TestRuntime,
  captureClaims,
  issueTestArtifact,
  mandateClaim,
  namedId,
  openTestRuntime,
  outcomeClaims,
  refundClaims,
  signOutcome,
  signRequest,
  voidClaims,
} from '@spendgate/testing';
import fc from 'fast-check';
import { type GateParts, createGateParts } from './gate-parts.js';
import { GATE_SETTINGS } from './gate.settings.js';
import { replaySettlements } from './replay-settlements.js';

/** A new server may have to start first, and these specs ask a thousand times. */
const LONG_MS = 120_000;
const LIMITS = { currency: 'USD', total: '100000.00', per_transaction: null };
const ROOT = mandateClaim('root', { agent: null, limits: LIMITS });
const under = (name: string) => mandateClaim(name, { parent: ROOT.id, depth: 1, limits: LIMITS });
const DOOMED = Array.from({ length: 5 }, (_, i) => `doomed-${i}`);

let world: TestRuntime;
/** Three gate processes, as far as the database can tell: each has a lane of its own. */
let gates: GateParts[];

beforeAll(async () => {
  world = await openTestRuntime({ settings: GATE_SETTINGS });
  await world.domain.mandates([ROOT, under('main'), under('drawn'), under('books'), ...DOOMED.map(under)]);
  gates = [1, 2, 3].map(() => createGateParts(world.as('spendgate_gate')));
}, LONG_MS);
afterAll(async () => {
  for (const gate of gates) await gate.events.stop();
  await world.close();
}, LONG_MS);

/** Presents to the gates in turn; the code, or the state of what was granted. */
async function ask(claims: object, turn = 0): Promise<string> {
  const token = await signRequest(world.domain.settler, claims);
  const answer = await gates[turn % gates.length]?.door.present(token);
  if (answer === undefined || answer.kind === 'outcome') throw new Error('no settlement answer');
  return answer.code ?? (answer.kind === 'settlement' ? `${answer.state}${answer.replayed ? ' again' : ''}` : '');
}

async function report(claims: object): Promise<string> {
  const answer = await gates[0]?.door.present(await signOutcome(world.domain.settler, claims));
  return answer?.kind === 'outcome' ? answer.state : 'refused';
}

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

async function rows<T>(sql: string, values: unknown[] = []): Promise<T[]> {
  return (await world.database.pool.query(sql, values)).rows as T[]; // as: the query names its columns
}

describe('captures that race', () => {
  it(
    'A22: the same capture fifty times at once is one success',
    async () => {
      const artifact = await issueTestArtifact(world);
      const asked = Array.from({ length: 50 }, (_, i) => ask(captureClaims(artifact, 'same', '12.50'), i));
      expect(tally(await Promise.all(asked))).toEqual({ capturing: 1, 'capturing again': 49 });
    },
    LONG_MS,
  );

  it(
    'A22: fifty different captures of a whole artifact at once are one success',
    async () => {
      const artifact = await issueTestArtifact(world);
      const asked = Array.from({ length: 50 }, (_, i) => ask(captureClaims(artifact, `c${i}`, '12.50'), i));
      expect(tally(await Promise.all(asked))).toEqual({ capturing: 1, artifact_consumed: 49 });
    },
    LONG_MS,
  );

  it(
    'I1: of 1,000 concurrent captures exactly ⌊held / amount⌋ are granted, from three gates',
    async () => {
      const artifact = await issueTestArtifact(world, { mandate: 'drawn', amount: '250.00', maxCaptures: 100 });
      const asked = Array.from({ length: 1_000 }, (_, i) => ask(captureClaims(artifact, `c${i}`, '3.70'), i));
      const words = tally(await Promise.all(asked));
      expect(words['capturing']).toBe(67); // ⌊250.00 / 3.70⌋
      expect(
        await rows('SELECT capturing::float8, held::float8 FROM holds WHERE artifact_id = $1', [artifact.id]),
      ).toEqual([{ capturing: 247.9, held: 2.1 }]);
    },
    LONG_MS,
  );

  it(
    'I7: nothing is captured after a revocation returned, whatever was under way',
    async () => {
      for (const name of DOOMED) {
        const artifact = await issueTestArtifact(world, { mandate: name, amount: '100.00', maxCaptures: 100 });
        const revoke = inControlAct(world.database.pool, (act) =>
          revokeMandates(act, { mandateIds: [namedId(name)], by: 'acme', reason: 'spec' }),
        );
        const asked = Array.from({ length: 60 }, (_, i) => ask(captureClaims(artifact, `c${i}`, '1.00'), i));
        await revoke;
        const after = await Promise.all(
          Array.from({ length: 5 }, (_, i) => ask(captureClaims(artifact, `late${i}`, '1.00'), i)),
        );
        expect(after).toEqual(Array(5).fill('mandate_revoked'));
        const granted = (await Promise.all(asked)).filter((word) => word === 'capturing').length;
        expect(await rows('SELECT capturing::float8 FROM holds WHERE artifact_id = $1', [artifact.id])).toEqual([
          { capturing: granted },
        ]);
      }
    },
    LONG_MS,
  );
});

/** I9 as one query: at each level the sums of the holds under it are the budget's, and each hold adds up. */
async function imbalances(): Promise<unknown[]> {
  return rows(
    `SELECT b.mandate_id FROM budgets b LEFT JOIN LATERAL (
       SELECT coalesce(sum(held), 0) AS held, coalesce(sum(capturing), 0) AS capturing,
         coalesce(sum(captured), 0) AS captured, coalesce(sum(restored), 0) AS refunded
       FROM holds WHERE b.mandate_id = ANY (path)) AS h ON true
     WHERE (b.held, b.capturing, b.captured, b.refunded) <> (h.held, h.capturing, h.captured, h.refunded)
     UNION ALL
     SELECT hold_id FROM holds
     WHERE amount <> held + capturing + captured + released OR refunded > captured OR restored > refunded OR ended AND held > 0`,
  );
}

describe('the books', () => {
  it(
    'I9: balance at every level after any sequence of requests and reports',
    async () => {
      const amount = fc.integer({ min: 1, max: 900 }).map((cents) => (cents / 100).toFixed(2));
      const id = fc.integer({ min: 0, max: 3 }).map(String);
      const act = fc.oneof(
        fc.record({ kind: fc.constant('capture' as const), id, amount, final: fc.boolean() }),
        fc.record({ kind: fc.constant('refund' as const), id, amount, refund: id }),
        fc.record({ kind: fc.constant('void' as const), id }),
        fc.record({
          kind: fc.constant('outcome' as const),
          id,
          outcome: fc.constantFrom('completed', 'failed', 'unknown', 'reversed', 'charged_back'),
          amount,
        }),
        fc.record({
          kind: fc.constant('refund outcome' as const),
          id,
          outcome: fc.constantFrom('completed', 'failed', 'unknown'),
          amount,
        }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 14 }), async (acts) => {
          const artifact = await issueTestArtifact(world, { mandate: 'books', amount: '20.00', maxCaptures: 4 });
          const granted = async (action: string, key: string): Promise<string | undefined> => {
            const found = await rows<{ amount: string }>(
              `SELECT to_char(amount, 'FM999990.00') AS amount FROM settlements
               WHERE artifact_id = $1 AND action = $2 AND action_id = $3 AND outcome = 'authorized'`,
              [artifact.id, action, key],
            );
            return found[0]?.amount;
          };
          for (const each of acts) {
            if (each.kind === 'capture')
              await ask(captureClaims(artifact, each.id, each.amount, { final: each.final }));
            if (each.kind === 'void') await ask(voidClaims(artifact, each.id));
            if (each.kind === 'refund') await ask(refundClaims(artifact, each.id, each.refund, each.amount));
            if (each.kind === 'outcome') {
              const value = (await granted('capture', each.id)) ?? each.amount;
              await report(outcomeClaims(artifact, { capture_id: each.id }, each.outcome, value));
            }
            if (each.kind === 'refund outcome') {
              const value = (await granted('refund', each.id)) ?? each.amount;
              await report(outcomeClaims(artifact, { refund_id: each.id }, each.outcome, value));
            }
          }
          expect(await imbalances()).toEqual([]);
        }),
        { numRuns: 30 },
      );
    },
    LONG_MS,
  );

  it('I4: every settlement has exactly one leaf, and leaves are dense per lane', async () => {
    const [counts] = await rows<{ settlements: number; leaves: number; gaps: number }>(
      `SELECT (SELECT count(*)::int FROM settlements) AS settlements,
         (SELECT count(*)::int FROM leaves WHERE leaf_hash IN (SELECT leaf_hash FROM settlements)) AS leaves,
         (SELECT count(*)::int FROM lanes l
          WHERE l.leaf_seq <> (SELECT count(*) FROM leaves WHERE lane_id = l.lane_id)) AS gaps`,
    );
    expect(counts?.leaves).toBe(counts?.settlements);
    expect(counts?.gaps).toBe(0);
  });

  it(
    'D2: replaying stored settlements gives identical bytes',
    async () => {
      let checked = 0;
      const differences = [];
      for await (const replayed of replaySettlements(world.database.pool)) {
        checked += 1;
        if (replayed.differences.length > 0) differences.push(replayed);
      }
      expect(differences).toEqual([]);
      expect(checked).toBeGreaterThan(1_000);
    },
    LONG_MS,
  );
});
