import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { PrivateKeySigner, StatusList } from '@spendgate/artifact';
import {
  type NoteKey,
  TILE_WIDTH,
  leafHash,
  parseNoteKey,
  tilePath,
  verifyCheckpoint,
  verifyConsistency,
  verifyInclusion,
} from '@spendgate/audit-log';
import { MESSAGING_SETTINGS, type Runtime, TOPICS } from '@spendgate/messaging';
import { inControlAct, readRecords, recordDomainKeys } from '@spendgate/store';
import { LeafWriter, type TestRuntime, openTestRuntime, until } from '@spendgate/testing';
import { LOG_SETTINGS } from './log.settings.js';
import { TransparencyLogModule } from './transparency-log.module.js';

let world: TestRuntime;
let app: NestFastifyApplication;
let lane: LeafWriter;
let runtime: Runtime;

beforeAll(async () => {
  world = await openTestRuntime({
    settings: { ...LOG_SETTINGS, ...MESSAGING_SETTINGS },
    environment: { SPENDGATE_CHECKPOINT_PUBLISH: '0ms', SPENDGATE_LOG_IDLE: '5ms' },
  });
  const [checkpoint, status] = [PrivateKeySigner.generate('checkpoint'), PrivateKeySigner.generate('status')];
  const { pool } = world.runtime;
  const rows = [
    { kid: checkpoint.kid, purpose: 'checkpoint' as const, alg: checkpoint.alg, jwk: checkpoint.jwk },
    { kid: status.kid, purpose: 'status' as const, alg: status.alg, jwk: status.jwk },
  ];
  await inControlAct(pool, (act) => recordDomainKeys(act, rows));
  const control = PrivateKeySigner.generate('control');
  runtime = { ...world.runtime, keys: { ...world.runtime.keys, checkpoint, status, control } };
  app = await NestFactory.create<NestFastifyApplication>(TransparencyLogModule.forRoot(runtime), new FastifyAdapter(), {
    logger: false,
  });
  await app.listen(0, '127.0.0.1');
  lane = await LeafWriter.open(pool, 'spec');
}, 60_000);
afterAll(async () => {
  await app.close();
  await world.close();
});

async function get(path: string): Promise<{ status: number; type: string; cache: string; body: Buffer }> {
  const answer = await fetch(`${await app.getUrl()}${path}`);
  const [type, cache] = ['content-type', 'cache-control'].map((name) => answer.headers.get(name) ?? '');
  return { status: answer.status, type: type ?? '', cache: cache ?? '', body: Buffer.from(await answer.arrayBuffer()) };
}
async function getJson(path: string): Promise<Record<string, unknown>> {
  const { status, body } = await get(path);
  expect({ path, status }).toEqual({ path, status: 200 });
  return JSON.parse(body.toString()) as Record<string, unknown>; // as: our own routes answer objects
}
async function logKey(): Promise<NoteKey> {
  const { log } = (await getJson('/.well-known/spendgate')) as { log: { keys: string[] } }; // as: the document's form
  const key = parseNoteKey(log.keys.at(-1) ?? '');
  if (key === undefined) throw new Error('the domain document names the log key');
  return key;
}
async function lastCheckpoint() {
  const verdict = verifyCheckpoint((await get('/checkpoint')).body, [await logKey()]);
  if (!verdict.valid) throw new Error(verdict.code);
  return verdict.checkpoint;
}
/** Writes leaves and waits until a signed checkpoint covers them. */
async function writeSigned(count: number): Promise<Buffer[]> {
  const hashes = await lane.write(count);
  const last = hashes.at(-1)?.toString('base64url') ?? '';
  await until('a checkpoint', async () => (await get(`/v1/log/proofs/inclusion?leaf_hash=${last}`)).status === 200);
  return hashes;
}
const hashes = (value: unknown): Buffer[] => (value as string[]).map((each) => Buffer.from(each, 'base64url')); // as: a proof

