import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner, type Signer } from '@spendgate/artifact';
import { NOTE_SIGNATURE, formatNoteKey, logOrigin } from '@spendgate/audit-log';
import { type OpsActionClaims, logAcceptanceHash } from '@spendgate/codec';
import { Logger, Metrics, systemClock } from '@spendgate/platform';
import {
  type LogStanding,
  type OpsAnswer,
  isLogConfirmed,
  readLogAcceptance,
  readLogLag,
  readLogStanding,
  takeOpsAct,
} from '@spendgate/store';
import {
  type TestRuntime,
  approvingClaims,
  mandateClaim,
  openTestRuntime,
  opsClaims,
  signOpsAct,
  until,
} from '@spendgate/testing';
import { LOG_SETTINGS, LogLoop, PublishCheckpoints, Witnesses, readWitnesses } from '@spendgate/transparency-log';
import { type RunningWitness, runWitness } from './run-witness.js';

const HOOK_MS = 60_000;
const NOBODY = 'http://127.0.0.1:1';
const TIMING = { paceMs: 1, idleMs: 20, leaseMs: 60_000, batchMax: 1_000 };
const logger = Logger.create({ level: 'silent', role: 'spec' });
const logKey = PrivateKeySigner.generate('checkpoint');

let world: TestRuntime;
let folder: string;
let witness: RunningWitness;
const opened: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  world = await openWorld();
  folder = fs.mkdtempSync(path.join(tmpdir(), 'spendgate-accepted-'));
  const publicKey = Buffer.from(logKey.jwk.kty === 'OKP' ? logKey.jwk.x : '', 'base64url');
  witness = await runWitness({
    SPENDGATE_DATA: folder,
    SPENDGATE_PORT: '0',
    SPENDGATE_WITNESS_LOGS: formatNoteKey({
      name: logOrigin(world.domain.issuer),
      type: NOTE_SIGNATURE.ed25519,
      publicKey,
    }),
    SPENDGATE_LOG_LEVEL: 'silent',
  });
}, HOOK_MS);
afterEach(async () => {
  await witness.shutdown.run('spec');
  for (const each of opened.splice(0)) await each.close();
  fs.rmSync(folder, { recursive: true, force: true });
}, HOOK_MS);

async function openWorld(): Promise<TestRuntime> {
  const people = { ada: ['operator', 'approver'], bob: ['operator'], grace: ['operator', 'approver'] };
  const made = await openTestRuntime({ settings: LOG_SETTINGS, people });
  opened.push(made);
  return made;
}

/** A log process; each is an epoch of its own. @returns what ends it */
async function serveLog(of: TestRuntime, url: string, signer: Signer = logKey): Promise<() => Promise<void>> {
  const { pool, transport } = of.runtime;
  const { issuer } = of.domain;
  const named = { origin: logOrigin(issuer), issuer };
  const publish = new PublishCheckpoints(transport, systemClock, logger, named, 0);
  const places = readWitnesses(`${url} ${witness.verifierKey}`);
  const witnesses = new Witnesses(pool, logger, places, { quorum: 1, leadMs: 1 });
  const identity = { ...named, signer, owner: `spec-${crypto.randomUUID()}` };
  const loop = new LogLoop(pool, logger, new Metrics(), identity, publish, witnesses, TIMING);
  loop.start();
  let ended: Promise<void> | undefined;
  const stop = (): Promise<void> => (ended ??= loop.stop());
  opened.unshift({ close: stop }); // before its pool
  await until('its lease', () => Promise.resolve(loop.report().role !== 'starting'));
  return stop;
}

async function standing(of: TestRuntime): Promise<LogStanding> {
  const found = await readLogStanding(of.database.pool);
  if (found === undefined) throw new Error('log_state has its row');
  return found;
}

const confirmed = (of: TestRuntime): Promise<boolean> => isLogConfirmed(of.database.pool);
const foundSilent = (of: TestRuntime): Promise<void> =>
  until('all were asked', async () => (await standing(of)).answers?.silent.length === 1);
