import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PrivateKeySigner } from '@spendgate/artifact';
import { type TreeHead, verifyCheckpoint } from '@spendgate/audit-log';
import { Metrics } from '@spendgate/platform';
import { LogLost, acquireLog, readAllCheckpoints, readLastCheckpoint } from '@spendgate/store';
import { LeafWriter, type TestDatabase, startTestDatabase } from '@spendgate/testing';
import { IntegrateLeaves } from '../integrating/integrate-leaves.js';
import { verifyStoredLog } from '../verify-stored-log.js';
import { noteKeyOf } from './note-key.js';
import { SignHead } from './sign-head.js';

const ORIGIN = 'urn:spendgate:test';
const OPTIONS = { batchMax: 1_000, leaseMs: 60_000 };
const signer = PrivateKeySigner.generate('checkpoint');
let database: TestDatabase;
let lane: LeafWriter;
beforeEach(async () => {
  database = await startTestDatabase();
  lane = await LeafWriter.open(database.pool, 'a');
}, 60_000);
afterEach(() => database.close());

/** Takes the log over, as a process that just started. */
async function open(owner = 'log') {
  const state = await acquireLog(database.pool, owner, OPTIONS.leaseMs);
  if (state === undefined) throw new Error('the lease is taken');
  const integrate = await IntegrateLeaves.resume(database.pool, new Metrics(), OPTIONS, state);
  return { integrate, sign: await SignHead.resume(database.pool, ORIGIN, signer) };
}

describe('signing heads', () => {
  it('stores each signed head under the log’s key, and signs the next only as its continuation', async () => {
    const { integrate, sign } = await open();
    for (const count of [3, 300, 1]) {
      await lane.write(count);
      const { head } = await integrate.execute();
      await sign.execute(integrate.epoch, head);
    }
    const stored = [];
    for await (const each of readAllCheckpoints(database.pool)) stored.push(each);
    expect(stored.map(({ treeSize }) => treeSize)).toEqual([3, 303, 304]);
    for (const { note } of stored) expect(verifyCheckpoint(note, [noteKeyOf(ORIGIN, signer.jwk)]).valid).toBe(true);
    expect(await verifyStoredLog(database.pool)).toMatchObject({ valid: true, checkpoints: 3 });
  });

  it('signs after a crash what was persisted before it, and the same bytes when it was signed already', async () => {
    const before = await open();
    await lane.write(5);
    const { head } = await before.integrate.execute(); // the process dies here: persisted, not signed
    const after = await open();
    expect(after.sign.signedSize).toBe(-1);
    expect(after.integrate.head).toEqual({ ...head, root: Buffer.from(head.root) });
    const note = await after.sign.execute(after.integrate.epoch, after.integrate.head);
    const again = await open();
    expect(again.sign.signedSize).toBe(5);
    expect(await again.sign.execute(again.integrate.epoch, again.integrate.head)).toBe(note);
    expect((await readLastCheckpoint(database.pool))?.note).toBe(note);
  });

  it('does not let a process sign that is not the log any more', async () => {
    const zombie = await open('zombie');
    await lane.write(5);
    const { head } = await zombie.integrate.execute();
    await database.pool.query(`UPDATE log_state SET leased_until = now() - interval '1 s'`); // silent for too long
    await open('next');
    await expect(zombie.sign.execute(zombie.integrate.epoch, head)).rejects.toThrow(LogLost);
    expect(await readLastCheckpoint(database.pool)).toBeUndefined();
  });

  it('refuses heads that do not continue the last one it signed', async () => {
    const { integrate, sign } = await open();
    await lane.write(300);
    const { head } = await integrate.execute();
    await sign.execute(integrate.epoch, head);
    const forged: [string, TreeHead][] = [
      ['another root of the same size', { ...head, root: Buffer.alloc(32, 1) }],
      ['a smaller tree', { size: 299, root: head.root }],
    ];
    for (const [, wrong] of forged) {
      await expect(sign.execute(integrate.epoch, wrong)).rejects.toThrow('ERR_LOG_INCONSISTENT');
    }
    await lane.write(1);
    const next = await integrate.execute();
    await database.pool.query('UPDATE log_positions SET leaf_hash = sha256(leaf_hash) WHERE index = 297');
    await expect(sign.execute(integrate.epoch, next.head)).rejects.toThrow('ERR_LOG_INCONSISTENT');
  });

  it('A35: refuses to go on from a checkpoint whose row or note was changed', async () => {
    const { integrate, sign } = await open();
    await lane.write(3);
    await sign.execute(integrate.epoch, (await integrate.execute()).head);
    await database.pool.query(`UPDATE checkpoints SET note = replace(note, E'\\n3\\n', E'\\n4\\n')`);
    await expect(SignHead.resume(database.pool, ORIGIN, signer)).rejects.toThrow('ERR_CHECKPOINT_ALTERED');
    await database.pool.query(
      `UPDATE checkpoints SET note = replace(note, E'\\n4\\n', E'\\n3\\n'), root = sha256('x')`,
    );
    await expect(SignHead.resume(database.pool, ORIGIN, signer)).rejects.toThrow('ERR_CHECKPOINT_ALTERED');
  });
});
