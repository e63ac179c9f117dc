import { type Checkpoint, sameHash, signaturesOf, verifyCheckpoint, verifyConsistency } from '@spendgate/audit-log';
import { type RangeBundle, canonicalize } from '@spendgate/codec';
import { refuse } from './bundle-report.js';
import { bytesOf, noteKeys } from './check-audit.js';
import { checkRecord } from './check-signers.js';
import type { OpenedBundle, OpenedLeaf } from './opened-bundle.js';
import { totalsOf } from './range-totals.js';

type OpenedRange = OpenedBundle<RangeBundle>;
type Bound = RangeBundle['proof']['end'];

/** Leaves between the two checkpoints, and of them those that state a time within the range. */
function leavesWithin({ bundle, leaves }: OpenedRange): { between: OpenedLeaf[]; within: OpenedLeaf[] } {
  const { start, end } = bundle.proof;
  const { from_ms, to_ms } = bundle.subject;
  const between = leaves.filter(({ index }) => index >= (start?.size ?? 0) && index < end.size);
  const within = between.filter(({ leaf }) => leaf !== null && leaf.time >= from_ms && leaf.time < to_ms);
  return { between, within };
}

/**
 * Every leaf the log took between the two checkpoints is here, in its place; both were signed by the log, the later one
 * continues the earlier, and the bundle's head the later (RFC 9162 §2.1.4.2). What else is carried recorded a key.
 *
 * @throws {BundleFault} with the first index that is missing
 */
export function checkCompleteness(opened: OpenedRange): string {
  const { bundle, leaves } = opened;
  const { start, end } = bundle.proof;
  const { from_ms, to_ms } = bundle.subject;
  if (from_ms >= to_ms) refuse(null, 'the range ends before it begins');
  const endHead = checkBound(opened, end, 'end');
  const first = start?.size ?? 0;
  if (start !== null) {
    const startHead = checkBound(opened, start, 'start');
    checkContinues(startHead, endHead, start.consistency, 'the end does not continue the start');
  }
  const { size, root } = bundle.synchronization.checkpoint;
  const head = { size, root: bytesOf(root) };
  checkContinues(endHead, head, end.consistency, 'the checkpoint does not continue the end');
  const { between, within } = leavesWithin(opened);
  for (const [at, { index, leaf }] of between.entries()) {
    if (index !== first + at) refuse(first + at, `leaf ${first + at} is missing`);
    if (leaf === null) return refuse(index, `leaf ${index} is no leaf`);
    if (leaf.domain !== bundle.domain) refuse(index, `leaf ${index} is of ${leaf.domain}`);
  }
  if (between.length !== end.size - first) refuse(first + between.length, `leaf ${first + between.length} is missing`);
  const recorders = new Set(bundle.keys.map((key) => key.leaf));
  const inside = new Set(between);
  const stray = leaves.find((each) => !inside.has(each) && !recorders.has(each.hash));
  if (stray !== undefined) refuse(stray.index, `leaf ${stray.index} is neither of the range nor of a key`);
  return `leaves ${first} to ${end.size - 1}, none missing; ${within.length} of them state a time within the range`;
}

/** A checkpoint the log signed, with no line of anybody else: every byte of it is verified. */
function checkBound(opened: OpenedRange, { note, size, root }: Bound, name: string): Checkpoint {
  const keys = noteKeys(opened);
  const verdict = verifyCheckpoint(note, keys);
  if (!verdict.valid) return refuse(null, `the ${name}: ${verdict.code}`);
  const { checkpoint } = verdict;
  if (checkpoint.size !== size || !sameHash(checkpoint.root, bytesOf(root)))
    refuse(null, `the ${name} is not what the log signed`);
  const lines = new Set(keys.flatMap((key) => signaturesOf(verdict.note, key)));
  if (lines.size !== verdict.note.signatures.length) refuse(null, `the ${name} has a signature of somebody else`);
  return checkpoint;
}

type Tree = Pick<Checkpoint, 'size' | 'root'>;

function checkContinues(older: Tree, newer: Tree, proof: readonly string[], detail: string): void {
  const heads = { size1: older.size, root1: older.root, size2: newer.size, root2: newer.root };
  const verdict = verifyConsistency({ ...heads, proof: proof.map(bytesOf) });
  if (!verdict.valid) refuse(null, `${detail}: ${verdict.code}`);
}

/**
 * Counts and sums are those of the leaves; one that was redacted is counted and in no sum.
 *
 * @throws {BundleFault}
 */
export function checkTotals(opened: OpenedRange): string {
  const { bundle, leaves } = opened;
  const { counts, sums } = bundle.proof;
  const { within } = leavesWithin(opened);
  const redacted = leaves.filter(({ state }) => state === 'redacted').length;
  if (redacted !== bundle.lineage.redacted)
    refuse(null, `${redacted} leaves are redacted, not ${bundle.lineage.redacted}`);
  const totals = totalsOf(within.map(({ leaf, payload }) => ({ type: leaf?.type ?? '', payload })));
  if (canonicalize(totals.counts) !== canonicalize(counts)) refuse(null, 'the counts are not those of the leaves');
  if (canonicalize(totals.sums) !== canonicalize(sums)) refuse(null, 'the sums are not those of the leaves');
  const said = sums.map(({ type, currency, count, amount }) => `${amount} ${currency} in ${count} ${type}`);
  return said.length === 0 ? `${within.length} leaves, no money in them` : said.join('; ');
}

/** Every key listed is what its leaf recorded. @throws {BundleFault} */
export function checkRangeKeys(opened: OpenedRange): string {
  for (const key of opened.bundle.keys) checkRecord(opened, key, null);
  return `${opened.bundle.keys.length} keys, each as a leaf recorded it`;
}

/** What a range does not show, in words. */
export function limitsOfRange(opened: OpenedRange): string[] {
  const { redacted } = opened.bundle.lineage;
  const late =
    'that no leaf the log took before the start or after the end states a time within the range: ' +
    'a leaf names the time of its decision, the log its place';
  return redacted === 0 ? [late] : [late, `what ${redacted} redacted leaves said: their amounts are in no sum`];
}