/** Of whatever epoch: a log that is contradicted begins anew each time. */
const foundObjecting = (of: TestRuntime): Promise<void> =>
  until('one objected', async () => {
    const sql = `SELECT jsonb_array_length(witness_answers -> 'objecting') AS n FROM log_state`;
    const { rows } = await of.database.pool.query<{ n: number | null }>(sql);
    return rows[0]?.n === 1;
  });

/** A log of this world that the witness confirmed once, and then ended. */
async function confirmOnce(of: TestRuntime): Promise<void> {
  const stop = await serveLog(of, witness.url);
  await until('the witness', () => confirmed(of));
  await stop();
}

async function asks(of: TestRuntime, by: string, log?: LogStanding): Promise<[OpsActionClaims, OpsAnswer]> {
  const change = { change_hash: logAcceptanceHash(log ?? (await standing(of))) };
  const claims = opsClaims(by, 'accept_log', [{ kind: 'domain', id: of.domain.issuer }], change);
  return [claims, await takeOpsAct(of.database.pool, await signOpsAct(of.domain.person(by), claims))];
}

async function approves(of: TestRuntime, by: string, [claims, asked]: [OpsActionClaims, OpsAnswer]) {
  if (!asked.ok) throw new Error(asked.problem);
  const second = approvingClaims(by, claims, asked.act);
  return takeOpsAct(of.database.pool, await signOpsAct(of.domain.person(by), second));
}

const accept = async (of: TestRuntime) => approves(of, 'grace', await asks(of, 'ada'));

