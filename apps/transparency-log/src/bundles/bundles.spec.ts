import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Signer, signHttpRequest } from '@spendgate/artifact';
import { BUNDLE_RANGE_LEAVES_MAX, parseBundle } from '@spendgate/codec';
import { MESSAGING_SETTINGS } from '@spendgate/messaging';
import {
  LeafWriter,
  TEST_PUBLIC_URL,
  type TestRuntime,
  issueTestArtifact,
  mandateClaim,
  openTestRuntime,
  recordLogKeys,
  until,
} from '@spendgate/testing';
import { verifyBundle } from '@spendgate/verifier';
import { LOG_SETTINGS } from '../log.settings.js';
import { TransparencyLogModule } from '../transparency-log.module.js';

let world: TestRuntime;
let app: NestFastifyApplication;

beforeAll(async () => {
  world = await openTestRuntime({
    settings: { ...LOG_SETTINGS, ...MESSAGING_SETTINGS },
    agents: ['buyer', 'rival'],
    people: { ada: ['auditor'] },
  });
  await world.domain.mandates([mandateClaim('main')]);
  const keys = { ...world.runtime.keys, ...(await recordLogKeys(world.runtime.pool)) };
  const module = TransparencyLogModule.forRoot({ ...world.runtime, keys });
  app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
}, 60_000);
afterAll(async () => {
  await app.close();
  await world.close();
});

async function read(path: string, signer?: Signer): Promise<Response> {
  const target = { method: 'GET', targetUri: `${TEST_PUBLIC_URL}${path}` };
  const headers = signer === undefined ? {} : await signHttpRequest(target, signer, Date.now());
  return fetch(`${await app.getUrl()}${path}`, { headers: { ...headers } });
}

describe('GET /v1/bundles/artifacts/:id', () => {
  it('E4: gives the agent five parts once the log has signed them, others nothing, and nobody anything before', async () => {
    const { id } = await issueTestArtifact(world);
    const path = `/v1/bundles/artifacts/${id}`;
    const buyer = world.domain.agent('buyer');
    expect((await read(path)).status).toBe(400);
    expect((await read(path, world.domain.agent('rival'))).status).toBe(404);
    const early = await read(path, buyer);
    expect([early.status, early.headers.get('retry-after')]).toEqual([503, '1']);
    const lane = await LeafWriter.open(world.runtime.pool, 'spec');
    const [leaf] = await lane.write(1);
    await world.runtime.pool.query('UPDATE decisions SET leaf_hash = $1', [leaf]);
    await until('the bundle', async () => (await read(path, buyer)).status === 200);
    const bytes = Buffer.from(await (await read(`${path}?from=1`, buyer)).arrayBuffer());
    expect(parseBundle(bytes)).toMatchObject({ ok: true, bundle: { subject: { id }, lineage: { redacted: 0 } } });
    const { statements } = await verifyBundle({ bundle: bytes });
    expect(statements.find(({ name }) => name === 'audit')).toMatchObject({ holds: true });
    expect(statements.find(({ name }) => name === 'authorization')).toMatchObject({ holds: false }); // fixture, unsigned
    expect((await read(`${path}?from=9000`, buyer)).status).toBe(404);
    const seen = await (await read(path, world.domain.settler)).text();
    expect(JSON.parse(seen)).toMatchObject({ proof: { decision: { read_set: null } }, lineage: { redacted: 1 } });
  });
});

describe('GET /v1/bundles/ranges', () => {
  const from = new Date(Date.now() - 60_000).toISOString();
  const path = (to = new Date(Date.now() - 1).toISOString()): string => `/v1/bundles/ranges?from=${from}&to=${to}`;

  it('gives a person every leaf of a time, from the first of the log on, and nobody else one', async () => {
    const ada = world.domain.person('ada');
    await until('the bundle', async () => (await read(path(), ada)).status === 200);
    const bytes = Buffer.from(await (await read(`${path()}&remembered=1`, ada)).arrayBuffer());
    expect(parseBundle(bytes)).toMatchObject({
      ok: true,
      bundle: { proof: { start: null }, lineage: { redacted: 0 } },
    });
    expect(await verifyBundle({ bundle: bytes })).toMatchObject({ kind: 'range', valid: true });
    expect((await read(path(), world.domain.agent('buyer'))).status).toBe(404);
    expect((await read(path(), world.domain.settler)).status).toBe(404);
  });

  it('refuses a time that is not over, none, or one with more leaves than a file holds, and says what to do', async () => {
    const ada = world.domain.person('ada');
    for (const bad of [path('2999-01-01T00:00:00Z'), path('yesterday'), path(from), '/v1/bundles/ranges'])
      expect((await read(bad, ada)).status).toBe(400);
    const lane = await LeafWriter.open(world.runtime.pool, 'many');
    await lane.write(BUNDLE_RANGE_LEAVES_MAX);
    await until('the refusal', async () => (await read(path(), ada)).status === 422);
    const { detail } = JSON.parse(await (await read(path(), ada)).text()) as { detail: string }; // as: the contract under test
    expect(detail).toMatch(/^\d+ leaves lie in that time, and a bundle holds 4096: ask /);
  });
});
