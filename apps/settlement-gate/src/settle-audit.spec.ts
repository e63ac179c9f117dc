import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { PrivateKeySigner, signToken } from '@spendgate/artifact';
import { inControlAct, recordDomainKeys } from '@spendgate/store';
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
import { VerifyArtifact } from './verify-artifact.js';

let world: TestRuntime;
let gate: GateParts;

beforeEach(async () => {
  world = await openTestRuntime({ settings: GATE_SETTINGS });
  await world.domain.mandates([mandateClaim('main')]);
  gate = createGateParts(world.as('spendgate_gate'));
}, 60_000);
afterEach(async () => {
  await gate.events.stop();
  await world.close();
});

/** As if what waits for the log had been written ten minutes ago. */
async function tenMinutesLater(): Promise<void> {
  await world.database.pool.query(
    `UPDATE leaves SET leaf = (leaf::jsonb || jsonb_build_object(
       'time', floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint - 600000))::text WHERE leaf::json->>'type' <> 'key_changed'`,
  );
}

/** A signed head over everything, as the log leaves it. */
async function sign(): Promise<void> {
  await world.database.pool.query(
    `UPDATE log_state SET tree_size = (SELECT sum(leaf_seq) FROM lanes),
       cursors = (SELECT jsonb_object_agg(lane_id::text, leaf_seq::text) FROM lanes)`,
  );
  await world.database.pool.query(
    `INSERT INTO checkpoints SELECT tree_size, root, 'note', clock_timestamp() FROM log_state`,
  );
}

it('I4, I5: grants no capture while the audit log is late, and the same request when it has signed', async () => {
  const artifact = await issueTestArtifact(world);
  const request = captureClaims(artifact, 'c', '12.50');
  const present = async () => gate.door.present(await signRequest(world.domain.settler, request));
  await tenMinutesLater();
  expect(await present()).toMatchObject({ code: 'audit_unavailable' });
  await sign();
  expect(await present()).toMatchObject({ code: null, state: 'capturing' });
});

it('I3: an artifact looked at meanwhile is not shown as valid', async () => {
  const signer = PrivateKeySigner.generate('artifact');
  const { kid, alg, jwk } = signer;
  await inControlAct(world.runtime.pool, (act) => recordDomainKeys(act, [{ kid, purpose: 'artifact', alg, jwk }]));
  const { claims } = await issueTestArtifact(world);
  const token = Buffer.from(await signToken(signer, 'authorization-artifact+jwt', claims));
  const verify = new VerifyArtifact(gate);
  expect(await verify.execute(token)).toMatchObject({ valid: true });
  await tenMinutesLater();
  expect(await verify.execute(token)).toMatchObject({ valid: false, code: 'audit_unavailable' });
});
