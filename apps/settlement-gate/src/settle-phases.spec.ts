import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type FlowState, LIFECYCLE } from '@spendgate/core';
import {
  type TestRuntime,
  captureClaims,
  issueTestArtifact,
  mandateClaim,
  openTestRuntime,
  signRequest,
} from '@spendgate/testing';
import { type GateParts, createGateParts } from './gate-parts.js';
import { GATE_SETTINGS } from './gate.settings.js';

const STATES = Object.keys(LIFECYCLE) as FlowState[]; // as: keys of the table
/** A new server may have to start first. */
const HOOK_MS = 60_000;

let world: TestRuntime;
let gate: GateParts;

beforeAll(async () => {
  world = await openTestRuntime({ settings: GATE_SETTINGS });
  gate = createGateParts(world.as('spendgate_gate'));
}, HOOK_MS);
afterAll(async () => {
  await gate.events.stop();
  await world.close();
});

describe('a capture', () => {
  it.each(STATES)('E14: moves money of a flow that is %s in no phase after 4', async (state) => {
    const { pool } = world.database;
    const own = mandateClaim(`in ${state}`);
    await world.domain.mandates([own]);
    const artifact = await issueTestArtifact(world, { mandate: own.id });
    await pool.query('UPDATE flows SET state = $2 WHERE flow_id = $1', [own.id, state]);
    await gate.door.present(await signRequest(world.domain.settler, captureClaims(artifact, 'c1', '1.00')));
    const { rows } = await pool.query<{ moving: number }>(
      'SELECT capturing::float8 + captured::float8 AS moving FROM holds WHERE artifact_id = $1',
      [artifact.id],
    );
    expect(rows).toEqual([{ moving: LIFECYCLE[state].phase > 4 ? 0 : 1 }]);
  });
});
