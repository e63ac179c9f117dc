import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CounterChanges, changeCounters, inTransaction } from '@spendgate/store';
import {
  type IssuedTestArtifact,
  type TestRuntime,
  captureClaims,
  issueTestArtifact,
  mandateClaim,
  openTestRuntime,
  outcomeClaims,
  signOutcome,
  signRequest,
  until,
  voidClaims,
} from '@spendgate/testing';
import { type GateParts, createGateParts } from './gate-parts.js';
import { GATE_SETTINGS } from './gate.settings.js';
import { RunningGate } from './running-gate.js';

const LONG_MS = 60_000;
const MAIN = mandateClaim('main', { limits: { currency: 'USD', total: '100000.00', per_transaction: null } });

let world: TestRuntime;
let gate: GateParts;
let running: RunningGate;

beforeAll(async () => {
  world = await openTestRuntime({ settings: GATE_SETTINGS, environment: { SPENDGATE_GATE_SWEEP_MS: '50' } });
  await world.domain.mandates([MAIN]);
  gate = createGateParts(world.runtime, {});
  running = new RunningGate(gate);
  await running.start();
}, LONG_MS);
afterAll(async () => {
  await running.stop();
  await world.close();
}, LONG_MS);

let days = 0;

/** An artifact of 12.50 whose hold entered a day of its own, beside another hold of 1.00. */
async function counted(
  change: Parameters<typeof issueTestArtifact>[1] = {},
): Promise<IssuedTestArtifact & { day: number }> {
  const artifact = await issueTestArtifact(world, { ...change, lifetimeMs: 3_600_000 });
  const day = (days += 1);
  const entry = { mandate: MAIN.id, depth: 0, counter: `day/UTC counterparty/${day}`, slot: 0, startsMs: day };
  const changes = new CounterChanges();
  changes.enter([entry], '12.50');
  changes.enter([entry], '1.00');
  await inTransaction(world.database.pool, (tx) => changeCounters(tx, changes));
  await world.database.pool.query('UPDATE holds SET counters = $2 WHERE artifact_id = $1', [
    artifact.id,
    JSON.stringify([[0, entry.counter, 0, day]]),
  ]);
  return { ...artifact, day };
}

async function sumOf({ day }: { day: number }): Promise<string> {
  const { rows } = await world.database.pool.query<{ sum: string }>(
    `SELECT trim_scale(amount)::text || ' of ' || count AS sum FROM counters WHERE starts_ms = $1`,
    [day],
  );
  return rows[0]?.sum ?? 'none';
}

const ask = async (claims: object) => gate.door.present(await signRequest(world.domain.settler, claims));
const report = async (claims: object) => gate.door.present(await signOutcome(world.domain.settler, claims));

describe('what a hold entered in windows and counterparty sums', () => {
  it('leaves with a void, once, and its count stays', async () => {
    const artifact = await counted();
    expect(await ask(voidClaims(artifact, 'v'))).toMatchObject({ state: 'released' });
    expect(await sumOf(artifact)).toBe('1 of 2');
    await ask(voidClaims(artifact, 'v'));
    await ask(voidClaims(artifact, 'again'));
    expect(await sumOf(artifact)).toBe('1 of 2');
  });

  it('leaves when the hold expires, whichever sweep meets it', async () => {
    const artifact = await counted();
    await world.database.pool.query('UPDATE holds SET ends_at = clock_timestamp() WHERE artifact_id = $1', [
      artifact.id,
    ]);
    await until('the sweep', async () => (await sumOf(artifact)) === '1 of 2');
  });

  it('stays whole after a capture of a part, also when the rest is let go', async () => {
    const artifact = await counted();
    await ask(captureClaims(artifact, 'c', '5.00'));
    await report(outcomeClaims(artifact, { capture_id: 'c' }, 'completed', '5.00'));
    expect(await ask(voidClaims(artifact, 'v'))).toMatchObject({ state: 'released' });
    expect(await sumOf(artifact)).toBe('13.5 of 2');
  });

  it('stays while a capture is under way, and leaves when the rail did not move the money', async () => {
    const artifact = await counted();
    await ask(captureClaims(artifact, 'c', '5.00'));
    expect(await ask(voidClaims(artifact, 'v'))).toMatchObject({ state: 'released' });
    expect(await sumOf(artifact)).toBe('13.5 of 2');
    await report(outcomeClaims(artifact, { capture_id: 'c' }, 'failed', '5.00'));
    expect(await sumOf(artifact)).toBe('1 of 2');
  });
});