describe('the transparency log over HTTP', () => {
  it('C7: proves to a stranger, from its public documents alone, that a leaf is in the log and the log only grew', async () => {
    const [first] = await writeSigned(300);
    const before = await lastCheckpoint();
    await writeSigned(400);
    const now = await lastCheckpoint();
    const inclusion = await getJson(`/v1/log/proofs/inclusion?leaf_hash=${first?.toString('base64url')}`);
    const leafIndex = Number(inclusion['leaf_index']);
    const { leaf } = await getJson(`/v1/log/leaves/${leafIndex}`);
    const included = {
      leafIndex,
      treeSize: Number(inclusion['tree_size']),
      leafHash: leafHash(String(leaf)),
      root: Buffer.from(String(inclusion['root']), 'base64url'),
      proof: hashes(inclusion['proof']),
    };
    expect(verifyInclusion(included)).toEqual({ valid: true });
    const { proof } = await getJson(`/v1/log/proofs/consistency?from=${before.size}&to=${now.size}`);
    const [size1, size2, root1, root2] = [before.size, now.size, before.root, now.root];
    expect(verifyConsistency({ size1, size2, root1, root2, proof: hashes(proof) })).toEqual({ valid: true });
  });

  it('serves full tiles for ever and partial ones for a minute, hashes and leaves (C2SP tlog-tiles)', async () => {
    await writeSigned(600);
    const { size } = await lastCheckpoint();
    const full = await get(`/tile/${tilePath({ level: 0, index: 1, width: TILE_WIDTH })}`);
    expect(full).toMatchObject({ status: 200, type: 'application/octet-stream' });
    expect(full.cache).toContain('immutable');
    const entries = await get(`/tile/${tilePath({ level: 'entries', index: 1, width: TILE_WIDTH })}`);
    for (let at = 0, n = 0; n < TILE_WIDTH; n += 1) {
      const length = entries.body.readUInt16BE(at);
      const leaf = entries.body.subarray(at + 2, at + 2 + length);
      expect(Buffer.from(leafHash(leaf))).toEqual(full.body.subarray(n * 32, n * 32 + 32));
      at += 2 + length;
    }
    const width = size % TILE_WIDTH;
    const partial = await get(`/tile/${tilePath({ level: 0, index: Math.floor(size / TILE_WIDTH), width })}`);
    expect(partial).toMatchObject({ status: 200, cache: 'public, max-age=60' });
    expect(partial.body.length).toBe(width * 32);
    expect((await get(`/tile/1/000.p/${Math.floor(size / TILE_WIDTH)}`)).status).toBe(200);
  });

  it.each([
    ['/tile/0/00', 404],
    ['/tile/0/%30%30%30', 404],
    ['/tile/0/x999/999', 404],
    ['/tile/entries/900.p/3', 404],
    ['/tile/../checkpoint/x', 404],
    ['/v1/log/leaves/-1', 400],
    ['/v1/log/leaves/99999999999999999999', 400],
    ['/v1/log/leaves/9007199254740991', 404],
    ['/v1/log/proofs/inclusion', 400],
    ['/v1/log/proofs/inclusion?leaf_hash=AAAA', 400],
    [`/v1/log/proofs/inclusion?leaf_hash=${'A'.repeat(43)}`, 404],
    [`/v1/log/proofs/inclusion?leaf_hash=${'A'.repeat(43)}&tree_size=1e3`, 400],
    ['/v1/log/proofs/consistency?from=1&to=900000', 404],
    ['/v1/log/proofs/consistency?from=5&to=4', 404],
    ['/v1/log/proofs/consistency?from=1&from=2', 400],
    ['/status/0/x', 404],
    ['/status/0/0', 404],
  ])('answers %s with %d and a problem document (RFC 9457)', async (path, status) => {
    const answer = await get(path);
    expect(answer.status).toBe(status);
    expect(answer.type).toMatch(/json/);
  });

  it('publishes its keys with their history (RFC 7517)', async () => {
    const { keys } = (await getJson('/.well-known/jwks.json')) as { keys: { purpose: string; kid: string }[] }; // as: a JWKS
    expect(keys.map((key) => key.purpose).sort()).toEqual(['checkpoint', 'status']);
  });

  it('A23: shows a revoked artifact in its status list within two seconds of the act', async () => {
    const { pool } = runtime;
    await pool.query(`INSERT INTO lanes (name, next) VALUES ('payment-intents.v1/0', 10) ON CONFLICT DO NOTHING`);
    await pool.query(
      `INSERT INTO artifacts SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'buyer', 'settler', 1, 'k', '{}', '', 0, 0, n, now()
       FROM generate_series(0, 9) AS n`,
    );
    const read = async (idx: number) => {
      const token = (await get('/status/0/0')).body.toString().split('.')[1] ?? '';
      const claims = JSON.parse(Buffer.from(token, 'base64url').toString()) as Record<string, unknown>; // as: our claims
      expect(claims).toMatchObject({
        iss: runtime.domain.issuer,
        ttl: 60,
        sub: expect.stringMatching(/\/status\/0\/0$/),
      });
      return StatusList.decode(claims['status_list'])?.get(idx);
    };
    expect(await read(7)).toBe('valid');
    await pool.query('UPDATE artifacts SET status = status_idx - 6 WHERE status_idx IN (7, 8)');
    await until('the revocation', async () => (await read(7)) === 'revoked', 2_000);
    expect([await read(6), await read(8)]).toEqual(['valid', 'suspended']);
  });

  it('puts its newest checkpoint on checkpoints.v1', async () => {
    await writeSigned(1);
    const { note } = { note: (await get('/checkpoint')).body.toString() };
    await until('the record', async () => {
      const cursor = { topic: TOPICS.checkpoints, partition: 0, offset: 0n };
      const records = await readRecords(runtime.pool, [cursor], 1_000);
      return records.at(-1)?.value?.toString() === note;
    });
  });

  it('A35: says how far it is, names the altered row it stopped at, and goes on when that is mended', async () => {
    const { pool, health } = runtime;
    const failed = async () => (await health.report()).checks.filter(({ ok }) => !ok).map(({ detail }) => detail ?? '');
    await writeSigned(1);
    await until('ready', async () => (await failed()).length === 0);
    const forged = await pool.query<{ seq: bigint }>(
      `WITH lane AS (UPDATE lanes SET leaf_seq = leaf_seq + 1 WHERE lane_id = $1 RETURNING lane_id, leaf_seq - 1 AS seq)
       INSERT INTO leaves (lane_id, seq, leaf_hash, leaf) SELECT lane_id, seq, sha256('x'), '{"causes":[]}' FROM lane
       RETURNING seq`,
      [lane.lease.laneId],
    );
    const named = `leaf ${forged.rows[0]?.seq} of lane ${lane.lease.laneId}`;
    await until('the stop', async () => (await failed()).some((detail) => detail.includes(named)));
    await pool.query(
      `UPDATE leaves SET leaf_hash = sha256('\\x00'::bytea || convert_to(leaf, 'UTF8')) WHERE lane_id = $1 AND seq = $2`,
      [lane.lease.laneId, forged.rows[0]?.seq],
    );
    await writeSigned(1);
    await until('ready', async () => (await failed()).length === 0);
  }, 30_000);
});
