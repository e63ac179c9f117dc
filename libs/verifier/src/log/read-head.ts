import type { KeySet } from '@spendgate/artifact';
import {
  type Checkpoint,
  type NoteKey,
  NOTE_SIGNATURE,
  type SignedNote,
  logOrigin,
  parseCheckpoint,
  parseNote,
  parseNoteKey,
  verifyCheckpoint,
} from '@spendgate/audit-log';
import { parseStrictJson } from '@spendgate/codec';
import { type LogSource, SourceProblem } from './log-source.js';

const CHECKPOINT_BYTES_MAX = 65_536;
const DOCUMENT_BYTES_MAX = 65_536;
const DOCUMENT = '.well-known/spendgate';

/** A head whose signature holds, or why there is none. */
export type Head =
  | { readonly ok: true; readonly checkpoint: Checkpoint; readonly note: SignedNote }
  | { readonly ok: false; readonly detail: string };

/** The checkpoint a log serves, as text. @throws {SourceProblem} */
export async function readCheckpointText(source: LogSource): Promise<string> {
  return Buffer.from(await source.read('checkpoint', CHECKPOINT_BYTES_MAX)).toString('utf8');
}

/**
 * The keys a log's checkpoints are verified with: those the verifier trusts, else what the log says of itself.
 *
 * @throws {SourceProblem} none are trusted, and the log's document names none
 */
export async function readLogKeys(source: LogSource, trust: KeySet | null): Promise<(origin: string) => NoteKey[]> {
  if (trust !== null) return (origin) => trustedKeys(trust, origin);
  const json = parseStrictJson(await source.read(DOCUMENT, DOCUMENT_BYTES_MAX));
  const listed = json.ok ? membersOf(membersOf(json.value)['log'])['keys'] : undefined;
  if (!Array.isArray(listed)) throw new SourceProblem('malformed', DOCUMENT, 'it names no keys of the log');
  const keys = listed.flatMap((each) => (typeof each === 'string' ? (parseNoteKey(each) ?? []) : []));
  return (origin) => keys.filter(({ name }) => name === origin);
}

/** @param keysOf the log's keys under a name */
export function verifyHead(note: string, keysOf: (origin: string) => NoteKey[]): Head {
  const parsed = parseNote(note);
  const said = parsed === 'note_malformed' ? undefined : parseCheckpoint(parsed.text);
  if (said === undefined) return { ok: false, detail: 'checkpoint_malformed' };
  const verdict = verifyCheckpoint(note, keysOf(said.origin));
  return verdict.valid ? { ok: true, ...verdict } : { ok: false, detail: verdict.code };
}

/** The checkpoint keys of a key set under a log's name; a key that names no issuer is taken for the log it is asked for. */
export function trustedKeys(trust: KeySet, origin: string): NoteKey[] {
  return [...trust.all()].flatMap(({ purpose, party, jwk }): NoteKey[] => {
    const isLogs = purpose === 'checkpoint' && jwk.kty === 'OKP' && (party === null || isNamed(party, origin));
    return isLogs ? [{ name: origin, type: NOTE_SIGNATURE.ed25519, publicKey: Buffer.from(jwk.x, 'base64url') }] : [];
  });
}

/** Whether a log of this name is that of an issuer. */
export function isNamed(issuer: string, origin: string): boolean {
  try {
    return logOrigin(issuer) === origin;
  } catch {
    return false; // an issuer no log can be named after
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
