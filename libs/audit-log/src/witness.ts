import { type Checkpoint, type TreeHead, parseCheckpoint, verifyCheckpoint } from './checkpoint.js';
import { EMPTY_ROOT, sameHash } from './hashing.js';
import { HASH_BYTES } from './sha256.js';
import { type NoteKey, type SignedNote, decodeBase64, parseNote } from './signed-note.js';
import { verifyConsistency } from './verify-proof.js';

/** Most hashes a submission may carry (C2SP tlog-witness §add-checkpoint). */
const PROOF_MAX = 63;

/** What a log sends a witness. */
export interface AddCheckpoint {
  /** Leaves of the checkpoint the witness cosigned last, 0 before the first. */
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
  /** The new checkpoint, signed by the log. */
  readonly note: string;
}

/** The body of `POST /add-checkpoint`. */
export function formatAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): string {
  const lines = [`old ${oldSize}`, ...proof.map((hash) => Buffer.from(hash).toString('base64'))];
  return `${lines.join('\n')}\n\n${note}`;
}

/** Reads it strictly. Total: @returns `undefined` for anything else */
export function parseAddCheckpoint(body: string): AddCheckpoint | undefined {
  const end = body.indexOf('\n\n');
  if (end === -1) return undefined;
  const [first = '', ...hashes] = body.slice(0, end).split('\n');
  const [, sizeText] = /^old (0|[1-9]\d{0,15})$/.exec(first) ?? [];
  const oldSize = Number(sizeText);
  if (sizeText === undefined || !Number.isSafeInteger(oldSize) || hashes.length > PROOF_MAX) return undefined;
  const proof = hashes.flatMap((text) => decodeBase64(text) ?? []);
  if (proof.length !== hashes.length || proof.some((hash) => hash.length !== HASH_BYTES)) return undefined;
  return { oldSize, proof, note: body.slice(end + 2) };
}

/** HTTP status of a refusal; 409 says the size cosigned last. */
export type WitnessRefusal =
  { readonly status: 400 | 403 | 404 | 422 } | { readonly status: 409; readonly size: number };

export type WitnessVerdict =
  { readonly status: 200; readonly checkpoint: Checkpoint; readonly note: SignedNote } | WitnessRefusal;

/**
 * Whether a witness may cosign: signed by the log, and consistent with all it cosigned before (C2SP tlog-witness
 * §add-checkpoint). Total. The caller persists the checkpoint before it answers, one submission at a time.
 *
 * @param keysOf the keys of a log by its origin; none: it is not known
 * @param last what was cosigned last for that origin
 */
export function judgeAddCheckpoint(
  body: string,
  keysOf: (origin: string) => readonly NoteKey[],
  last: (origin: string) => TreeHead | undefined,
): WitnessVerdict {
  const request = parseAddCheckpoint(body);
  if (request === undefined) return { status: 400 };
  const note = parseNote(request.note);
  const said = note === 'note_malformed' ? undefined : parseCheckpoint(note.text);
  if (note === 'note_malformed' || said === undefined) return { status: 400 };
  const keys = keysOf(said.origin);
  if (keys.length === 0) return { status: 404 };
  if (!verifyCheckpoint(request.note, keys).valid) return { status: 403 };
  if (request.oldSize > said.size) return { status: 400 };
  const before = last(said.origin) ?? { size: 0, root: EMPTY_ROOT };
  if (request.oldSize !== before.size) return { status: 409, size: before.size };
  if (before.size === said.size && !sameHash(before.root, said.root)) return { status: 409, size: before.size };
  const sizes = { size1: before.size, size2: said.size };
  const proven = verifyConsistency({ ...sizes, root1: before.root, root2: said.root, proof: request.proof });
  return proven.valid ? { status: 200, checkpoint: said, note } : { status: 422 };
}
