import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, type Signer, writePartyKey } from '@spendgate/artifact';
import { AUTHORIZER_SETTINGS, AuthorizerModule } from '@spendgate/authorizer';
import { type PartyKind, inControlAct, recordKeys, recordParties } from '@spendgate/store';
import {
  type ServedModule,
  TEST_ISSUER,
  type TestRuntime,
  captureRun,
  openTestRuntime,
  serveModule,
} from '@spendgate/testing';
import { run } from '../index.js';

describe('spendgate keys', () => {
  let world: TestRuntime;
  let app: ServedModule;
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'spendgate-keys-verb-'));
  const keys = path.join(folder, 'party-keys');
  const environment = process.env;
  let parties = 0;

  beforeAll(async () => {
    world = await openTestRuntime({ settings: AUTHORIZER_SETTINGS });
    app = await serveModule(AuthorizerModule.forRoot(world.as('spendgate_authorizer')), world.runtime, {
      topics: false,
    });
    await enrol('person', 'ada', ['operator']);
    await enrol('person', 'grace', ['operator', 'approver']);
    const settings = { SPENDGATE_ISSUER: TEST_ISSUER, SPENDGATE_DATA: folder };
    process.env = { ...environment, ...settings, SPENDGATE_DATABASE_URL: world.database.url };
  }, 180_000); // a new server may have to start first
  afterAll(async () => {
    process.env = environment;
    await app.close();
    await world.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  /** A party whose key is in the key folder and in the registry. */
  async function enrol(kind: PartyKind & ('agent' | 'person'), id: string, roles?: string[]): Promise<Signer> {
    const signer = PrivateKeySigner.generate(kind);
    await writePartyKey(keys, id, signer);
    await inControlAct(world.runtime.pool, async (act) => {
      await recordParties(act, [{ kind, id, name: id, ...(roles === undefined ? {} : { body: { roles } }) }]);
      await recordKeys(act, [
        { kid: signer.kid, alg: signer.alg, jwk: signer.jwk, kind, partyId: id, activeFromMs: 0 },
      ]);
    });
    return signer;
  }

  const agent = async (): Promise<{ id: string; key: Signer }> => {
    const id = `machine-${(parties += 1)}`;
    return { id, key: await enrol('agent', id) };
  };
  const verb = (...args: string[]) => captureRun(run, ['keys', ...args, '--keys', keys, '--json']);
  const rotate = (party: string, ...more: string[]) => verb('rotate', party, '--url', app.url, ...more);
  const byAda = ['--as', 'ada', '--reason', 'a test'];
  const object = (text: string) => JSON.parse(text) as Record<string, unknown>; // as: the contract under test

  /** What `list` says of the keys of a party, the newest first. */
  async function listed(party: string): Promise<{ kid: string; state: string; file: string | null }[]> {
    const { stdout } = await verb('list', '--limit', '1000');
    const rows = stdout.trim().split('\n').map((line) => object(line)); // prettier-ignore
    return rows.filter((row) => row['party'] === party) as never; // as: the contract under test
  }
  const fileKid = (...names: string[]): unknown => object(fs.readFileSync(path.join(keys, ...names), 'utf8'))['kid'];

  it('rotate goes over to a new key: both sign in the overlap, the new one is in the file, the old one beside it', async () => {
    const { id, key } = await agent();
    const { exitCode, stdout } = await rotate(id, '--overlap', '3600');
    const { kid, old_file: kept } = object(stdout);
    expect([exitCode, fileKid(`${id}.jwk.json`), fileKid('old', `${key.kid}.jwk.json`)]).toEqual([0, kid, key.kid]);
    expect(fs.statSync(String(kept)).mode & 0o077).toBe(0);
    expect(await listed(id)).toEqual([
      expect.objectContaining({ kid, state: 'active', file: path.join(keys, `${id}.jwk.json`) }),
      expect.objectContaining({ kid: key.kid, state: 'overlap', successor: kid, file: kept }),
    ]);
    expect(fs.readdirSync(path.join(keys, 'next'))).toEqual([]);
  });

  it('rotate takes up what was interrupted: with nothing answering, and with the answer lost', async () => {
    const { id, key } = await agent();
    const nowhere = await verb('rotate', id, '--url', 'http://127.0.0.1:1');
    expect([nowhere.exitCode, fileKid(`${id}.jwk.json`)]).toEqual([1, key.kid]);
    const prepared = fileKid('next', `${id}.jwk.json`);
    const token = fs.readFileSync(path.join(keys, 'next', `${id}.jwt`), 'utf8');
    const headers = { 'content-type': 'application/jwt' };
    const lost = await fetch(`${app.url}/v1/key-transitions`, { method: 'POST', body: token, headers });
    expect(lost.status).toBe(201);
    expect(object((await rotate(id)).stdout)).toMatchObject({ kid: prepared, old: key.kid });
    expect(fileKid(`${id}.jwk.json`)).toBe(prepared);
  });

  it('rotate exits with 2 when it is refused, and leaves the key file as it was', async () => {
    const { id, key } = await agent();
    await verb('remove', key.kid, ...byAda);
    const { exitCode, stdout } = await rotate(id);
    expect([exitCode, object(stdout)]).toEqual([2, { party: id, code: 'key_retired', field: 'header.kid' }]);
    expect(fileKid(`${id}.jwk.json`)).toBe(key.kid);
  });

  it('rotate of a person waits for another operator, and the same command finishes it', async () => {
    const key = await enrol('person', 'eve', ['operator']);
    const alone = await rotate('eve', '--purpose', 'person');
    expect([alone.exitCode, alone.stderr]).toEqual([1, expect.stringContaining('another operator confirms it')]);
    const asked = await rotate('eve', '--purpose', 'person', '--as', 'eve');
    const approve = (as: string) =>
      captureRun(run, ['apply', '--approve', String(object(asked.stdout)['request']), '--as', as, '--keys', keys]);
    expect((await approve('eve')).exitCode).toBe(1);
    expect((await listed('eve')).map(({ kid, state }) => [kid, state])).toEqual([[key.kid, 'active']]);
    expect((await approve('grace')).exitCode).toBe(0);
    const { exitCode, stdout } = await rotate('eve', '--purpose', 'person', '--as', 'eve');
    expect([exitCode, object(stdout)['kid']]).toEqual([0, fileKid('eve.jwk.json')]);
    expect((await listed('eve')).map(({ state }) => state)).toEqual(['active', 'overlap']);
  });

  it('retire ends a key at the stated time, never later than said before', async () => {
    const { id, key } = await agent();
    const retire = (...args: string[]) => verb('retire', key.kid, ...byAda, ...args);
    expect((await retire('--at', '2099-01-01')).exitCode).toBe(0);
    expect(await listed(id)).toEqual([
      expect.objectContaining({ state: 'overlap', until: '2099-01-01T00:00:00.000Z' }),
    ]);
    expect((await retire('--at', '2099-06-01')).exitCode).toBe(2);
    expect(object((await retire()).stdout)).toEqual({ changes: [{ kid: key.kid, change: 'retired' }], left: [] });
    expect((await listed(id)).map(({ state }) => state)).toEqual(['retired']);
  });

  it('remove names the successors the key signed for; with --since it removes them too', async () => {
    const [named, taken] = [await agent(), await agent()];
    const [first, second] = [object((await rotate(named.id)).stdout), object((await rotate(taken.id)).stdout)];
    const removed = await verb('remove', named.key.kid, ...byAda);
    expect(object(removed.stdout)).toEqual({
      changes: [{ kid: named.key.kid, change: 'removed' }],
      left: [{ kid: first['kid'], party: named.id, state: 'active' }],
    });
    const both = await verb('remove', taken.key.kid, ...byAda, '--since', '2000-01-01');
    expect(object(both.stdout)).toMatchObject({ left: [], changes: [{ kid: taken.key.kid }, { kid: second['kid'] }] });
    expect((await listed(taken.id)).map(({ state }) => state)).toEqual(['removed', 'removed']);
  });

  it('remove --since leaves successors of before that time, and removes a chain to its end', async () => {
    const { id, key } = await agent();
    const first = object((await rotate(id)).stdout)['kid'];
    const since = String(Math.floor(Date.now() / 1_000) + 1);
    const later = await verb('remove', key.kid, ...byAda, '--since', since);
    expect(object(later.stdout)['left']).toEqual([{ kid: first, party: id, state: 'active' }]);
    const second = object((await rotate(id)).stdout)['kid'];
    const chain = await verb('remove', key.kid, ...byAda, '--since', '2000-01-01');
    expect(object(chain.stdout)['left']).toEqual([]);
    expect((await listed(id)).map(({ kid, state }) => [kid, state])).toEqual(
      expect.arrayContaining([[second, 'removed'], [first, 'removed'], [key.kid, 'removed']]),
    ); // prettier-ignore
  });

  it('remove and retire are an operator’s: anybody else changes nothing', async () => {
    const { id, key } = await agent();
    const answers = [
      await verb('remove', key.kid, '--as', id, '--reason', 'a test'),
      await verb('retire', key.kid, '--as', id, '--reason', 'a test'),
    ];
    expect(answers.map(({ exitCode }) => exitCode)).toEqual([1, 1]);
    expect((await listed(id)).map(({ state }) => state)).toEqual(['active']);
    expect((await verb('remove', 'no-such-key', ...byAda)).exitCode).toBe(2);
  });

  it('list shows the files alone where there is no database, and says which are not registered where there is', async () => {
    const elsewhere = path.join(folder, 'elsewhere');
    const stranger = PrivateKeySigner.generate('agent');
    await writePartyKey(elsewhere, 'stranger', stranger);
    const args = ['keys', 'list', '--limit', '1000', '--keys', elsewhere, '--json'];
    const beside = (await captureRun(run, args)).stdout.trim().split('\n').map((line) => object(line)); // prettier-ignore
    expect(beside.at(-1)).toMatchObject({ party: 'stranger', kid: stranger.kid, state: 'not registered' });
    const { SPENDGATE_DATABASE_URL, ...without } = process.env;
    process.env = { ...without, SPENDGATE_DATA: path.join(folder, 'none') };
    const { stdout, stderr, exitCode } = await captureRun(run, args);
    process.env = { ...process.env, SPENDGATE_DATABASE_URL, SPENDGATE_DATA: folder };
    expect([exitCode, object(stdout)]).toEqual([0, expect.objectContaining({ kid: stranger.kid, state: null })]);
    expect(stderr).toContain('only the key files');
  });
});
