import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner } from '@spendgate/artifact';
import { AuthorizerModule } from '@spendgate/authorizer';
import { WebhookSender } from '@spendgate/http-edge';
import { type Runtime } from '@spendgate/messaging';
import { Logger } from '@spendgate/platform';
import { claimWebhooks, enqueueWebhooks, inControlAct, readWebhookBacklog, recordParties } from '@spendgate/store';
import {
  type HookMessage,
  type ServedModule,
  TestHook,
  type TestRuntime,
  isSignedHook,
  captureClaims,
  intentClaims,
  mandateClaim,
  openTestRuntime,
  serveModule,
  signIntent,
  signRequest,
  until,
} from '@spendgate/testing';
import 'reflect-metadata';
import { HTTP_LIMITS, httpAdapter } from './http-guard.js';
import { ROLE_NAMES, settingsOf } from './roles.js';
import { ProcessModule } from './serve-roles.js';

const LONG_MS = 60_000;

let world: TestRuntime;
let runtime: Runtime;
let app: ServedModule;
let hook: TestHook;

beforeAll(async () => {
  hook = await TestHook.open();
  world = await openTestRuntime({
    settings: settingsOf(ROLE_NAMES),
    environment: { SPENDGATE_WEBHOOK_PRIVATE_ADDRESSES: 'true' },
  });
  await world.domain.mandates([
    mandateClaim('main', { limits: { currency: 'USD', total: '100.00', per_transaction: null } }),
  ]);
  const own = (['checkpoint', 'status', 'control'] as const).map((name) => [name, PrivateKeySigner.generate(name)]);
  const keys: Runtime['keys'] = { ...world.runtime.keys, ...(Object.fromEntries(own) as Runtime['keys']) };
  runtime = { ...world.runtime, keys };
  const adapter = httpAdapter(HTTP_LIMITS, 30_000);
  app = await serveModule(ProcessModule.of(ROLE_NAMES, runtime), runtime, { adapter });
}, LONG_MS);
afterAll(async () => {
  await app.close();
  await world.close();
  hook.close();
}, LONG_MS);
beforeEach(() => {
  hook.received = [];
  hook.answer = 200;
});

async function declare(kind: 'agent' | 'settlement_service', id: string, webhook: object | null): Promise<void> {
  await inControlAct(runtime.pool, async (act) => {
    await recordParties(act, [{ kind, id, name: id, body: webhook === null ? {} : { webhook } }]);
  });
}

async function post(path: string, token: string | Buffer): Promise<Readonly<Record<string, string>>> {
  const headers = { 'content-type': 'application/jwt', prefer: 'wait=20' };
  const reply = await fetch(app.url + path, { method: 'POST', headers, body: token });
  return (await reply.json()) as Record<string, string>; // of an answer only texts are used here
}

function intent(jti: string): Promise<string> {
  const change = { amount: { value: '1.00', currency: 'USD' } };
  return signIntent(world.domain.agent('buyer'), intentClaims(jti, Date.now(), change));
}

const verifies = (message: HookMessage): boolean => isSignedHook(message, runtime.keys.webhook);

/** A sender beside those of the process, with its own patience and reach. */
function sender(change: Partial<ConstructorParameters<typeof WebhookSender>[0]> = {}): WebhookSender {
  const { pool, clock, keys } = runtime;
  if (keys.webhook === undefined) throw new Error('no webhook key');
  const logger = Logger.create({ level: 'silent', role: 'spec' });
  const render = (): Promise<Record<string, unknown>> => Promise.resolve({ known: true });
  const given = { giveUpMs: 60_000, privateAddresses: true, ...change };
  return new WebhookSender({ source: 'decisions', pool, clock, logger, signer: keys.webhook, render, ...given });
}

describe('webhooks', () => {
  it('tell the agent its decision and the settlement service its receipt, signed (Standard Webhooks)', async () => {
    await declare('agent', 'buyer', { url: hook.url });
    await declare('settlement_service', 'settler', { url: hook.url });
    const decided = await post('/v1/payment-intents', await intent('one'));
    await until('both have the decision', () => hook.received.length === 2);
    expect(hook.received.map(({ json }) => [json.type, json.data['artifact']])).toEqual([
      ['decision_authorized', decided['artifact']],
      ['decision_authorized', decided['artifact']],
    ]);
    expect(hook.received.every(verifies)).toBe(true);
    const [, payload = ''] = (decided['artifact'] ?? '').split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { jti: string };
    const hash = createHash('sha256').update(Buffer.from(payload, 'base64url')).digest('base64url');
    const asked = captureClaims(
      { id: claims.jti, hash, currency: 'USD', counterparty: 'shop', reference: 'one' } as never,
      'c',
      '1.00',
    ); // as: all it uses
    const receipt = await post('/v1/settlements', await signRequest(world.domain.settler, asked));
    expect(receipt).toMatchObject({ outcome: 'authorized' });
    await until('both have the receipt', () => hook.received.length === 4);
    expect(hook.received[3]?.json).toMatchObject({
      type: 'settlement_capture_authorized',
      data: { receipt: receipt['receipt'] },
    });
    expect(hook.received.every(verifies)).toBe(true);
    // Deleted after the answer, so a moment later.
    await until('nothing waits', async () => {
      return (await runtime.pool.query('SELECT 1 FROM webhook_deliveries')).rows.length === 0;
    });
  });

  it('tell a party nothing that is not its own', async () => {
    await declare('agent', 'buyer', null);
    await declare('settlement_service', 'settler', null);
    await inControlAct(runtime.pool, async (act) => {
      const body = { webhook: { url: hook.url } };
      await recordParties(act, [{ kind: 'agent', id: 'stranger', name: 'stranger', body }]);
    });
    await post('/v1/payment-intents', await intent('two'));
    await until('the leaf was looked through', async () => {
      const { rows } = await runtime.pool.query<{ done: boolean }>(
        `SELECT next_index = tree_size AND tree_size >= (SELECT count(*) FROM leaves) AS done
         FROM webhook_cursors, log_state WHERE source = 'decisions'`,
      );
      return rows[0]?.done === true;
    });
    expect((await runtime.pool.query('SELECT 1 FROM webhook_deliveries')).rows).toEqual([]);
    expect(hook.received).toEqual([]);
  });
});

