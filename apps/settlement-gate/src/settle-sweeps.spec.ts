import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { outcomeId, settlementId } from '@spendgate/codec';
import { inControlAct, readAlteredRows, recordCounterparties } from '@spendgate/store';
import {
  type IssuedTestArtifact,
  type TestRuntime,
  captureClaims,
  issueTestArtifact,
  mandateClaim,
  openTestRuntime,
  outcomeClaims,
  refundClaims,
  registerBank,
  signOutcome,
  signRequest,
  until,
} from '@spendgate/testing';
import { type GateParts, SIMULATED_RAIL, createGateParts } from './gate-parts.js';
import { GATE_SETTINGS } from './gate.settings.js';
import { replaySettlements } from './replay-settlements.js';
import type { RailPort, RailReport } from './rails/rail-port.js';
import { RunningGate } from './running-gate.js';

const LONG_MS = 60_000;
const LIMITS = { currency: 'USD', total: '100000.00', per_transaction: null };
const DEMO = [
  'demo-shop',
  'demo-decline',
  'demo-timeout',
  'demo-late',
  'demo-duplicate',
  'demo-lie',
  'demo-other-amount',
];
const FAST = { SPENDGATE_RAIL_TIMEOUT_MS: '100', SPENDGATE_GATE_SWEEP_MS: '50' };

let world: TestRuntime;
let gate: GateParts;
let running: RunningGate;

beforeAll(async () => {
  world = await openTestRuntime({ settings: GATE_SETTINGS, environment: FAST });
  await world.domain.mandates([mandateClaim('main', { limits: LIMITS }), mandateClaim('idle', { limits: LIMITS })]);
  await inControlAct(world.database.pool, async (act) => {
    const shared = { category: '5732', settlementServices: ['settler'], rail: SIMULATED_RAIL };
    await recordCounterparties(
      act,
      DEMO.map((id) => ({ id, legalName: id, ...shared })),
    );
  });
  gate = createGateParts(world.runtime, { lateAfterMs: 400 });
  running = new RunningGate(gate);
}, LONG_MS);
afterAll(async () => {
  await running.stop();
  await world.close();
}, LONG_MS);

const ask = async (claims: object, parts = gate) => parts.door.present(await signRequest(world.domain.settler, claims));

async function stateOf({ id }: IssuedTestArtifact, action = 'capture'): Promise<string | undefined> {
  const { rows } = await world.database.pool.query<{ state: string }>(
    `SELECT state FROM settlements WHERE artifact_id = $1 AND action = $2 AND outcome = 'authorized'`,
    [id, action],
  );
  return rows[0]?.state;
}

async function budget(mandate: string): Promise<unknown> {
  const { rows } = await world.database.pool.query(
    'SELECT held::float8, capturing::float8, captured::float8, refunded::float8 FROM budgets WHERE mandate_id = $1',
    [mandate],
  );
  return rows[0];
}

