import { beforeAll, describe, expect, it } from '@jest/globals';
import { type KeySet, PrivateKeySigner, parseKeySet } from '@spendgate/artifact';
import { type NoteKey, NOTE_SIGNATURE, cosign, formatNote, parseNote, tilePath } from '@spendgate/audit-log';
import { type Served, TestLog } from '@spendgate/testing';
import type { LogStatement } from './log-report.js';
import { SourceProblem } from './log-source.js';
import { type LogVerification, verifyLog } from './verify-log.js';

const log = new TestLog();
/** Two levels of tiles, the last of each partial. */
const SIZE = 1_500;
const EARLIER = 1_000;
let leaves: Buffer[];
let whole: Served;
let remembered: string;

beforeAll(async () => {
  leaves = log.leaves(SIZE);
  whole = await log.serve(leaves);
  remembered = await log.checkpoint(leaves.slice(0, EARLIER));
});

function trusting(signer: PrivateKeySigner): KeySet {
  const parsed = parseKeySet({ keys: [{ ...signer.jwk, iss: log.issuer, use: 'sig', purpose: 'checkpoint' }] });
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.keys;
}

async function verify(served: Served, given: Partial<LogVerification> = {}) {
  const source = {
    read: (path: string, bytesMax: number): Promise<Uint8Array> => {
      const bytes = served.get(path);
      if (bytes === undefined) return Promise.reject(new SourceProblem('absent', path));
      return bytes.length > bytesMax ? Promise.reject(new SourceProblem('too_large', path)) : Promise.resolve(bytes);
    },
  };
  const { report } = await verifyLog({ source, trust: trusting(log.signer), ...given });
  return { ...report, failed: failedOf(report.statements) };
}

/** Statement → first bad index, of those that fail. */
function failedOf(statements: readonly LogStatement[]): Record<string, number | null> {
  return Object.fromEntries(statements.filter(({ holds }) => !holds).map((each) => [each.name, each.first_bad]));
}

/** A copy with one path changed. */
function with_(path: string, change: (bytes: Buffer) => Buffer): Served {
  const bytes = whole.get(path);
  if (bytes === undefined) throw new Error(`nothing is served at ${path}`);
  return new Map(whole).set(path, change(Buffer.from(bytes)));
}

const entries = (index: number): string => `tile/${tilePath({ level: 'entries', index, width: 256 })}`;
const hashes = (level: number, index: number, width = 256): string => `tile/${tilePath({ level, index, width })}`;
const flip =
  (at: number) =>
  (bytes: Buffer): Buffer => {
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes;
  };

