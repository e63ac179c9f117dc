import { type Checkpoint, type NoteKey, readCompactRange, sameHash, verifyCheckpoint } from '@spendgate/audit-log';
import { LEAF_SALT_BYTES, leafHashOf, opensCommitment, parseLeaf } from '@spendgate/codec';
import {
  type LaneLeaf,
  type Queryable,
  readAllCheckpoints,
  readAlteredRows,
  readLaneLeaves,
  readLogState,
  readTiles,
} from '@spendgate/store';
import { verifyStoredDecisions } from './verify-stored-decisions.js';
import { verifyStoredLog } from './verify-stored-log.js';

/** One thing that is not as the log says. */
export interface DatabaseFault {
  /** Which row: its key. */
  readonly subject: string;
  /** Column, or what is wrong as a whole. */
  readonly fault: string;
  /** Place of the leaf that shows it; `null`: there is none. */
  readonly index: number | null;
}

export interface DatabaseStatement {
  /** `checkpoints`, `log`, `history`, `leaves`, or a table. */
  readonly name: string;
  readonly holds: boolean;
  readonly first_bad: number | null;
  readonly faults: readonly DatabaseFault[];
}

export interface DatabaseReport {
  readonly valid: boolean;
  readonly statements: readonly DatabaseStatement[];
}

export interface DatabaseVerification {
  /** Keys the log's checkpoints are held against. From outside this database, or it vouches for itself. */
  readonly logKeys: readonly NoteKey[];
  /** A checkpoint seen earlier, verified by the caller: the log must continue it (C16). */
  readonly remembered: Checkpoint | null;
}

/** Faults shown for one statement; one is enough to distrust a table. */
const FAULTS_MAX = 100;

/**
 * The operator's side of the audit (A35): recomputes the log from its leaves, opens every payload, and compares every
 * table that money or trust rests on with what the leaves commit to. Whoever may edit the database may edit all of it,
 * so the log keys and a remembered checkpoint come from elsewhere.
 */
export async function verifyDatabase(db: Queryable, given: DatabaseVerification): Promise<DatabaseReport> {
  const leaves = await judgeLeaves(db);
  const statements = [
    await judgeCheckpoints(db, given.logKeys),
    await judgeLog(db),
    ...(given.remembered === null ? [] : [await judgeHistory(db, given.remembered)]),
    leaves,
    await judgeDecisions(db),
  ];
  if (leaves.holds) {
    for await (const { table, rows } of readAlteredRows(db, FAULTS_MAX)) {
      statements.push(
        statement(
          table,
          rows.map(({ subject, field, index }) => ({ subject, fault: field, index })),
        ),
      );
    }
  }
  return { valid: statements.every(({ holds }) => holds), statements };
}

/** Each stored head is what a key of the log signed. */
async function judgeCheckpoints(db: Queryable, logKeys: readonly NoteKey[]): Promise<DatabaseStatement> {
  const faults: DatabaseFault[] = [];
  for await (const { treeSize, root, note } of readAllCheckpoints(db)) {
    const verdict = verifyCheckpoint(note, logKeys);
    const isSame = verdict.valid && verdict.checkpoint.size === treeSize && sameHash(verdict.checkpoint.root, root);
    if (isSame) continue;
    const fault = verdict.valid ? 'row_altered' : verdict.code;
    if (faults.push({ subject: String(treeSize), fault, index: treeSize }) === FAULTS_MAX) break;
  }
  return statement('checkpoints', faults);
}

/** The leaves give the places, tiles, checkpoints and the head that are stored. */
async function judgeLog(db: Queryable): Promise<DatabaseStatement> {
  const before = await readLogState(db);
  const verdict = await verifyStoredLog(db);
  if (!verdict.valid) return statement('log', [{ subject: 'log', fault: verdict.fault, index: verdict.index }]);
  // A running log may have grown meanwhile; it never shrinks.
  const isHead = verdict.size > before.treeSize || sameHash(verdict.root, before.root);
  if (verdict.size >= before.treeSize && isHead) return statement('log', []);
  return statement('log', [
    { subject: 'log_state', fault: 'head_differs', index: Math.min(verdict.size, before.treeSize) },
  ]);
}

async function judgeHistory(db: Queryable, { size, root }: Checkpoint): Promise<DatabaseStatement> {
  const { treeSize } = await readLogState(db);
  const fault = (why: string, index: number): DatabaseStatement =>
    statement('history', [{ subject: String(size), fault: why, index }]);
  if (treeSize < size) return fault('log_truncated', treeSize);
  try {
    const range = await readCompactRange((needs) => readTiles(db, needs), size);
    return sameHash(range.root(), root) ? statement('history', []) : fault('rewritten', 0);
  } catch {
    return fault('tiles_missing', 0);
  }
}

/** Every leaf row has its own hash and opens to its payload; a redacted one has none. */
async function judgeLeaves(db: Queryable): Promise<DatabaseStatement> {
  const faults: DatabaseFault[] = [];
  for await (const row of readLaneLeaves(db)) {
    const fault = faultOf(row);
    if (fault === null) continue;
    faults.push({ subject: `${row.laneId}/${row.seq}`, fault, index: row.index });
    if (faults.length === FAULTS_MAX) break;
  }
  return statement('leaves', faults);
}

function faultOf({ leaf, leafHash, payload, salt }: LaneLeaf): string | null {
  const parsed = parseLeaf(Buffer.from(leaf));
  if (!parsed.ok || !leafHashOf(leaf).equals(leafHash)) return 'leaf_altered';
  if (payload === null || salt === null) return payload === salt ? null : 'payload_altered';
  const isOpen = salt.length === LEAF_SALT_BYTES && opensCommitment(parsed.leaf, salt, payload);
  return isOpen ? null : 'payload_altered';
}

async function judgeDecisions(db: Queryable): Promise<DatabaseStatement> {
  const { altered } = await verifyStoredDecisions(db);
  return statement(
    'decisions',
    altered.map(({ decisionId, fault, field, index }) => ({ subject: decisionId, fault: field ?? fault, index })),
  );
}

function statement(name: string, faults: readonly DatabaseFault[]): DatabaseStatement {
  const places = faults.flatMap(({ index }) => (index === null ? [] : [index]));
  const first = places.length === 0 ? null : Math.min(...places);
  return { name, holds: faults.length === 0, first_bad: first, faults: faults.slice(0, FAULTS_MAX) };
}
