import fs from 'node:fs';
import { type Server, createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner } from '@spendgate/artifact';
import { NOTE_SIGNATURE, formatNoteKey, logOrigin } from '@spendgate/audit-log';
import { Logger, Metrics } from '@spendgate/platform';
import { type StoredCheckpoint, acquireLog, readLastCheckpoint } from '@spendgate/store';
import { type TestRuntime, mandateClaim, openTestRuntime, until } from '@spendgate/testing';
import {
  IntegrateLeaves,
  LOG_SETTINGS,
  SignHead,
  Witnesses,
  readWitnesses,
  witnessedBy,
} from '@spendgate/transparency-log';
import { type RunningWitness, runWitness } from './run-witness.js';

const HOOK_MS = 60_000;
const logKey = PrivateKeySigner.generate('checkpoint');
const logger = Logger.create({ level: 'silent', role: 'spec' });
const origin = (world: TestRuntime): string => logOrigin(world.domain.issuer);

let world: TestRuntime;
let folder: string;
let witness: RunningWitness;
const opened: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  world = await openWorld();
  folder = fs.mkdtempSync(path.join(tmpdir(), 'spendgate-witnessed-'));
  const publicKey = Buffer.from(logKey.jwk.kty === 'OKP' ? logKey.jwk.x : '', 'base64url');
  witness = await runWitness({
    SPENDGATE_DATA: folder,
    SPENDGATE_PORT: '0',
    SPENDGATE_WITNESS_LOGS: formatNoteKey({ name: origin(world), type: NOTE_SIGNATURE.ed25519, publicKey }),
    SPENDGATE_LOG_LEVEL: 'silent',
  });
}, HOOK_MS);
afterEach(async () => {
  await witness.shutdown.run('spec');
  for (const each of opened.splice(0)) await each.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function openWorld(): Promise<TestRuntime> {
  const made = await openTestRuntime({ settings: LOG_SETTINGS });
  opened.push(made);
  return made;
}

/** Integrates and signs everything committed so far. */
async function sign(of: TestRuntime): Promise<StoredCheckpoint> {
  const { pool } = of.database;
  const state = await acquireLog(pool, 'spec', 60_000);
  if (state === undefined) throw new Error('the lease is free');
  const log = await IntegrateLeaves.resume(pool, new Metrics(), { batchMax: 1_000, leaseMs: 60_000 }, state);
  while ((await log.execute()).more);
  await (await SignHead.resume(pool, origin(of), logKey)).execute(log.epoch, log.head);
  return last(of);
}

async function last(of: TestRuntime): Promise<StoredCheckpoint> {
  const checkpoint = await readLastCheckpoint(of.database.pool);
  if (checkpoint === undefined) throw new Error('a checkpoint was signed');
  return checkpoint;
}

function witnessesOf(of: TestRuntime, url = witness.url): Witnesses {
  const places = readWitnesses(`${url} ${witness.verifierKey}`);
  const made = new Witnesses(of.database.pool, logger, places, { quorum: 1, leadMs: 1 });
  opened.unshift({ close: () => made.stop() }); // before its pool
  return made;
}

const isCosigned = async (of: TestRuntime, by: Witnesses): Promise<boolean> =>
  witnessedBy((await last(of)).note, by.places).length === 1;

describe('a log with a witness', () => {
  it('B20: has its checkpoints cosigned, and the cosignature is stored with the checkpoint it serves', async () => {
    const witnesses = witnessesOf(world);
    witnesses.takeOver(undefined);
    expect(witnesses.mayLead()).toBe(true);
    for (const name of ['one', 'two']) {
      await world.domain.mandates([mandateClaim(name)]);
      const { treeSize, note } = await sign(world);
      witnesses.offer(treeSize, note);
      await until('a cosignature', () => isCosigned(world, witnesses));
    }
    await until('the lead', () => witnesses.mayLead());
  });

  it('I5: signs nothing further when no witness answers, and goes on when one does', async () => {
    const { treeSize, note } = await sign(world);
    const deaf = witnessesOf(world, 'http://127.0.0.1:1');
    deaf.takeOver(undefined);
    deaf.offer(treeSize, note);
    await until('the stop', () => !deaf.mayLead());
    const again = witnessesOf(world);
    again.takeOver({ size: treeSize, note });
    await until('the lead', () => again.mayLead());
    expect(await isCosigned(world, again)).toBe(true);
  });

  it('C16: a history other than the one witnessed stops the log: a restored backup, a rebuilt database', async () => {
    await world.domain.mandates([mandateClaim('one')]);
    const first = await sign(world);
    const witnesses = witnessesOf(world);
    witnesses.takeOver({ size: first.treeSize, note: first.note });
    await until('a cosignature', () => isCosigned(world, witnesses));
    const rebuilt = await openWorld(); // the same domain and log key, with other salts and so other leaves
    const shorter = await sign(rebuilt);
    const held = witnessesOf(rebuilt);
    held.takeOver({ size: shorter.treeSize, note: shorter.note });
    await until('the refusal', () => isRefused(held));
    expect(() => held.mayLead()).toThrow(/ERR_WITNESS_REFUSED.*restored backup/);
    expect(await isCosigned(rebuilt, held)).toBe(false);
  });

  it('I5: an answer to what was asked before a take-over confirms nothing of the history after it', async () => {
    const { treeSize: size, note } = await sign(world);
    const slow = await slowWitness();
    const witnesses = witnessesOf(world, slow.url);
    witnesses.takeOver(undefined);
    witnesses.offer(size, note);
    await until('it is asked', () => slow.waiting.length === 1);
    witnesses.takeOver({ size, note }); // the database went away and came back: as what?
    slow.waiting.shift()?.();
    await until('it is asked again', () => slow.waiting.length === 1);
    expect([witnesses.isConfirmed, witnesses.mayLead()]).toEqual([false, false]);
    slow.waiting.shift()?.();
    await until('the lead', () => witnesses.isConfirmed && witnesses.mayLead());
  });
});

/** The same witness, each of whose answers waits to be let go. */
async function slowWitness(): Promise<{ readonly url: string; readonly waiting: (() => void)[] }> {
  const waiting: (() => void)[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      waiting.push(() => {
        void fetch(witness.url + request.url, { method: 'POST', body: Buffer.concat(chunks) }).then(async (answer) => {
          response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
          response.end(await answer.text());
        });
      });
    });
  }).listen(0, '127.0.0.1');
  await until('it listens', () => server.listening);
  const address = server.address();
  opened.push({ close: () => new Promise((resolve) => server.close(() => resolve())) });
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, waiting };
}

function isRefused(witnesses: Witnesses): boolean {
  try {
    witnesses.mayLead();
    return false;
  } catch {
    return true;
  }
}
