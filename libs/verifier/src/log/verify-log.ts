import type { KeySet } from '@spendgate/artifact';
import { type Checkpoint, type NoteKey, type SignedNote, sameHash, verifyCosignature } from '@spendgate/audit-log';
import type { LogReport, LogStatement, LogStatementName } from './log-report.js';
import { type LogSource, SourceProblem } from './log-source.js';
import { type Head, readCheckpointText, readLogKeys, verifyHead } from './read-head.js';
import { readLeafTiles } from './read-tiles.js';
import { Recount } from './recount.js';

export interface LogVerification {
  readonly source: LogSource;
  /** Keys the verifier trusts; absent: the log's own word, and the report says so. */
  readonly trust?: KeySet | undefined;
  /** Signed note of the head to verify; absent: the one the log serves. */
  readonly checkpoint?: string | undefined;
  /** Signed note of a checkpoint seen earlier: the log must continue it (C16). */
  readonly remembered?: string | undefined;
  /** Witnesses whose cosignatures count, and how many are needed. */
  readonly witnesses?: { readonly keys: readonly NoteKey[]; readonly quorum: number } | undefined;
  /** Told how many leaves were counted. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** A verified log: what is reported, and the note to remember. */
export interface VerifiedLog {
  readonly report: LogReport;
  /** The head's signed note; `null` when its signature does not hold. */
  readonly note: string | null;
}

/**
 * Reads a log as strangers are served it and recomputes all of it: every leaf, every tile, the root, and whether it
 * continues what the verifier remembers. Total: whatever the log answers, this answers; memory is a few tiles.
 */
export async function verifyLog(given: LogVerification): Promise<VerifiedLog> {
  const trust = given.trust === undefined ? 'log' : 'given';
  const unread = { origin: null, size: null, root: null, trust } as const;
  let keysOf: (origin: string) => NoteKey[];
  let note: string;
  try {
    keysOf = await readLogKeys(given.source, given.trust ?? null);
    note = given.checkpoint ?? (await readCheckpointText(given.source));
  } catch (problem) {
    const statements = [failed('checkpoint', null, detailOf(problem))];
    return { report: { valid: false, ...unread, statements }, note: null };
  }
  const head = verifyHead(note, keysOf);
  if (!head.ok) {
    return { report: { valid: false, ...unread, statements: [failed('checkpoint', null, head.detail)] }, note: null };
  }
  const { origin, size, root } = head.checkpoint;
  const then = given.remembered === undefined ? null : verifyHead(given.remembered, keysOf);
  const statements = [
    held('checkpoint', `${size} leaves, signed by ${origin}`),
    ...(await judgeTree(given, head.checkpoint, then)),
    ...(given.witnesses === undefined ? [] : [judgeWitnesses(head.note, given.witnesses)]),
  ];
  const valid = statements.every(({ holds }) => holds);
  return { report: { valid, origin, size, root: Buffer.from(root).toString('base64'), trust, statements }, note };
}

async function judgeTree(given: LogVerification, head: Checkpoint, then: Head | null): Promise<LogStatement[]> {
  const { source, onProgress } = given;
  const sizeThen = then?.ok === true ? then.checkpoint.size : null;
  const recount = new Recount(source, head.origin, head.size, sizeThen);
  let unread: string | null = null;
  try {
    for await (const tile of readLeafTiles(source, head.size)) {
      await recount.add(tile);
      onProgress?.(recount.size, head.size);
    }
  } catch (problem) {
    unread = detailOf(problem);
  }
  const end = unread === null ? null : { index: recount.size, detail: unread };
  const badLeaf = recount.badLeaf ?? end;
  const badTile = recount.badTile ?? end;
  const isRoot = sameHash(recount.root(), head.root);
  const history = then === null ? [] : [judgeHistory(recount, head, then)];
  const goodUntil = history.every(({ holds }) => holds) ? (sizeThen ?? 0) : 0;
  const from = recount.badTile?.index ?? recount.badLeaf?.index ?? goodUntil;
  return [
    badLeaf === null
      ? held('leaves', `${head.size} leaves of this domain`)
      : failed('leaves', badLeaf.index, badLeaf.detail),
    badTile === null
      ? held('tiles', 'every tile is what the leaves give')
      : failed('tiles', badTile.index, badTile.detail),
    unread !== null
      ? failed('tree', recount.size, 'not all leaves could be read')
      : isRoot
        ? held('tree', 'the leaves give the signed root')
        : failed('tree', from, `the leaves give another root than was signed; the change is at ${from} or after it`),
    ...history,
  ];
}

/** C16: rewritten, or cut off, against what someone kept. */
function judgeHistory(recount: Recount, head: Checkpoint, then: Head): LogStatement {
  if (!then.ok) return failed('history', null, `the remembered checkpoint: ${then.detail}`);
  const { origin, size, root } = then.checkpoint;
  if (origin !== head.origin) return failed('history', null, `the remembered checkpoint is one of ${origin}`);
  if (size > head.size) return failed('history', head.size, `cut off: ${size} leaves are remembered`);
  if (recount.rootThen === null) return failed('history', recount.size, 'not that many leaves could be read');
  if (sameHash(recount.rootThen, root)) return held('history', `continues the remembered checkpoint of ${size}`);
  const from = recount.badTile?.index ?? 0;
  return failed('history', from, `rewritten: the first ${size} leaves are not those remembered`);
}

function judgeWitnesses(note: SignedNote, { keys, quorum }: NonNullable<LogVerification['witnesses']>): LogStatement {
  const seenBy = keys.filter((key) => verifyCosignature(note, key).valid).map(({ name }) => name);
  const detail = `${seenBy.length} of ${keys.length} cosigned${seenBy.length === 0 ? '' : `: ${seenBy.join(', ')}`}`;
  return seenBy.length >= quorum ? held('witnesses', detail) : failed('witnesses', null, `${detail}; ${quorum} needed`);
}

function held(name: LogStatementName, detail: string): LogStatement {
  return { name, holds: true, first_bad: null, detail };
}

function failed(name: LogStatementName, index: number | null, detail: string): LogStatement {
  return { name, holds: false, first_bad: index, detail };
}

/** @throws whatever is no answer of a log: our own defect */
function detailOf(problem: unknown): string {
  if (problem instanceof SourceProblem) return problem.message;
  throw problem;
}
