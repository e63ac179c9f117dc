import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { type TreeHead, signCheckpoint } from './checkpoint.js';
import { CompactRange } from './compact-range.js';
import { leafHash } from './hashing.js';
import { proveConsistency } from './make-proof.js';
import { type NoteKey, NOTE_SIGNATURE } from './signed-note.js';
import { TileCollector, type TileReader } from './tiles.js';
import { formatAddCheckpoint, judgeAddCheckpoint, parseAddCheckpoint } from './witness.js';

function logOf(name: string) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key: NoteKey = {
    name,
    type: NOTE_SIGNATURE.ed25519,
    publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(-32),
  };
  return { key, sign: (text: Buffer) => Promise.resolve(new Uint8Array(sign(null, text, privateKey))) };
}
const log = logOf('log.example');

function tree(size: number, mark = '') {
  const range = CompactRange.empty();
  const collector = new TileCollector();
  for (let n = 0; n < size; n += 1) range.append(leafHash(`${mark}${n}`), collector.visit);
  const tiles = new Map(
    collector.growth().map(({ level, index, hashes }) => [`${level}/${index}`, Buffer.concat(hashes)]),
  );
  const read: TileReader = (needs) =>
    Promise.resolve(needs.map(({ level, index }) => tiles.get(`${level}/${index}`) ?? Buffer.alloc(0)));
  const head: TreeHead = { size, root: range.root() };
  return { head, read };
}

async function body(from: number, to: ReturnType<typeof tree>, by = log): Promise<string> {
  const proof = from > to.head.size ? [] : await proveConsistency(to.read, from, to.head.size);
  return formatAddCheckpoint({ oldSize: from, proof, note: await signCheckpoint(to.head, by.key, by.sign) });
}
const judge = (text: string, last?: TreeHead) =>
  judgeAddCheckpoint(
    text,
    (origin) => (origin === log.key.name ? [log.key] : []),
    () => last,
  );

describe('what a witness cosigns (C2SP tlog-witness)', () => {
  it('is a first checkpoint, one that continues the last, and the last again', async () => {
    expect(judge(await body(0, tree(7)))).toMatchObject({ status: 200, checkpoint: { size: 7 } });
    expect(judge(await body(7, tree(300)), tree(7).head)).toMatchObject({ status: 200 });
    expect(judge(await body(7, tree(7)), tree(7).head)).toMatchObject({ status: 200 });
    expect(judge(await body(0, tree(0)))).toMatchObject({ status: 200 });
  });

  it('409: not from another size than it cosigned last, which it says; nor another root of that size', async () => {
    expect(judge(await body(0, tree(300)), tree(7).head)).toEqual({ status: 409, size: 7 });
    expect(judge(await body(7, tree(7, 'other')), tree(7).head)).toEqual({ status: 409, size: 7 });
  });

  it('422, C16: not a history that was rewritten, whoever holds the log’s key', async () => {
    expect(judge(await body(7, tree(300, 'other')), tree(7).head)).toEqual({ status: 422 });
    const text = await body(7, tree(300));
    expect(judge(text.replace(/\n[^\n]+\n/, '\n'), tree(7).head)).toEqual({ status: 422 });
  });

  it('403 and 404: not without a signature of a known log', async () => {
    const [impostor, other] = [logOf('log.example'), logOf('other.example')];
    expect(judge(await body(0, tree(7), impostor))).toEqual({ status: 403 });
    expect(judge(await body(0, tree(7), other))).toEqual({ status: 404 });
  });

  it('400: not what is no such request', async () => {
    const text = await body(7, tree(300));
    const spoilt = [
      '',
      text.slice(1),
      text.replace('old 7', 'old 07'),
      text.replace('old 7', 'old -7'),
      text.replace('\n\n', '\n'),
    ];
    const hashes = `${'A'.repeat(43)}=\n`.repeat(64);
    for (const bad of [
      ...spoilt,
      text.replace('old 7\n', `old 7\n${hashes}`),
      text.replace('old 7\n', 'old 7\nAA==\n'),
    ]) {
      expect(judge(bad, tree(7).head)).toEqual({ status: 400 });
    }
    expect(judge(await body(301, tree(300)), tree(7).head)).toEqual({ status: 400 });
    expect(parseAddCheckpoint(text)).toMatchObject({ oldSize: 7 });
  });
});