describe('a log whose witnesses are silent', () => {
  it('I5: is confirmed by two people with two keys, no fewer; a leaf names them, the log and who was silent', async () => {
    await confirmOnce(world);
    await serveLog(world, NOBODY);
    await foundSilent(world);
    const before = await standing(world);
    const first = await asks(world, 'ada');
    expect(first[1]).toMatchObject({ ok: true, state: 'waiting', changes: [] });
    expect(await approves(world, 'ada', first)).toMatchObject({ ok: false, problem: 'same_person' });
    expect(await approves(world, 'bob', first)).toMatchObject({ ok: false, problem: 'approver_not_approver' });
    const log = { issuer: world.domain.issuer, ...before };
    expect(await readLogAcceptance(world.database.pool, log)).toBeUndefined();
    expect(await confirmed(world)).toBe(false);
    expect(await approves(world, 'grace', first)).toMatchObject({ ok: true, state: 'done' });
    await until('the log takes it', () => confirmed(world));
    await until('it signs on', async () => (await readLogLag(world.database.pool)).signedSize > before.size);
    const { rows } = await world.database.pool.query<{ payload: string }>(
      `SELECT payload FROM leaves WHERE leaf LIKE '%"log_started"%'`,
    );
    expect(rows.map(({ payload }): unknown => JSON.parse(payload))).toEqual([
      {
        epoch: String(before.epoch),
        size: String(before.size),
        root: before.root.toString('base64url'),
        by: ['ada', 'grace'],
        reason: 'spec',
        silent: [witness.verifierKey],
      },
    ]);
  });

  it('I5: is accepted for the next process when none runs, and for that one only', async () => {
    await confirmOnce(world);
    const refused = await serveLog(world, NOBODY);
    await foundSilent(world);
    await refused();
    expect(await accept(world)).toMatchObject({ ok: true, state: 'done' });
    const accepted = await serveLog(world, NOBODY);
    await until('it is confirmed', () => confirmed(world));
    await accepted();
    await serveLog(world, NOBODY);
    await foundSilent(world);
    const { epoch, size, root } = await standing(world);
    const log = { issuer: world.domain.issuer, epoch, size, root };
    expect(await readLogAcceptance(world.database.pool, log)).toBeUndefined();
    expect(await confirmed(world)).toBe(false);
  });

  it('is not accepted when it changed between the signatures, nor with another size, root or epoch', async () => {
    await confirmOnce(world);
    const first = await serveLog(world, NOBODY);
    await foundSilent(world);
    const now = await standing(world);
    for (const change of [{ size: now.size + 1 }, { root: Buffer.alloc(32) }, { epoch: now.epoch + 1n }]) {
      expect((await asks(world, 'ada', { ...now, ...change }))[1]).toMatchObject({ ok: false, because: 'conflict' });
    }
    const asked = await asks(world, 'ada');
    await first();
    expect(await approves(world, 'grace', asked)).toMatchObject({ ok: false, because: 'conflict' });
    await serveLog(world, NOBODY); // again with a process, but another one
    await foundSilent(world);
    expect(await approves(world, 'grace', asked)).toMatchObject({ ok: false, because: 'conflict' });
    expect(await confirmed(world)).toBe(false);
  });

  it('cannot be accepted before they were asked, nor once they confirmed it', async () => {
    expect((await asks(world, 'ada'))[1]).toMatchObject({
      ok: false,
      problem: expect.stringContaining('no witnesses'),
    });
    await confirmOnce(world);
    const problem = expect.stringContaining('was confirmed');
    expect((await asks(world, 'ada'))[1]).toMatchObject({ ok: false, because: 'conflict', problem });
  });

  it('is accepted by no rows that somebody wrote into the database without the keys of two people', async () => {
    await confirmOnce(world);
    await serveLog(world, NOBODY);
    await foundSilent(world);
    const { epoch, size, root } = await standing(world);
    const log = { issuer: world.domain.issuer, epoch, size, root };
    const change = { change_hash: logAcceptanceHash(log) };
    const asked = opsClaims('ada', 'accept_log', [{ kind: 'domain', id: world.domain.issuer }], change);
    const id = '00000000-0000-8000-8000-000000000001';
    const forge = async (claims: OpsActionClaims, by: Signer, act: string): Promise<void> => {
      const values = [act, claims.iss, await signOpsAct(by, claims), claims.request, Buffer.alloc(32)];
      await world.database.pool.query(
        `INSERT INTO ops_acts (act_id, person, action, token, request, state, content_hash, answer, leaf_hash, acted_at)
         VALUES ($1, $2, 'accept_log', $3, $4, 'done', 'x', '{}', $5, now())`,
        values,
      );
    };
    await forge(asked, world.domain.person('ada'), id);
    const [ada, bob] = [world.domain.person('ada'), world.domain.person('bob')];
    const attempts: [string, Signer][] = [
      ['grace', PrivateKeySigner.generate('person')],
      ['grace', ada],
      ['ada', ada],
      ['bob', bob],
    ];
    for (const [n, [person, by]] of attempts.entries()) {
      await forge(approvingClaims(person, asked, id), by, `00000000-0000-8000-8000-00000000001${n}`);
      expect(await readLogAcceptance(world.database.pool, log)).toBeUndefined();
    }
    await forge(approvingClaims('grace', asked, id), world.domain.person('grace'), id.replace(/1$/, '2'));
    expect(await readLogAcceptance(world.database.pool, log)).toEqual(['ada', 'grace']); // two keys, and only they
  });
});

describe('a log that a witness answers and does not cosign', () => {
  it('C16, I5: is accepted by nobody: a restored backup, a rebuilt database', async () => {
    await world.domain.mandates([mandateClaim('one')]);
    await confirmOnce(world);
    const rebuilt = await openWorld(); // the same domain and log key, with other salts and so other leaves
    const stop = await serveLog(rebuilt, NOBODY);
    await foundSilent(rebuilt);
    await stop();
    expect(await accept(rebuilt)).toMatchObject({ ok: true, state: 'done' }); // while it was silent
    await serveLog(rebuilt, witness.url);
    await foundObjecting(rebuilt);
    expect(await confirmed(rebuilt)).toBe(false);
    await until('a lasting objection', async () => {
      const [, answer] = await asks(rebuilt, 'ada');
      return !answer.ok && answer.problem.includes('only silence can be accepted');
    });
  });

  it('is accepted by nobody when the witness does not know the key that signed it', async () => {
    await serveLog(world, witness.url, PrivateKeySigner.generate('checkpoint'));
    await foundObjecting(world);
    const problem = expect.stringMatching(/only silence can be accepted.*HTTP 403/);
    expect((await asks(world, 'ada'))[1]).toMatchObject({ ok: false, because: 'conflict', problem });
    expect(await confirmed(world)).toBe(false);
  });
});
