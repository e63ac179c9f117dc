import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { formatAddCheckpoint, formatNoteKey, parseNote, parseNoteKey, verifyCosignature } from '@spendgate/audit-log';
import { TestLog } from '@spendgate/testing';
import { type RunningWitness, runWitness } from './run-witness.js';

const log = new TestLog();
const folders: string[] = [];
const running: RunningWitness[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) await each.shutdown.run('spec');
  for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
});

async function start(folder: string): Promise<RunningWitness> {
  const witness = await runWitness({
    SPENDGATE_DATA: folder,
    SPENDGATE_PORT: '0',
    SPENDGATE_WITNESS_NAME: 'w.example',
    SPENDGATE_WITNESS_LOGS: formatNoteKey(log.key),
    SPENDGATE_LOG_LEVEL: 'silent',
  });
  running.push(witness);
  return witness;
}

function newFolder(): string {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'spendgate-witness-'));
  folders.push(folder);
  return folder;
}

async function submit({ url }: RunningWitness, oldSize: number, note: string) {
  const body = formatAddCheckpoint({ oldSize, proof: [], note });
  const response = await fetch(new URL('/add-checkpoint', url), { method: 'POST', body });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

describe('spendgate serve witness', () => {
  it('cosigns a checkpoint with its own key, over HTTP', async () => {
    const witness = await start(newFolder());
    const note = await log.checkpoint(log.leaves(3));
    const answer = await submit(witness, 0, note);
    expect(answer.status).toBe(200);
    const cosigned = parseNote(`${note}${answer.text}`);
    const key = parseNoteKey(witness.verifierKey);
    if (cosigned === 'note_malformed' || key === undefined) throw new Error(answer.text);
    expect(verifyCosignature(cosigned, key)).toMatchObject({ valid: true });
    expect(await (await fetch(witness.url)).text()).toBe(`${witness.verifierKey}\n`);
  });

  it('C16: remembers across a restart, and refuses a history rewritten and signed with the log’s own key', async () => {
    const folder = newFolder();
    const before = await start(folder);
    await submit(before, 0, await log.checkpoint(log.leaves(3)));
    await before.shutdown.run('spec');
    const after = await start(folder);
    expect(after.verifierKey).toBe(before.verifierKey);
    const rewritten = await log.checkpoint(log.leaves(3, 'other'));
    const conflict = { status: 409, type: 'text/x.tlog.size', text: '3\n' };
    expect(await submit(after, 0, rewritten)).toEqual(conflict);
    expect(await submit(after, 3, rewritten)).toEqual(conflict);
    expect(await submit(after, 3, await log.checkpoint(log.leaves(4, 'other')))).toMatchObject({ status: 422 });
    expect(await submit(after, 3, await log.checkpoint(log.leaves(3)))).toMatchObject({ status: 200 });
  });

  it('does not take a damaged memory for a first meeting', async () => {
    const folder = newFolder();
    const witness = await start(folder);
    await submit(witness, 0, await log.checkpoint(log.leaves(3)));
    await witness.shutdown.run('spec');
    const cosigned = path.join(folder, 'witness', 'cosigned');
    for (const file of fs.readdirSync(cosigned)) fs.writeFileSync(path.join(cosigned, file), '');
    expect(await submit(await start(folder), 0, await log.checkpoint(log.leaves(2)))).toMatchObject({ status: 500 });
  });

  it('refuses what is too large, and what it does not serve', async () => {
    const { url } = await start(newFolder());
    const large = await fetch(new URL('/add-checkpoint', url), { method: 'POST', body: 'x'.repeat(65_537) });
    expect([large.status, (await fetch(new URL('/add-checkpoint', url))).status]).toEqual([413, 405]);
    expect((await fetch(new URL('/other', url))).status).toBe(404);
  });

  it('does not start for no log', async () => {
    await expect(runWitness({ SPENDGATE_DATA: newFolder(), SPENDGATE_PORT: '0' })).rejects.toThrow('names no log');
  });
});
