import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { formatCheckpoint, logOrigin, parseCheckpoint, signCheckpoint, verifyCheckpoint } from './checkpoint.js';
import { cosign, verifyCosignature } from './cosignature.js';
import { EMPTY_ROOT } from './hashing.js';
import {
  type NoteKey,
  NOTE_SIGNATURE,
  formatNote,
  formatNoteKey,
  noteKeyId,
  parseNote,
  parseNoteKey,
  verifyNote,
} from './signed-note.js';

function keyPair(name: string, type: NoteKey['type'] = NOTE_SIGNATURE.ed25519) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key: NoteKey = { name, type, publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(12) };
  return { key, sign: (text: Buffer) => Promise.resolve(sign(null, text, privateKey)) };
}
const log = keyPair('urn:spendgate:demo');
const head = { size: 0, root: EMPTY_ROOT };
const signed = await signCheckpoint(head, log.key, log.sign);

describe('signed notes (C2SP signed-note)', () => {
  it('agrees with the example of golang.org/x/mod/sumdb/note, key, id and signature', () => {
    const key = parseNoteKey('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW');
    const note = [
      'If you think cryptography is the answer to your problem,',
      "then you don't know what your problem is.",
      '',
      '\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=',
      '',
    ].join('\n');
    const parsed = parseNote(note);
    if (key === undefined || parsed === 'note_malformed') throw new Error('the example must read');
    expect(noteKeyId(key)).toBe(0xc74f20a3);
    expect(formatNote(parsed)).toBe(note);
    expect(verifyNoteOf(note, key)).toBe('valid');
    expect(verifyNoteOf(note.replace('cryptography', 'bureaucracy'), key)).toBe('signature_invalid');
  });

  it('writes a key as text and reads back that text only', () => {
    const text = formatNoteKey(log.key);
    expect(formatNoteKey(parseNoteKey(text) ?? keyPair('x').key)).toBe(text);
    expect(parseNoteKey(text.replace(/\+[0-9a-f]{8}\+/, '+00000000+'))).toBeUndefined();
    expect(parseNoteKey(`${text} `)).toBeUndefined();
  });

  it('passes over signatures of keys it does not know', () => {
    const parsed = parseNote(signed);
    if (parsed === 'note_malformed') throw new Error('our own note must read');
    const stranger = { name: 'witness.example', keyId: 7, signature: new Uint8Array(64) };
    const both = formatNote({ text: parsed.text, signatures: [stranger, ...parsed.signatures] });
    expect(verifyCheckpoint(both, [log.key]).valid).toBe(true);
    const alone = formatNote({ text: parsed.text, signatures: [stranger] });
    expect(verifyCheckpoint(alone, [log.key])).toEqual({ valid: false, code: 'signature_missing' });
    const borrowed = { ...stranger, name: log.key.name, keyId: noteKeyId(log.key) };
    const forged = formatNote({ text: parsed.text, signatures: [...parsed.signatures, borrowed] });
    expect(verifyCheckpoint(forged, [log.key])).toEqual({ valid: false, code: 'signature_invalid' });
  });

  it.each([
    ['nothing', ''],
    ['no signature', 'text\n\n'],
    ['no empty line', 'text\n\u2014 name AAAAAAAA\n'],
    ['no last newline', 'text\n\n\u2014 name AAAAAAAA'],
    ['a control character', 'te\u0007xt\n\n\u2014 name AAAAAAAA\n'],
    ['a carriage return', 'text\r\n\n\u2014 name AAAAAAAA\n'],
    ['a hyphen for the dash', 'text\n\n- name AAAAAAAA\n'],
    ['a plus in the name', 'text\n\n\u2014 na+me AAAAAAAA\n'],
    ['base64 without padding', 'text\n\n\u2014 name AAAAAAA\n'],
    ['base64 with bits left over', 'text\n\n\u2014 name AAAAAAAAAB==\n'],
    ['no bytes after the key id', 'text\n\n\u2014 name AAAAAA==\n'],
    ['a lone surrogate', 'te\ud800xt\n\n\u2014 name AAAAAAAA\n'],
    ['101 signatures', `text\n\n${'\u2014 name AAAAAAAA\n'.repeat(101)}`],
    ['bytes that are no UTF-8', Buffer.from('74ff0a0ae28094206e616d652041414141414141410a', 'hex')],
  ])('refuses %s', (_, note) => {
    expect(parseNote(note)).toBe('note_malformed');
  });
});

