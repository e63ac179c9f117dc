import { verifyEd25519 } from './ed25519.js';
import { sha256 } from './sha256.js';

/** Signature types of C2SP signed-note §Signature types: the first byte of what a key id is computed over. */
export const NOTE_SIGNATURE = { ed25519: 0x01, cosignatureV1: 0x04 } as const;

/** Bounds on what a stranger may hand in. */
const NOTE_BYTES_MAX = 1_000_000;
const SIGNATURES_MAX = 100;
const ID_BYTES = 4;
const PUBLIC_KEY_BYTES = 32;

/** A public key under a name, as notes know it. */
export interface NoteKey {
  /** Non-empty, no spaces and no plus. */
  readonly name: string;
  readonly type: (typeof NOTE_SIGNATURE)[keyof typeof NOTE_SIGNATURE];
  /** Raw Ed25519 public key, 32 bytes (RFC 8032 §5.1.5). */
  readonly publicKey: Uint8Array;
}

/** One signature line. Which key it is from is only a claim until it is verified. */
export interface NoteSignature {
  readonly name: string;
  /** Big-endian, unsigned. */
  readonly keyId: number;
  /** Without the key id before it. */
  readonly signature: Uint8Array;
}

export interface SignedNote {
  /** Ends in a newline, which is signed too. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export type NoteProblem = 'note_malformed' | 'signature_missing' | 'signature_invalid' | 'key_malformed';

const NAME = /^[^\s+\p{White_Space}]+$/u;
// No control characters but newline (C2SP signed-note §Format).
const FORBIDDEN = /[\u0000-\u0009\u000b-\u001f]/;
const SIGNATURE_LINE = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/u;

export function isKeyName(name: string): boolean {
  return NAME.test(name) && isWellFormed(name);
}

/** First four bytes of SHA-256(name ‖ newline ‖ type ‖ public key), C2SP signed-note §Signatures. */
export function noteKeyId({ name, type, publicKey }: NoteKey): number {
  const digest = sha256(Buffer.concat([Buffer.from(`${name}\n`, 'utf8'), Uint8Array.of(type), publicKey]));
  return Buffer.from(digest).readUInt32BE(0);
}

/** The key in text, as configuration and golang.org/x/mod/sumdb/note write it: `name+hex id+base64(type ‖ key)`. */
export function formatNoteKey(key: NoteKey): string {
  const id = noteKeyId(key).toString(16).padStart(8, '0');
  return `${key.name}+${id}+${Buffer.concat([Uint8Array.of(key.type), key.publicKey]).toString('base64')}`;
}

/** @returns `undefined` when the text is not exactly such a key, or its id is not the key's */
export function parseNoteKey(text: string): NoteKey | undefined {
  const match = /^([^+]+)\+[0-9a-f]{8}\+([A-Za-z0-9+/]+={0,2})$/.exec(text);
  const [, name = '', encoded = ''] = match ?? [];
  const bytes = decodeBase64(encoded);
  const type = Object.values(NOTE_SIGNATURE).find((each) => each === bytes?.[0]);
  if (bytes?.length !== 1 + PUBLIC_KEY_BYTES || type === undefined || !isKeyName(name)) return undefined;
  const key: NoteKey = { name, type, publicKey: bytes.subarray(1) };
  return formatNoteKey(key) === text ? key : undefined;
}

/**
 * Writes a note.
 *
 * @throws {RangeError} the text or a name is not one a note may have: our defect, strangers' notes come in by `parseNote`
 */
export function formatNote({ text, signatures }: SignedNote): string {
  if (!isNoteText(text)) throw new RangeError('a note ends in a newline and has no control characters');
  if (signatures.length === 0 || signatures.some(({ name }) => !isKeyName(name))) {
    throw new RangeError('a note has signatures, each under a name without spaces or plus');
  }
  const lines = signatures.map(({ name, keyId, signature }) => {
    const bytes = Buffer.alloc(ID_BYTES + signature.length);
    bytes.writeUInt32BE(keyId, 0);
    bytes.set(signature, ID_BYTES);
    return `\u2014 ${name} ${bytes.toString('base64')}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/** Reads a note strictly. Total: @returns `note_malformed` for anything but one exact note */
export function parseNote(note: Uint8Array | string): SignedNote | 'note_malformed' {
  const whole = decodeText(note);
  if (whole === undefined) return 'note_malformed';
  const end = whole.lastIndexOf('\n\n');
  if (end === -1) return 'note_malformed';
  const text = whole.slice(0, end + 1);
  const lines = whole.slice(end + 2).split('\n');
  if (!isNoteText(text) || lines.pop() !== '' || lines.length === 0 || lines.length > SIGNATURES_MAX) {
    return 'note_malformed';
  }
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const [, name = '', encoded = ''] = SIGNATURE_LINE.exec(line) ?? [];
    const bytes = decodeBase64(encoded);
    if (bytes === undefined || bytes.length <= ID_BYTES || !isKeyName(name)) return 'note_malformed';
    signatures.push({ name, keyId: bytes.readUInt32BE(0), signature: bytes.subarray(ID_BYTES) });
  }
  return { text, signatures };
}

/**
 * Checks that a note carries a key's signature. Lines of other keys are passed over, as the specification asks; a line
 * that claims to be this key's and is not refuses the note.
 */
export function verifyNote(note: SignedNote, key: NoteKey): 'valid' | NoteProblem {
  if (key.type !== NOTE_SIGNATURE.ed25519) return 'key_malformed'; // a witness's key signs another text
  const claimed = signaturesOf(note, key);
  if (claimed.length === 0) return 'signature_missing';
  const message = Buffer.from(note.text, 'utf8');
  const verdicts = claimed.map(({ signature }) => verifyEd25519(key.publicKey, message, signature));
  if (verdicts.includes('key_malformed')) return 'key_malformed';
  return verdicts.every((verdict) => verdict === 'valid') ? 'valid' : 'signature_invalid';
}

/** The lines that claim to be a key's: by name and id, as anyone can write them. */
export function signaturesOf(note: SignedNote, key: NoteKey): NoteSignature[] {
  const keyId = noteKeyId(key);
  return note.signatures.filter((each) => each.name === key.name && each.keyId === keyId);
}

/** Without lone surrogates, which have no UTF-8 form. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function isNoteText(text: string): boolean {
  return text.endsWith('\n') && !FORBIDDEN.test(text) && isWellFormed(text);
}

function decodeText(note: Uint8Array | string): string | undefined {
  if (note.length > NOTE_BYTES_MAX) return undefined;
  if (typeof note === 'string') return isWellFormed(note) ? note : undefined;
  try {
    // ignoreBOM keeps a byte order mark as a character: it is part of what was signed.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(note);
  } catch {
    return undefined;
  }
}

/** Standard base64 with padding, canonical: one value, one text. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : undefined;
}