describe('managed rails', () => {
  it.each([
    ['demo-shop', 'captured'],
    ['demo-decline', 'returned'],
    ['demo-timeout', 'unknown'],
    ['demo-duplicate', 'captured'],
  ])('F5: a capture at %s ends %s, called after the commit and once', async (counterparty, state) => {
    const artifact = await issueTestArtifact(world, { counterparty });
    const answer = await ask(captureClaims(artifact, 'c', '5.00'));
    expect(answer).toMatchObject({ kind: 'settlement', state: 'capturing' });
    await until(`a capture at ${counterparty}`, async () => (await stateOf(artifact)) === state);
  });

  it('takes an answer that comes after the rail was given up, and ends unknown by it', async () => {
    const artifact = await issueTestArtifact(world, { counterparty: 'demo-late' });
    await ask(captureClaims(artifact, 'c', '5.00'));
    await until('unknown first', async () => (await stateOf(artifact)) === 'unknown');
    await until('captured by the late word', async () => (await stateOf(artifact)) === 'captured');
  });

  it('I12: a rail that answers after its time is heard, and one that never did is asked again under the same id', async () => {
    await running.stop();
    let asked: string[] = [];
    let answer: ((report: RailReport) => void) | undefined;
    const completed = (): RailReport => ({ outcome: 'completed', railReference: 'r', occurredAtMs: Date.now() });
    const slow: RailPort = {
      transfer: ({ transferId }) => {
        asked.push(transferId);
        return new Promise((resolve) => (answer = resolve));
      },
    };
    gate = createGateParts(world.runtime, { rails: new Map([['slow', slow]]) });
    running = new RunningGate(gate);
    await inControlAct(world.database.pool, async (act) => {
      const shop = { id: 'slow-shop', legalName: 'Slow', category: '5732', settlementServices: ['settler'] };
      await recordCounterparties(act, [{ ...shop, rail: 'slow' }]);
    });
    const heard = await issueTestArtifact(world, { counterparty: 'slow-shop' });
    await ask(captureClaims(heard, 'c', '5.00'));
    await until('unknown after its time', async () => (await stateOf(heard)) === 'unknown');
    answer?.(completed());
    await until('captured by the late answer', async () => (await stateOf(heard)) === 'captured');
    expect(new Set(asked)).toEqual(new Set([settlementId(heard.id, 'capture', 'c')]));
    asked = [];
    const silent = await issueTestArtifact(world, { counterparty: 'slow-shop' });
    await ask(captureClaims(silent, 'c', '5.00'));
    await until('unknown', async () => (await stateOf(silent)) === 'unknown');
    const before = asked.length;
    await running.start();
    await until('asked again', () => Promise.resolve(asked.length > before));
    answer?.(completed());
    await until('captured by the second answer', async () => (await stateOf(silent)) === 'captured');
    expect(new Set(asked)).toEqual(new Set([settlementId(silent.id, 'capture', 'c')]));
    await running.stop();
    gate = createGateParts(world.runtime, { lateAfterMs: 400 });
    running = new RunningGate(gate);
  });

  it('asks the rail again after a restart for what is still capturing, and money moves once', async () => {
    const artifact = await issueTestArtifact(world, { counterparty: 'demo-shop' });
    await gate.caller.stop(); // as if the process ended between the commit and the call
    await ask(captureClaims(artifact, 'c', '5.00'));
    expect(await stateOf(artifact)).toBe('capturing');
    const next = createGateParts(world.as('spendgate_gate'));
    const restarted = new RunningGate(next);
    await restarted.start();
    await until('captured after the restart', async () => (await stateOf(artifact)) === 'captured');
    expect(next.simulatedRail.movements).toBe(1);
    await ask(refundClaims(artifact, 'c', 'r', '2.00'), next);
    await until('refunded', async () => (await stateOf(artifact, 'refund')) === 'refunded');
    await restarted.stop();
    gate = createGateParts(world.runtime, { lateAfterMs: 400 });
    running = new RunningGate(gate);
  });

  it('never lets the service say what became of money the gate’s own rail moves', async () => {
    const artifact = await issueTestArtifact(world, { counterparty: 'demo-timeout' });
    await ask(captureClaims(artifact, 'c', '5.00'));
    const failed = outcomeClaims(artifact, { capture_id: 'c' }, 'failed', '5.00');
    const answer = await gate.door.present(await signOutcome(world.domain.settler, failed));
    expect(answer).toMatchObject({ kind: 'refused', code: 'audience_mismatch' });
  });

  it('takes the word of the rail registered for the counterparty', async () => {
    const bank = await registerBank(world);
    const artifact = await issueTestArtifact(world, { counterparty: 'bank-shop' });
    await ask(captureClaims(artifact, 'c', '5.00'));
    const word = outcomeClaims(artifact, { capture_id: 'c' }, 'charged_back', '5.00', { iss: 'bank' });
    const answer = await gate.door.present(await signOutcome(bank, word));
    expect(answer).toMatchObject({ kind: 'outcome', applied: true, state: 'captured' });
  });
});

