import {
  type TileReader,
  formatNote,
  formatNoteKey,
  logOrigin,
  parseNote,
  parseNoteKey,
  proveConsistency,
  proveInclusion,
  readCompactRange,
  signaturesOf,
} from '@spendgate/audit-log';
import type { Bundle, BundleLeaf } from '@spendgate/codec';
import { InvariantError } from '@spendgate/core';
import { type DomainKeyRow, type EvidenceLeaf, type Pool, type StoredCheckpoint, readTiles } from '@spendgate/store';
import { noteKeyOf } from '../signing/note-key.js';
import { type WitnessPlace, witnessedBy } from '../signing/witnesses.js';
import { type KeySources, keysOf } from './keys-of.js';

/** What bundles of every kind are made with. */
export interface BundleSources {
  readonly pool: Pool;
  readonly issuer: string;
  readonly witnesses: readonly WitnessPlace[];
}

/** The leaves of a bundle, as they are shown, with what they rest on. */
export interface LeavesToProve extends KeySources {
  readonly shown: readonly BundleLeaf[];
}

/**
 * Leaves with their proofs under one signed head, who cosigned it, and the keys as of then.
 *
 * @param from size of a remembered checkpoint; `null`: none
 */
export async function loggedParts(
  { pool, issuer, witnesses }: BundleSources,
  { leaves, shown, domainKeys, partyKids }: LeavesToProve,
  head: StoredCheckpoint,
  from: number | null,
): Promise<Pick<Bundle, 'lineage' | 'audit' | 'persistence' | 'keys'> & { heads: Heads }> {
  const tiles = rememberedTiles((needs) => readTiles(pool, needs));
  const inclusion = [];
  for (const { index } of shown) {
    inclusion.push({ index, proof: (await proveInclusion(tiles, index, head.treeSize)).map(text) });
  }
  const logKey = logKeysOf(issuer, domainKeys).at(-1) ?? '';
  const witnessed_by = witnessedBy(head.note, witnesses);
  const consistency = from === null ? null : await continues(tiles, from, head.treeSize);
  return {
    lineage: { leaves: [...shown], redacted: shown.filter(({ payload }) => payload === null).length },
    audit: { inclusion },
    persistence: { note: linesOf(head.note, [logKey, ...witnessed_by]), log_key: logKey, witnessed_by },
    keys: await keysOf(pool, issuer, { domainKeys, leaves, partyKids }),
    heads: { checkpoint: { size: head.treeSize, root: text(head.root) }, consistency },
  };
}
type Heads = Pick<Bundle['synchronization'], 'checkpoint' | 'consistency'>;

/** A leaf with all it commits to. */
export function openLeaf({ index, leaf, payload, salt }: EvidenceLeaf): BundleLeaf {
  if (payload === null || salt === null) return { index, leaf, payload: null, salt: null };
  return { index, leaf, payload, salt: text(salt) };
}

/** The tree of a remembered size with the proof that the bundle's begins with it. */
export async function continues(tiles: TileReader, size: number, treeSize: number) {
  const root = (await readCompactRange(tiles, size)).root();
  return { size, root: text(root), proof: (await proveConsistency(tiles, size, treeSize)).map(text) };
}

/** The note with the lines of these keys alone: a line nobody in the bundle can check would be no evidence. */
export function linesOf(note: string, keyTexts: readonly string[]): string {
  const parsed = parseNote(note);
  if (parsed === 'note_malformed') throw new InvariantError('ERR_NOTE_DAMAGED', 'a stored checkpoint is no note');
  const keys = keyTexts.flatMap((keyText) => parseNoteKey(keyText) ?? []);
  return formatNote({ ...parsed, signatures: keys.flatMap((key) => signaturesOf(parsed, key)) });
}

/** As C2SP verifier keys, oldest first: the newest one signed the newest checkpoint. */
export function logKeysOf(issuer: string, keys: readonly DomainKeyRow[]): string[] {
  const own = keys.filter(({ purpose }) => purpose === 'checkpoint');
  return own.map(({ jwk }) => formatNoteKey(noteKeyOf(logOrigin(issuer), jwk)));
}

/** Leaves of one artifact lie close together: each tile is read once for all their proofs. */
export function rememberedTiles(read: TileReader): TileReader {
  const known = new Map<string, Uint8Array>();
  const nameOf = ({ level, index }: { level: number; index: number }): string => `${level}/${index}`;
  return async (needs) => {
    const missing = needs.filter((need) => !known.has(nameOf(need)));
    const tiles = missing.length === 0 ? [] : await read(missing);
    missing.forEach((need, at) => known.set(nameOf(need), tiles[at] ?? new Uint8Array(0)));
    return needs.map((need) => known.get(nameOf(need)) ?? new Uint8Array(0));
  };
}

export function text(hash: Uint8Array): string {
  return Buffer.from(hash).toString('base64url');
}
