import {
  type Checkpoint,
  type NoteKey,
  NOTE_SIGNATURE,
  type SignedNote,
  formatNoteKey,
  isKeyName,
  logOrigin,
  parseNoteKey,
  sameHash,
  signaturesOf,
  verifyCheckpoint,
  verifyConsistency,
  verifyCosignature,
  verifyInclusion,
} from '@spendgate/audit-log';
import { refuse } from './bundle-report.js';
import type { OpenedLog } from './opened-bundle.js';

/**
 * C14: a checkpoint the log's key signed covers every leaf, each leaf is in its tree (RFC 9162 §2.1.3.2) and opens to
 * its payload; C16: that tree continues the one the verifier remembers (§2.1.4.2).
 *
 * @param remembered signed note of a checkpoint seen earlier
 * @throws {BundleFault} with the first bad index
 */
export function checkAudit(opened: OpenedLog, remembered: string | null): string {
  const { lineage, audit } = opened.bundle;
  const head = checkHead(opened);
  checkConsistency(opened, head);
  if (audit.inclusion.length !== lineage.leaves.length) {
    refuse(null, `${lineage.leaves.length} leaves and ${audit.inclusion.length} inclusion proofs`);
  }
  let before = -1;
  for (const [at, { index, hash, state }] of opened.leaves.entries()) {
    const proof = audit.inclusion[at];
    if (index <= before) refuse(index, 'the leaves are not in the order of the log');
    before = index;
    if (proof?.index !== index) refuse(index, `no inclusion proof for leaf ${index}`);
    const verdict = verifyInclusion({
      leafIndex: index,
      treeSize: head.size,
      leafHash: bytesOf(hash),
      root: head.root,
      proof: proof.proof.map(bytesOf),
    });
    if (!verdict.valid) refuse(index, `leaf ${index} is not in the tree: ${verdict.code}`);
    if (state === 'broken') refuse(index, `leaf ${index} does not commit to its payload`);
  }
  const from = remembered === null ? '' : `, and continues the remembered ${checkRemembered(opened, head, remembered)}`;
  return `${opened.leaves.length} leaves are in the tree of ${head.size} the log signed${from}`;
}

/** The signed note, the key that is named for it, and the head the proofs lead to: one and the same. */
function checkHead(opened: OpenedLog): Checkpoint {
  const { persistence, synchronization } = opened.bundle;
  const keys = noteKeys(opened);
  const verdict = verifyCheckpoint(persistence.note, keys);
  if (!verdict.valid) return refuse(null, `the checkpoint: ${verdict.code}`);
  const { checkpoint } = verdict;
  const { size, root } = synchronization.checkpoint;
  if (checkpoint.size !== size || Buffer.from(checkpoint.root).toString('base64url') !== root) {
    refuse(null, 'synchronization.checkpoint is not what the log signed');
  }
  const signers = keys.filter((key) => verifyCheckpoint(persistence.note, [key]).valid).map(formatNoteKey);
  if (!signers.includes(persistence.log_key)) refuse(null, 'persistence.log_key did not sign the checkpoint');
  checkWitnesses(verdict.note, keys, persistence.witnessed_by);
  return checkpoint;
}

/** Whoever is said to have cosigned did, and the note has no line but theirs and the log's: all of it is verified. */
function checkWitnesses(note: SignedNote, logKeys: readonly NoteKey[], witnessedBy: readonly string[]): void {
  const witnesses = witnessedBy.map((text) => parseNoteKey(text) ?? refuse(null, `persistence.witnessed_by: ${text}`));
  const silent = witnesses.findIndex((key) => !verifyCosignature(note, key).valid);
  if (silent !== -1) refuse(null, `${witnessedBy[silent]} did not cosign the checkpoint`);
  const verified = new Set([...logKeys, ...witnesses].flatMap((key) => signaturesOf(note, key)));
  if (verified.size !== note.signatures.length)
    refuse(null, 'the checkpoint has a signature of nobody the bundle names');
}

/** The earlier tree the bundle says this one continues (RFC 9162 §2.1.4.2); none is no fault. */
function checkConsistency({ bundle }: OpenedLog, head: Checkpoint): void {
  const { consistency } = bundle.synchronization;
  if (consistency === null) return;
  const { size, root, proof } = consistency;
  const heads = { size1: size, size2: head.size, root1: bytesOf(root), root2: head.root };
  const verified = verifyConsistency({ ...heads, proof: proof.map(bytesOf) });
  if (!verified.valid) refuse(null, `the tree does not continue synchronization.consistency: ${verified.code}`);
}

function checkRemembered(opened: OpenedLog, head: Checkpoint, remembered: string): string {
  const verdict = verifyCheckpoint(remembered, noteKeys(opened));
  if (!verdict.valid) return refuse(null, `the remembered checkpoint: ${verdict.code}`);
  const { size, root } = verdict.checkpoint;
  const { consistency } = opened.bundle.synchronization;
  if (size > head.size) refuse(null, `the remembered checkpoint (${size}) is newer: export the bundle again`);
  if (consistency?.size !== size) {
    return refuse(null, `no consistency proof from size ${size}: export the bundle again with --remember`);
  }
  if (!sameHash(bytesOf(consistency.root), root))
    refuse(null, `the log was rewritten: its tree of ${size} was another`);
  return `one of ${size}`;
}

/** The domain's checkpoint keys as notes know them; none for an issuer no log can be named after. */
export function noteKeys({ bundle, keys }: OpenedLog): NoteKey[] {
  if (!isKeyName(bundle.domain)) return [];
  const name = logOrigin(bundle.domain);
  return [...keys.values()].flatMap(({ purpose, party, jwk }): NoteKey[] => {
    const isLogs = purpose === 'checkpoint' && (party === null || party === bundle.domain) && jwk.kty === 'OKP';
    return isLogs ? [{ name, type: NOTE_SIGNATURE.ed25519, publicKey: Buffer.from(jwk.x, 'base64url') }] : [];
  });
}

export function bytesOf(hash: string): Uint8Array {
  return Buffer.from(hash, 'base64url');
}
