import { verifyEd25519 } from './ed25519.js';
import {
  type NoteKey,
  type NoteProblem,
  type NoteSignature,
  type SignedNote,
  NOTE_SIGNATURE,
  noteKeyId,
  signaturesOf,
} from './signed-note.js';

const TIME_BYTES = 8;

export type CosignatureVerdict =
  /** When the witness says it saw the checkpoint, Unix seconds. */
  { readonly valid: true; readonly timeSeconds: number } | { readonly valid: false; readonly code: NoteProblem };

/** What a witness signs: a header, the time, then the checkpoint's text (C2SP tlog-cosignature §Format). */
export function cosignedText(checkpointText: string, timeSeconds: number): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${timeSeconds}\n${checkpointText}`, 'utf8');
}

/** Makes a witness's line for a checkpoint. @param sign raw Ed25519 signature over the given bytes */
export async function cosign(
  checkpointText: string,
  timeSeconds: number,
  key: NoteKey,
  sign: (text: Buffer) => Promise<Uint8Array>,
): Promise<NoteSignature> {
  const time = Buffer.alloc(TIME_BYTES);
  time.writeBigUInt64BE(BigInt(timeSeconds));
  const signature = Buffer.concat([time, await sign(cosignedText(checkpointText, timeSeconds))]);
  return { name: key.name, keyId: noteKeyId(key), signature };
}

/**
 * Checks a witness's cosignature/v1 on a checkpoint; of several by one key all must hold and the latest counts. Total.
 *
 * It says that the witness saw this head and that it was consistent with all it had seen before, nothing about leaves.
 */
export function verifyCosignature(note: SignedNote, key: NoteKey): CosignatureVerdict {
  if (key.type !== NOTE_SIGNATURE.cosignatureV1) return { valid: false, code: 'key_malformed' };
  const claimed = signaturesOf(note, key);
  let latest = -1;
  for (const { signature } of claimed) {
    const timeSeconds = signature.length > TIME_BYTES ? Number(Buffer.from(signature).readBigUInt64BE()) : Number.NaN;
    if (!Number.isSafeInteger(timeSeconds)) return { valid: false, code: 'signature_invalid' };
    const verdict = verifyEd25519(key.publicKey, cosignedText(note.text, timeSeconds), signature.subarray(TIME_BYTES));
    if (verdict !== 'valid') return { valid: false, code: verdict };
    latest = Math.max(latest, timeSeconds);
  }
  return latest < 0 ? { valid: false, code: 'signature_missing' } : { valid: true, timeSeconds: latest };
}
