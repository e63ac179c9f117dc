import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  type TestRuntime,
  captureClaims,
  issueTestArtifact,
  mandateClaim,
  openTestRuntime,
  signRequest,
} from '@spendgate/testing';
import { type GateParts, createGateParts } from '../gate-parts.js';
import { GATE_SETTINGS } from '../gate.settings.js';
import { ALL_VERIFIED } from './gate-facts.js';

const LIMITS = { currency: 'USD', total: '100000.00', per_transaction: null };
const BROKEN = mandateClaim('broken', { limits: LIMITS });

let world: TestRuntime;
let gate: GateParts;

beforeAll(async () => {
  world = await openTestRuntime({ settings: GATE_SETTINGS });
  await world.domain.mandates([mandateClaim('main', { limits: LIMITS }), BROKEN]);
  gate = createGateParts(world.runtime, {
    trust: (flowId) => {
      if (flowId === BROKEN.id) throw new TypeError('a defect nobody foresaw');
      return ALL_VERIFIED;
    },
  });
}, 60_000);
afterAll(async () => {
  await gate.events.stop();
  await world.close();
});

it('I12: one request that meets a defect, of whatever kind, is denied alone and fails no other of its batch', async () => {
  const [whole, broken] = [await issueTestArtifact(world), await issueTestArtifact(world, { mandate: 'broken' })];
  const tokens = await Promise.all(
    [whole, broken, whole].map((artifact, index) =>
      signRequest(world.domain.settler, captureClaims(artifact, `c${index}`, '1.00')),
    ),
  );
  const answers = await Promise.all(tokens.map((token) => gate.door.present(token)));
  expect(answers).toMatchObject([
    { kind: 'settlement', state: 'capturing' },
    { kind: 'refused', code: 'internal_denied' },
    { kind: 'settlement', state: 'capturing' },
  ]);
});