describe('checkpoints (C2SP tlog-checkpoint)', () => {
  it('names the log by its issuer without the scheme', () => {
    expect(logOrigin('https://pay.example.com/')).toBe('pay.example.com');
    expect(logOrigin('urn:spendgate:demo')).toBe('urn:spendgate:demo');
    expect(() => logOrigin('https://pay+gate')).toThrow(RangeError);
  });

  it('signs origin, size and root, and reads them back', () => {
    const verdict = verifyCheckpoint(Buffer.from(signed), [keyPair(log.key.name).key, log.key]);
    expect(verdict).toMatchObject({ valid: true, checkpoint: { origin: log.key.name, size: 0, extensions: [] } });
  });

  it('refuses any byte changed', () => {
    const bytes = Buffer.from(signed);
    for (const [at, byte] of bytes.entries()) {
      const changed = Buffer.from(bytes);
      changed[at] = byte ^ 1;
      expect(verifyCheckpoint(changed, [log.key]).valid).toBe(false);
    }
  });

  it('refuses a log of another name', () => {
    const other = { ...log.key, name: 'other.example' };
    expect(verifyCheckpoint(signed, [other])).toEqual({ valid: false, code: 'origin_mismatch' });
  });

  const root = Buffer.from(EMPTY_ROOT).toString('base64');
  it.each([
    ['a leading zero', `log\n01\n${root}\n`],
    ['a sign', `log\n+1\n${root}\n`],
    ['a size beyond exact numbers', `log\n9007199254740992\n${root}\n`],
    ['a short root', 'log\n1\nAAAA\n'],
    ['base64url', `log\n1\n${root.replace('+', '-').replace('/', '_')}\n`],
    ['no origin', `\n1\n${root}\n`],
    ['no root', 'log\n1\n'],
    ['an empty extension line', `log\n1\n${root}\n\n`],
    ['no last newline', `log\n1\n${root}`],
  ])('refuses %s', (_, text) => {
    expect(parseCheckpoint(text)).toBeUndefined();
  });

  it('keeps extension lines, and writes none that would read back as something else', () => {
    const text = formatCheckpoint({ origin: 'log', ...head, extensions: ['more'] });
    expect(parseCheckpoint(text)?.extensions).toEqual(['more']);
    expect(() => formatCheckpoint({ origin: 'a\nb', ...head })).toThrow(RangeError);
    expect(() => formatCheckpoint({ origin: 'log', ...head, extensions: ['a\nb'] })).toThrow(RangeError);
  });
});

describe('cosignatures (C2SP tlog-cosignature)', () => {
  const witness = keyPair('witness.example', NOTE_SIGNATURE.cosignatureV1);

  it('says when a witness saw the checkpoint', async () => {
    const parsed = parseNote(signed);
    if (parsed === 'note_malformed') throw new Error('our own note must read');
    const line = await cosign(parsed.text, 1_679_315_147, witness.key, witness.sign);
    const note = { ...parsed, signatures: [...parsed.signatures, line] };
    expect(verifyCosignature(note, witness.key)).toEqual({ valid: true, timeSeconds: 1_679_315_147 });
    expect(verifyCosignature(parsed, witness.key)).toEqual({ valid: false, code: 'signature_missing' });
    const moved = Buffer.from(line.signature);
    moved.writeUInt8(1, 7);
    const backdated = { ...parsed, signatures: [{ ...line, signature: moved }] };
    expect(verifyCosignature(backdated, witness.key)).toEqual({ valid: false, code: 'signature_invalid' });
  });

  it('is never taken for the log’s own signature, nor the other way round', () => {
    const parsed = parseNote(signed);
    if (parsed === 'note_malformed') throw new Error('our own note must read');
    expect(verifyCosignature(parsed, log.key)).toEqual({ valid: false, code: 'key_malformed' });
    const cosigner = { ...log.key, type: NOTE_SIGNATURE.cosignatureV1 };
    expect(verifyCheckpoint(signed, [cosigner])).toEqual({ valid: false, code: 'origin_mismatch' });
  });
});

function verifyNoteOf(note: string, key: NoteKey) {
  const parsed = parseNote(note);
  return parsed === 'note_malformed' ? parsed : verifyNote(parsed, key);
}