describe('a webhook that fails', () => {
  /** Stops the process's own senders from being first: what is queued here is of a source they have looked through. */
  async function queue(party: string, index: number): Promise<void> {
    await runtime.pool.query(
      `INSERT INTO webhook_deliveries (source, kind, party_id, index, leaf_type, leaf_hash, leaf_time_ms, ref, next_attempt_at)
       VALUES ('decisions', 'agent', $1, $2, 'decision_denied', sha256($3), 0, gen_random_uuid(), now() + interval '1 h')`,
      [party, index, Buffer.from(`${party}/${index}`)],
    );
  }
  const due = (party: string): Promise<unknown> =>
    runtime.pool.query(`UPDATE webhook_deliveries SET next_attempt_at = now() WHERE party_id = $1`, [party]);
  const backlog = async (party: string) =>
    (await readWebhookBacklog(runtime.pool, 100)).find((each) => each.partyId === party);

  // The process's senders would take what is due as well, and find the decision gone.
  beforeAll(() => app.nest.get(AuthorizerModule, { strict: false }).beforeApplicationShutdown(), LONG_MS);
  beforeAll(async () => {
    for (const id of ['down', 'gone', 'moved', 'inside', 'killed', 'keyless'])
      await declare('agent', id, { url: hook.url });
  });

  it('is tried again under the same id, and deleted once it is taken', async () => {
    await queue('down', 1_000_001);
    hook.answer = 503;
    await due('down');
    await until('it was tried', async () => {
      await sender().run();
      return hook.received.length >= 1;
    });
    expect(await backlog('down')).toMatchObject({ waiting: 1, dead: 0, lastError: 'answered 503' });
    hook.answer = 204;
    await due('down');
    await sender().run();
    expect(hook.received.map(({ headers }) => headers['webhook-id'])).toEqual([
      hook.received[0]?.headers['webhook-id'],
      hook.received[0]?.headers['webhook-id'],
    ]);
    expect(await backlog('down')).toBeUndefined();
  });

  it('is dead when the receiver is gone (410), or when its time is over', async () => {
    await queue('gone', 1_000_002);
    hook.answer = 410;
    await due('gone');
    await sender().run();
    expect(await backlog('gone')).toMatchObject({ waiting: 0, dead: 1, lastError: 'answered 410' });
    await queue('down', 1_000_003);
    hook.answer = 500;
    await due('down');
    await sender({ giveUpMs: 0 }).run();
    expect(await backlog('down')).toMatchObject({ waiting: 0, dead: 1 });
  });

  it('is not led elsewhere by a redirect', async () => {
    await queue('moved', 1_000_004);
    hook.answer = 307;
    await due('moved');
    await sender().run();
    expect(hook.received).toHaveLength(1);
    expect(await backlog('moved')).toMatchObject({ waiting: 1, lastError: 'answered 307' });
  });

  it('waits while there is no key to sign it with', async () => {
    await queue('keyless', 1_000_007);
    await due('keyless');
    expect(await sender({ signer: undefined }).run()).toBe(false);
    expect(hook.received).toEqual([]);
    expect(await backlog('keyless')).toMatchObject({ waiting: 1, dead: 0 });
    await sender().run();
    expect(hook.received).toHaveLength(1);
  });

  it('reaches nothing inside our network', async () => {
    await queue('inside', 1_000_005);
    await due('inside');
    await sender({ privateAddresses: false }).run();
    expect(hook.received).toEqual([]);
    expect(await backlog('inside')).toMatchObject({ waiting: 1, lastError: 'must be https' });
  });

  it('is sent by one of several senders at once, and by another after its sender was killed', async () => {
    await queue('killed', 1_000_006);
    await due('killed');
    const claims = await Promise.all([1, 2, 3].map(() => claimWebhooks(runtime.pool, 'decisions', 10)));
    expect(claims.flat().filter(({ partyId }) => partyId === 'killed')).toHaveLength(1);
    await sender().run();
    expect(hook.received).toEqual([]); // the claim of the killed one still holds
    await due('killed');
    await sender().run();
    expect(hook.received).toHaveLength(1);
    expect(await backlog('killed')).toBeUndefined();
    expect(await enqueueWebhooks(runtime.pool, 'decisions')).toBe(false);
  });
});