describe('a rail that lies', () => {
  /** A capture of 5.00 at a liar, in a flow of its own. */
  async function captureAt(counterparty: string): Promise<IssuedTestArtifact> {
    const own = mandateClaim(`to ${counterparty}`, { limits: LIMITS });
    await world.domain.mandates([own]);
    const artifact = await issueTestArtifact(world, { mandate: own.id, counterparty });
    await ask(captureClaims(artifact, 'c', '5.00'));
    return artifact;
  }

  async function rulesOf({ flowId }: IssuedTestArtifact): Promise<unknown> {
    const { rows } = await world.database.pool.query(
      `SELECT f.state, c.rule, c.evidence::json->>'reported' AS reported FROM flows f JOIN incidents USING (flow_id)
       JOIN incident_causes c USING (incident_id) WHERE flow_id = $1`,
      [flowId],
    );
    return rows;
  }

  it('I1: failed, and completed later: the money is debited, once, and the flow contained', async () => {
    const artifact = await captureAt('demo-lie');
    await until('returned', async () => (await stateOf(artifact)) === 'returned');
    expect(await budget(artifact.flowId)).toEqual({ held: 12.5, capturing: 0, captured: 0, refunded: 0 });
    await until('captured by the late word', async () => (await stateOf(artifact)) === 'captured');
    expect(await rulesOf(artifact)).toEqual([{ state: 'contained', rule: 'exact.settlement_late', reported: '5' }]);
    const id = settlementId(artifact.id, 'capture', 'c');
    for (const outcome of ['completed', 'failed'] as const) {
      const item = { kind: 'report', settlementId: id, artifactId: artifact.id, reporter: SIMULATED_RAIL } as const;
      const more = { outcome, amount: null, railReference: 'again', occurredAtMs: Date.now() };
      const answer = await gate.door.submit({
        ...item,
        ...more,
        outcomeId: outcomeId(SIMULATED_RAIL, `again ${outcome}`),
      });
      expect(answer).toMatchObject({ applied: false, state: 'captured' });
    }
    expect(await budget(artifact.flowId)).toEqual({ held: 7.5, capturing: 0, captured: 5, refunded: 0 });
  });

  it('I1: another amount moved: unknown, never captured however often it says so, and the flow contained', async () => {
    const artifact = await captureAt('demo-other-amount');
    await until('unknown', async () => (await stateOf(artifact)) === 'unknown');
    const id = settlementId(artifact.id, 'capture', 'c');
    for (const amount of ['1.00', '9'.repeat(60), 'much']) {
      const says = { outcome: 'completed', railReference: null, occurredAtMs: Date.now(), amount } as const;
      gate.caller.report(SIMULATED_RAIL, id, says);
    }
    await until('every other word to be recorded', async () => {
      const { rows } = await world.database.pool.query('SELECT 1 FROM settlement_outcomes WHERE settlement_id = $1', [
        id,
      ]);
      return rows.length === 3;
    });
    expect(await stateOf(artifact)).toBe('unknown');
    expect(await budget(artifact.flowId)).toEqual({ held: 7.5, capturing: 5, captured: 0, refunded: 0 });
    expect(await rulesOf(artifact)).toEqual([
      { state: 'contained', rule: 'exact.settlement_amount', reported: '1.00' },
    ]);
  });

  it('I4: every outcome is recorded as its leaf has it, also where the rail named no amount or another one', async () => {
    const altered: unknown[] = [];
    for await (const { table, rows } of readAlteredRows(world.database.pool, 10)) {
      if (table === 'settlement_outcomes') altered.push(...rows);
    }
    expect(altered).toEqual([]);
  });

  it('leaves every decision as replay computes it again', async () => {
    let replayed = 0;
    for await (const each of replaySettlements(world.database.pool)) {
      expect(each.differences).toEqual([]);
      replayed += 1;
    }
    expect(replayed).toBeGreaterThan(1);
  });
});

describe('sweeps', () => {
  it('A20: releases an ended hold at every level, with one leaf, and leaves captures alone', async () => {
    const ended = await issueTestArtifact(world, { mandate: 'idle', amount: '10.00', lifetimeMs: -1_000 });
    const drawn = await issueTestArtifact(world, { mandate: 'idle', amount: '10.00' });
    await ask(captureClaims(drawn, 'c', '4.00'));
    await world.database.pool.query(`UPDATE holds SET ends_at = now() WHERE artifact_id = $1`, [drawn.id]);
    await running.start();
    await until('both released', async () => {
      const { rows } = await world.database.pool.query('SELECT 1 FROM holds WHERE ended AND artifact_id = ANY ($1)', [
        [ended.id, drawn.id],
      ]);
      return rows.length === 2;
    });
    expect(await budget(ended.flowId)).toEqual({ held: 0, capturing: 4, captured: 0, refunded: 0 });
    const { rows } = await world.database.pool.query(
      `SELECT 1 FROM leaves WHERE leaf::json->>'type' = 'holds_released' AND payload LIKE '%' || $1 || '%'`,
      [ended.flowId],
    );
    expect(rows).toHaveLength(1);
  });

  it('calls silence past its time unknown, keeps the money in movement, and still takes the word later', async () => {
    const artifact = await issueTestArtifact(world);
    await ask(captureClaims(artifact, 'c', '5.00'));
    await world.database.pool.query('UPDATE settlements SET outcome_due_at = now() WHERE artifact_id = $1', [
      artifact.id,
    ]);
    await until('unknown', async () => (await stateOf(artifact)) === 'unknown');
    const { rows } = await world.database.pool.query(
      'SELECT capturing::float8, ended FROM holds WHERE artifact_id = $1',
      [artifact.id],
    );
    expect(rows).toEqual([{ capturing: 5, ended: false }]);
    const word = outcomeClaims(artifact, { capture_id: 'c' }, 'completed', '5.00');
    const answer = await gate.door.present(await signOutcome(world.domain.settler, word));
    expect(answer).toMatchObject({ applied: true, state: 'captured' });
  });
});
