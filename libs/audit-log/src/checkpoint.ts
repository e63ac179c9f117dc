import { HASH_BYTES } from './sha256.js';
import {
  type NoteKey,
  type NoteProblem,
  type SignedNote,
  NOTE_SIGNATURE,
  decodeBase64,
  formatNote,
  isKeyName,
  noteKeyId,
  parseNote,
  verifyNote,
} from './signed-note.js';

/** What a log says of itself: at this many leaves its root was this. */
export interface TreeHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/** A tree head under the log's name (C2SP tlog-checkpoint). */
export interface Checkpoint extends TreeHead {
  readonly origin: string;
  /** Further lines, uninterpreted; ours have none. */
  readonly extensions: readonly string[];
}

export type CheckpointProblem = NoteProblem | 'checkpoint_malformed' | 'origin_mismatch';

export type CheckpointVerdict =
  | { readonly valid: true; readonly checkpoint: Checkpoint; readonly note: SignedNote }
  | { readonly valid: false; readonly code: CheckpointProblem };

/**
 * Name of a domain's log: its issuer without `https://`, as C2SP tlog-checkpoint recommends a schema-less URL.
 *
 * @throws {RangeError} the issuer has characters a key name may not have
 */
export function logOrigin(issuer: string): string {
  const origin = issuer.replace(/^https:\/\//, '').replace(/\/+$/, '');
  if (!isKeyName(origin)) throw new RangeError(`an issuer with spaces or plus cannot name a log: ${issuer}`);
  return origin;
}

/** The text a log signs. @throws {RangeError} it would not read back as the same checkpoint */
export function formatCheckpoint({
  origin,
  size,
  root,
  extensions = [],
}: Omit<Checkpoint, 'extensions'> & { readonly extensions?: readonly string[] }): string {
  const lines = [origin, String(size), Buffer.from(root).toString('base64'), ...extensions];
  const text = `${lines.join('\n')}\n`;
  const read = parseCheckpoint(text);
  if (read === undefined || read.origin !== origin || read.extensions.length !== extensions.length) {
    throw new RangeError(`not a checkpoint: ${lines.slice(0, 2).join(', ')}`);
  }
  return text;
}

/** Reads a checkpoint's text strictly. Sizes above 2^53 − 1 are refused. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  const lines = text.split('\n');
  if (lines.pop() !== '') return undefined;
  const [origin, sizeText, rootText, ...extensions] = lines;
  if (origin === undefined || sizeText === undefined || rootText === undefined) return undefined;
  if (origin === '' || !/^(0|[1-9]\d{0,15})$/.test(sizeText) || extensions.includes('')) return undefined;
  const size = Number(sizeText);
  const root = decodeBase64(rootText);
  if (!Number.isSafeInteger(size) || root?.length !== HASH_BYTES) return undefined;
  return { origin, size, root, extensions };
}

/** Signs a tree head and writes the note. @param sign raw Ed25519 signature (64 bytes) over the text's bytes */
export async function signCheckpoint(
  head: TreeHead,
  key: NoteKey,
  sign: (text: Buffer) => Promise<Uint8Array>,
): Promise<string> {
  const text = formatCheckpoint({ origin: key.name, size: head.size, root: head.root });
  const signature = await sign(Buffer.from(text, 'utf8'));
  return formatNote({ text, signatures: [{ name: key.name, keyId: noteKeyId(key), signature }] });
}

/**
 * Checks a checkpoint: form, origin, and the log's signature by one of its keys (several, because keys are rotated).
 * Total. Cosignatures of witnesses are checked apart (`verifyCosignature`).
 */
export function verifyCheckpoint(note: Uint8Array | string, keys: readonly NoteKey[]): CheckpointVerdict {
  const parsed = parseNote(note);
  if (parsed === 'note_malformed') return { valid: false, code: parsed };
  const checkpoint = parseCheckpoint(parsed.text);
  if (checkpoint === undefined) return { valid: false, code: 'checkpoint_malformed' };
  const named = keys.filter(({ name, type }) => name === checkpoint.origin && type === NOTE_SIGNATURE.ed25519);
  if (named.length === 0) return { valid: false, code: 'origin_mismatch' };
  const verdicts = named.map((key) => verifyNote(parsed, key)).filter((verdict) => verdict !== 'signature_missing');
  const [verdict = 'signature_missing'] = [...verdicts.filter((each) => each !== 'valid'), ...verdicts];
  return verdict === 'valid' ? { valid: true, checkpoint, note: parsed } : { valid: false, code: verdict };
}
