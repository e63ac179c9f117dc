import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, writePartyKey } from '@spendgate/artifact';
import { AUTHORIZER_SETTINGS, AuthorizerModule } from '@spendgate/authorizer';
import { TOPICS } from '@spendgate/messaging';
import { inControlAct, recordKeys, recordParties } from '@spendgate/store';
import {
  type ServedModule,
  TEST_ISSUER,
  type TestRuntime,
  captureRun,
  intentClaims,
  mandateClaim,
  namedId,
  openTestRuntime,
  serveModule,
  signIntent,
  until,
} from '@spendgate/testing';
import { run } from '../index.js';

/** A new server may have to start first. */
const HOOK_MS = 60_000;

describe('a person at a terminal answers what waits', () => {
  let world: TestRuntime;
  let app: ServedModule;
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'spendgate-answer-'));
  const environment = process.env;

  beforeAll(async () => {
    world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS });
    await world.domain.mandates([mandateClaim('asks', { approvals: { above: '10.00' } })]);
    await enrol('ada', ['approver']);
    await enrol('eve', ['operator']);
    app = await serveModule(AuthorizerModule.forRoot(world.as('spendgate_authorizer')), world.runtime);
    process.env = { ...environment, SPENDGATE_ISSUER: TEST_ISSUER, SPENDGATE_DATABASE_URL: world.database.url };
  }, HOOK_MS);
  afterAll(async () => {
    process.env = environment;
    await app.close();
    await world.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }, HOOK_MS);

  /** A person whose key is in the key folder. */
  async function enrol(id: string, roles: readonly string[]): Promise<void> {
    const signer = PrivateKeySigner.generate('person');
    await writePartyKey(folder, id, signer);
    await inControlAct(world.runtime.pool, async (act) => {
      await recordParties(act, [{ kind: 'person', id, name: id, body: { roles } }]);
      await recordKeys(act, [{ kid: signer.kid, alg: signer.alg, jwk: signer.jwk, kind: 'person', partyId: id }]);
    });
  }

  /** @returns the id of an intent that waits, as `decisions parked` shows it */
  async function park(jti: string): Promise<string> {
    const mandate = namedId('asks');
    const value = Buffer.from(
      await signIntent(world.domain.agent('buyer'), intentClaims(jti, Date.now(), { mandate })),
    );
    await world.runtime.transport.publish(TOPICS.paymentIntents, [{ key: mandate, value, headers: {} }]);
    let intent = '';
    await until('a wait', async () => {
      const { stdout } = await captureRun(run, ['decisions', 'parked', '--json']);
      intent = stdout === '' ? '' : (JSON.parse(stdout) as { intent: string }).intent; // as: the contract under test
      return intent !== '';
    });
    return intent;
  }

  const say = (answer: string, intent: string, as: string, ...more: string[]) =>
    captureRun(run, ['decisions', answer, intent, '--as', as, '--keys', folder, '--url', app.url, '--json', ...more]);

  it('approve: the service says what came of it; who is no approver is told so, with exit code 2', async () => {
    const intent = await park('approved');
    const eve = await say('approve', intent, 'eve');
    expect([eve.exitCode, JSON.parse(eve.stdout)]).toMatchObject([2, { code: 'scope_mismatch' }]);
    const ada = await say('approve', intent, 'ada', '--reason', 'looked at the cart');
    expect([ada.exitCode, JSON.parse(ada.stdout)]).toMatchObject([0, { outcome: 'authorized', intent_id: intent }]);
    const { rows } = await world.database.pool.query<{ payload: string }>(
      `SELECT payload FROM leaves WHERE leaf::json->>'type' = 'ops_action'`,
    );
    expect(rows.map(({ payload }) => JSON.parse(payload) as unknown)).toMatchObject([
      { person: 'ada', reason: 'looked at the cart', target: { id: intent } },
    ]);
  });

  it('refuse: done, although the outcome is a denial', async () => {
    const { exitCode, stdout } = await say('refuse', await park('refused'), 'ada');
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([0, { outcome: 'denied', code: 'approval_refused' }]);
  });
});
