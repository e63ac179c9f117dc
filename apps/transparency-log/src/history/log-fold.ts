import { CompactRange } from '@spendgate/audit-log';
import { LEAF_SALT_BYTES, type Leaf, leafHashOf, opensCommitment } from '@spendgate/codec';
import type { ReadableLeaf } from '@spendgate/store';
import { type HistoryKind, SUBJECT_LEAVES, type SubjectState, subjectChange } from './subjects.js';

/** What the database holds is not what the log signed. */
export class AlteredLog extends Error {
  constructor(
    /** The first leaf at fault; `null`: the tree as a whole. */
    readonly index: number | null,
    detail: string,
  ) {
    super(detail);
  }
}

/** A thing as the leaves leave it. */
export interface Subject {
  readonly state: SubjectState;
  /** Hashes of the leaves about it, base64url, oldest first; the newest {@link SUBJECT_LEAVES_KEPT}. */
  readonly leaves: readonly string[];
  /** How many there were. */
  readonly leafCount: number;
}

/** Leaves remembered of one subject; older ones are in the log for whoever asks as of a time before. */
export const SUBJECT_LEAVES_KEPT = 32;

/**
 * The domain as its leaves say it was: one pass over them from the first, each hashed into a tree and opened, so that
 * nothing in it comes from a table that could have been edited without the root being another.
 */
export class LogFold {
  private readonly range = CompactRange.empty();
  private readonly subjects = new Map<HistoryKind, Map<string, Subject>>();
  /** Latest time a leaf names, Unix ms. */
  lastMs = 0;
  /** Leaves that should say something of a subject, and whose content was redacted. */
  redacted = 0;
  /** The last leaf's hash, base64url. */
  lastHash = '';

  get size(): number {
    return this.range.size;
  }

  root(): Uint8Array {
    return this.range.root();
  }

  subject(kind: HistoryKind, id: string): Subject | undefined {
    return this.subjects.get(kind)?.get(id);
  }

  /** All of a kind, by id. */
  all(kind: HistoryKind): (Subject & { readonly id: string })[] {
    const found = [...(this.subjects.get(kind) ?? [])].map(([id, subject]) => ({ id, ...subject }));
    return found.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** @throws {AlteredLog} the leaf is not the next one, is not what its place says, or does not open */
  add(placed: ReadableLeaf, leaf: Leaf): void {
    const { index, leafHash } = placed;
    if (index !== this.size) throw new AlteredLog(this.size, `leaf ${this.size} has no place`);
    const said = SUBJECT_LEAVES.some((type) => type === leaf.type) ? openLeaf(placed, leaf) : null;
    this.range.append(leafHash);
    this.lastMs = Math.max(this.lastMs, leaf.time);
    this.lastHash = leafHash.toString('base64url');
    if (said === 'redacted') this.redacted += 1;
    else if (said !== null) this.take(leaf.type, said);
  }

  private take(type: string, said: Readonly<Record<string, unknown>>): void {
    const before = (kind: HistoryKind, id: string): SubjectState => this.subject(kind, id)?.state ?? {};
    const found = subjectChange(type, said, before);
    if (found === null) return;
    const { kind, id, change } = found;
    const known = this.subject(kind, id) ?? { state: {}, leaves: [], leafCount: 0 };
    const state = { ...known.state, ...change };
    const leaves = [...known.leaves, this.lastHash].slice(-SUBJECT_LEAVES_KEPT);
    const ofKind = this.subjects.get(kind) ?? new Map<string, Subject>();
    ofKind.set(id, { state, leaves, leafCount: known.leafCount + 1 });
    this.subjects.set(kind, ofKind);
  }
}

/** The leaf at a place. @throws {AlteredLog} it is gone, or another one than the tree has there */
export function leafAt({ index, leafHash, leaf }: ReadableLeaf): Leaf {
  if (leaf === null) throw new AlteredLog(index, `leaf ${index} is gone`);
  if (!leafHashOf(leaf).equals(leafHash)) throw new AlteredLog(index, `leaf ${index} is not the one of its place`);
  return JSON.parse(leaf) as Leaf; // as: its hash is in the tree, and only leaves are
}

/** What it commits to. @throws {AlteredLog} it commits to something else */
export function openLeaf(
  { index, payload, salt }: ReadableLeaf,
  leaf: Leaf,
): Readonly<Record<string, unknown>> | 'redacted' {
  if (payload === null && salt === null) return 'redacted';
  if (payload === null || salt === null || salt.length !== LEAF_SALT_BYTES || !opensCommitment(leaf, salt, payload)) {
    throw new AlteredLog(index, `leaf ${index} does not commit to its payload`);
  }
  return JSON.parse(payload) as Readonly<Record<string, unknown>>; // as: what the leaf commits to
}
