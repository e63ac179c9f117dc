import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner } from '@spendgate/artifact';
import { NOTE_SIGNATURE, formatNoteKey } from '@spendgate/audit-log';
import type { Runtime } from '@spendgate/messaging';
import { HealthRegistry, Metrics, Shutdown } from '@spendgate/platform';
import { type TestRuntime, issueTestArtifact, mandateClaim, openTestRuntime, until } from '@spendgate/testing';
import { ROLE_NAMES, settingsOf } from './roles.js';
import { serveRoles } from './serve-roles.js';

const LONG_MS = 60_000;
/** The same in every start: whose key signed the log is looked at too. */
const LOG_KEYS = {
  checkpoint: PrivateKeySigner.generate('checkpoint'),
  status: PrivateKeySigner.generate('status'),
  control: PrivateKeySigner.generate('control'),
};

let world: TestRuntime;
beforeAll(async () => {
  world = await openTestRuntime({
    settings: settingsOf(ROLE_NAMES),
    environment: {
      SPENDGATE_PORT: '0',
      SPENDGATE_WITNESS_WAIT: '2s',
      SPENDGATE_GATE_SWEEP_MS: '50',
      SPENDGATE_LOG_LEASE: '1s',
    },
  });
  await world.domain.mandates([mandateClaim('main')]);
}, LONG_MS);
afterAll(() => world.close(), LONG_MS);

/** Every role in one process, as `up` starts them. @returns what ends it */
async function start(settings: Partial<Runtime['settings']>): Promise<Shutdown> {
  const keys = { ...world.runtime.keys, ...LOG_KEYS };
  const own = { keys, metrics: new Metrics(), health: new HealthRegistry() };
  const runtime = { ...world.runtime, ...own, settings: { ...world.runtime.settings, ...settings } };
  const shutdown = new Shutdown(runtime.logger);
  // as: they were read from the whole table
  const open = { runtime, settings: runtime.settings as never, shutdown, databaseUrl: world.database.url };
  await serveRoles(ROLE_NAMES, open, 'check');
  return shutdown;
}

const rows = async (sql: string): Promise<unknown> => (await world.database.pool.query(sql)).rows;

describe('every role in one process', () => {
  it('I5: writes nothing but the log before the witnesses confirmed it: no sweep runs, whatever is due', async () => {
    await issueTestArtifact(world, { mandate: 'main', amount: '10.00', lifetimeMs: -1_000 });
    const held = `SELECT ended FROM holds`;
    const leaves = 'SELECT lane_id, seq FROM leaves ORDER BY 1, 2';
    const before = await rows(leaves);
    const signer = PrivateKeySigner.generate('checkpoint').jwk;
    const publicKey = Buffer.from(signer.kty === 'OKP' ? signer.x : '', 'base64url');
    const key = formatNoteKey({ name: 'deaf', type: NOTE_SIGNATURE.cosignatureV1, publicKey });
    // A log without witnesses was here before: what it left in the database says that there are none.
    await expect(start({ SPENDGATE_WITNESSES: `http://127.0.0.1:1 ${key}` })).rejects.toThrow(
      /has not found this database to be the history its witnesses remember/,
    );
    expect([await rows(held), await rows(leaves)]).toEqual([[{ ended: false }], before]);

    const shutdown = await start({});
    await until('what was due is done once it may be', async () => {
      const [row] = (await rows(held)) as { ended: boolean }[]; // as: the query names its column
      return row?.ended === true;
    });
    await shutdown.run('spec');
  }, 30_000);
});