describe('a log as strangers are served it', () => {
  it('holds in every statement when it is what its leaves give', async () => {
    const report = await verify(whole, { remembered });
    expect(report).toMatchObject({ valid: true, size: SIZE, origin: 'pay.example', trust: 'given', failed: {} });
    expect(report.statements.map(({ name }) => name)).toEqual(['checkpoint', 'leaves', 'tiles', 'tree', 'history']);
    expect(await verify(await log.serve([]), {})).toMatchObject({ valid: true, size: 0 });
  });

  it('says when the keys are the log’s own word', async () => {
    expect(await verify(whole, { trust: undefined })).toMatchObject({ valid: true, trust: 'log' });
    const without = new Map(whole);
    without.delete('.well-known/spendgate');
    expect(await verify(without, { trust: undefined })).toMatchObject({ valid: false, failed: { checkpoint: null } });
  });

  it.each<[string, () => Served, Record<string, number | null>]>([
    ['an edited leaf', () => with_(entries(3), (bytes) => replaced(bytes, '"time":770', '"time":771')), { tiles: 770, tree: 770 }],
    ['a leaf that is none', () => with_(entries(3), (bytes) => replaced(bytes, '"v":1', '"v":2')), { leaves: 768, tiles: 768, tree: 768 }],
    ['a hash of level 0', () => with_(hashes(0, 4), flip(32 * 7)), { tiles: 1031 }],
    ['a hash of level 1', () => with_(hashes(1, 0, 5), flip(32 * 4)), { tiles: 4 * 256 }],
    ['two leaves exchanged', () => exchanged(300, 301), { tiles: 300, tree: 300 }],
    ['an entry with another length', () => with_(entries(3), flip(1)), { leaves: 768, tiles: 768, tree: 768 }],
    ['a tile cut short', () => with_(hashes(0, 4), (bytes) => bytes.subarray(1)), { leaves: 1024, tiles: 1024, tree: 1024 }],
    ['a tile that is absent', () => without(entries(4)), { leaves: 1024, tiles: 1024, tree: 1024 }],
    ['a tile of level 1 that is absent', () => without(hashes(1, 0, 5)), { leaves: 256, tiles: 256, tree: 256 }],
    ['a tile of 100 MB', () => with_(entries(4), () => Buffer.alloc(100_000_000)), { leaves: 1024, tiles: 1024, tree: 1024 }],
  ])('A35, C16: %s is found, at its index', async (_case, served, failed) => {
    expect((await verify(served())).failed).toEqual(failed);
  }); // prettier-ignore

  it('A35: a hash of level 2 is found, in a log that has three levels', async () => {
    const large = await log.serve(log.leaves(65_600));
    const path = hashes(2, 0, 1);
    large.set(path, flip(3)(Buffer.from(large.get(path) ?? '')));
    expect((await verify(large)).failed).toEqual({ tiles: 0 });
  });

  it('C16: a history rewritten as a whole and signed by the log’s own key is refused by a remembered checkpoint alone', async () => {
    const rewritten = await log.serve([...leaves.slice(0, 500), ...log.leaves(SIZE - 500, 'other')]);
    expect(await verify(rewritten)).toMatchObject({ valid: true });
    expect((await verify(rewritten, { remembered })).failed).toEqual({ history: 0 });
  });

  it('C16: a log that was cut off is refused by a remembered checkpoint', async () => {
    const cut = await log.serve(leaves.slice(0, EARLIER - 1));
    expect((await verify(cut, { remembered })).failed).toEqual({ history: EARLIER - 1 });
  });

  it('C16: a remembered checkpoint of nobody’s, or of another log, is no ground to accept', async () => {
    const other = new TestLog('https://other.example');
    const failed = { history: null };
    expect((await verify(whole, { remembered: 'x' })).failed).toEqual(failed);
    expect((await verify(whole, { remembered: await other.checkpoint([]) })).failed).toEqual(failed);
    const impostor = new TestLog(log.issuer);
    expect((await verify(whole, { remembered: await impostor.checkpoint([]) })).failed).toEqual(failed);
  });

  it('a checkpoint of another key, of another size or another text is refused before anything is read', async () => {
    const failed = { checkpoint: null };
    expect((await verify(whole, { trust: trusting(PrivateKeySigner.generate('checkpoint')) })).failed).toEqual(failed);
    expect((await verify(with_('checkpoint', flip(14)))).failed).toEqual(failed);
    expect((await verify(with_('checkpoint', () => Buffer.alloc(1_000_000)))).failed).toEqual(failed);
  });

  it('leaves of another domain are not this log’s', async () => {
    const strange = new TestLog('https://other.example').leaves(1);
    expect((await verify(await log.serve([...leaves.slice(0, 3), ...strange]))).failed).toEqual({ leaves: 3 });
  });

  it('a quorum of named witnesses must have cosigned the head', async () => {
    const [one, two] = [witness('w1.example'), witness('w2.example')];
    const note = parseNote(whole.get('checkpoint') ?? '');
    if (note === 'note_malformed') throw new Error(note);
    const line = await cosign(note.text, 1, one.key, (text) => one.signer.sign(text));
    const cosigned = new Map(whole);
    cosigned.set('checkpoint', Buffer.from(formatNote({ ...note, signatures: [...note.signatures, line] })));
    const keys = [one.key, two.key];
    expect((await verify(cosigned, { witnesses: { keys, quorum: 1 } })).failed).toEqual({});
    expect((await verify(cosigned, { witnesses: { keys, quorum: 2 } })).failed).toEqual({ witnesses: null });
    expect((await verify(whole, { witnesses: { keys, quorum: 1 } })).failed).toEqual({ witnesses: null });
  });
});

function witness(name: string): { key: NoteKey; signer: PrivateKeySigner } {
  const signer = PrivateKeySigner.generate('checkpoint');
  const x = signer.jwk.kty === 'OKP' ? signer.jwk.x : '';
  return { signer, key: { name, type: NOTE_SIGNATURE.cosignatureV1, publicKey: Buffer.from(x, 'base64url') } };
}

function without(path: string): Served {
  const served = new Map(whole);
  served.delete(path);
  return served;
}

function replaced(bytes: Buffer, from: string, to: string): Buffer {
  const at = bytes.indexOf(from);
  if (at === -1) throw new Error(`${from} is not there`);
  bytes.write(to, at);
  return bytes;
}

/** Both lie in one tile and have equal lengths. */
function exchanged(a: number, b: number): Served {
  const tile = Math.floor(a / 256);
  return with_(entries(tile), (bytes) => {
    const [one, two] = [leaves[a], leaves[b]];
    if (one === undefined || two === undefined || one.length !== two.length) throw new Error('other leaves');
    const [atOne, atTwo] = [bytes.indexOf(one), bytes.indexOf(two)];
    two.copy(bytes, atOne);
    one.copy(bytes, atTwo);
    return bytes;
  });
}
