import { statusPlace } from '@spendgate/artifact';
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
import { type Bundle, BUNDLE_SETTLEMENTS_MAX } from '@spendgate/codec';
import { InvariantError } from '@spendgate/core';
import {
  type BundledArtifact,
  type DecisionView,
  type DomainKeyRow,
  type EvidenceLeaf,
  type Pool,
  type StoredCheckpoint,
  readBundledArtifact,
  readBundledOutcomes,
  readBundledSettlements,
  readDecision,
  readDomainKeys,
  readLastCheckpoint,
  readTiles,
} from '@spendgate/store';
import type { StatusLists } from '../http/status-lists.js';
import { noteKeyOf } from '../signing/note-key.js';
import { type WitnessPlace, witnessedBy } from '../signing/witnesses.js';
import { type Evidence, TooLarge, gatherLeaves } from './gather-leaves.js';
import { keysOf } from './keys-of.js';
import type { Reader } from './reader.js';

/** Why there is no bundle: nobody's, or not the caller's; not all under a checkpoint yet; `from` or the size too large. */
export type NoBundle = 'unknown' | 'not_integrated' | 'beyond_log' | 'too_large';

/** Makes the bundle of an artifact as of the last signed checkpoint; nothing beyond that is shown. */
export class MakeBundle {
  constructor(
    private readonly pool: Pool,
    private readonly issuer: string,
    private readonly lists: StatusLists,
    private readonly witnesses: readonly WitnessPlace[] = [],
  ) {}

  /** @param from size of a remembered checkpoint; null: none */
  async execute(artifactId: string, caller: Reader, from: number | null): Promise<Bundle | NoBundle> {
    const artifact = await readBundledArtifact(this.pool, artifactId);
    if (artifact === undefined) return 'unknown';
    if ((caller.kind === 'agent' ? artifact.agentId : artifact.audience) !== caller.id) return 'unknown';
    const decision = await readDecision(this.pool, artifact.decisionId);
    if (decision === undefined) return 'not_integrated';
    const settled = await this.readSettled(artifact);
    if (settled === 'too_large') return settled;
    // After the rows: what they name is under this head, or not yet under any.
    const head = await readLastCheckpoint(this.pool);
    if (head === undefined) return 'not_integrated';
    if (from !== null && from > head.treeSize) return 'beyond_log';
    const domainKeys = await readDomainKeys(this.pool);
    const asked = { artifact, decision, ...settled, domainKeys, treeSize: head.treeSize };
    try {
      const evidence = await gatherLeaves(this.pool, asked);
      return evidence === undefined ? 'not_integrated' : await this.compose(evidence, head, caller, from);
    } catch (error) {
      if (error instanceof TooLarge) return 'too_large';
      throw error;
    }
  }

  private async readSettled(artifact: BundledArtifact) {
    const most = BUNDLE_SETTLEMENTS_MAX + 1;
    const settlements = await readBundledSettlements(this.pool, artifact.artifactId, most);
    const ids = settlements.map((each) => each.settlementId);
    const outcomes = await readBundledOutcomes(this.pool, artifact.flowId, ids, most);
    return settlements.length === most || outcomes.length === most ? 'too_large' : { settlements, outcomes };
  }

  private async compose(evidence: Evidence, head: StoredCheckpoint, caller: Reader, from: number | null) {
    const { artifact, decision, settlements, outcomes } = evidence.asked;
    const { partition, segment } = statusPlace(artifact.statusPartition, artifact.statusIdx);
    const leaves = evidence.leaves.map((leaf) => shown(leaf, caller));
    const tiles = rememberedTiles((needs) => readTiles(this.pool, needs));
    const inclusion = [];
    for (const { index } of leaves) {
      inclusion.push({ index, proof: (await proveInclusion(tiles, index, head.treeSize)).map(text) });
    }
    const consistency = from === null ? null : await continues(tiles, from, head.treeSize);
    const logKey = logKeyOf(this.issuer, evidence.asked.domainKeys);
    const witnessed_by = witnessedBy(head.note, this.witnesses);
    const statusList = (await this.lists.read(partition, segment)) ?? null;
    const bundle: Bundle = {
      v: 1,
      domain: this.issuer,
      subject: { kind: 'artifact', id: artifact.artifactId },
      proof: {
        artifact: { claims: artifact.claims, token: null },
        intent: decision.request,
        decision: storedDecision(decision, ownsAll(artifact, caller)),
        settlements: settlements.map(({ settlementId, attempt, request, claims, leafHash }) => {
          return { settlement_id: settlementId, attempt, request, claims, receipt: null, leaf_hash: text(leafHash) };
        }),
        outcomes: outcomes.map(({ outcomeId, settlementId, token, leafHash }) => {
          return { outcome_id: outcomeId, settlement_id: settlementId, token, leaf_hash: text(leafHash) };
        }),
      },
      synchronization: {
        status_list: statusList,
        checkpoint: { size: head.treeSize, root: text(head.root) },
        consistency,
      },
      lineage: { leaves, redacted: leaves.filter(({ payload }) => payload === null).length },
      audit: { inclusion },
      persistence: {
        note: linesOf(head.note, [logKey, ...witnessed_by]),
        log_key: logKey,
        witnessed_by,
      },
      keys: await keysOf(this.pool, this.issuer, evidence),
    };
    return bundle;
  }
}

function storedDecision(view: DecisionView, showsReadSet: boolean): Bundle['proof']['decision'] {
  return {
    decision_id: view.decisionId,
    intent_id: view.intentId,
    outcome: view.outcome as Bundle['proof']['decision']['outcome'], // as: the table's own check
    code: view.code as Bundle['proof']['decision']['code'], // as: a row of the denials table, when it is one
    field: view.field,
    supersedes: view.supersedes,
    appended_at: view.appendedAtMs,
    judged_at: view.judgedAtMs,
    read_set: showsReadSet ? view.readSet : null,
    decision_hash: text(view.decisionHash),
    leaf_hash: text(view.leafHash),
  };
}

/** The read set tells limits and use of every level: for an agent that holds all of them. */
function ownsAll({ levels }: BundledArtifact, { kind, id }: Reader): boolean {
  return kind === 'agent' && levels.length > 0 && levels.every((level) => level.agentId === id);
}

/** A grant is its holder's business; anybody else gets the leaf, which proves that there was one. */
function shown(
  { index, leaf, payload, salt }: EvidenceLeaf,
  { kind, id }: Reader,
): Bundle['lineage']['leaves'][number] {
  const redacted = { index, leaf, payload: null, salt: null };
  if (payload === null || salt === null) return redacted;
  const { mandate } = JSON.parse(payload) as { mandate?: unknown }; // as: any JSON object may have such a member
  const isGrant = typeof mandate === 'object' && mandate !== null;
  const isOwn = isGrant && kind === 'agent' && 'agent' in mandate && mandate.agent === id;
  return isGrant && !isOwn ? redacted : { index, leaf, payload, salt: text(salt) };
}

/** The tree of a remembered size with the proof that the bundle's begins with it. */
async function continues(tiles: TileReader, size: number, treeSize: number) {
  const root = (await readCompactRange(tiles, size)).root();
  return { size, root: text(root), proof: (await proveConsistency(tiles, size, treeSize)).map(text) };
}

/** The note with the lines of these keys alone: a line nobody in the bundle can check would be no evidence. */
function linesOf(note: string, keyTexts: readonly string[]): string {
  const parsed = parseNote(note);
  if (parsed === 'note_malformed') throw new InvariantError('ERR_NOTE_DAMAGED', 'a stored checkpoint is no note');
  const keys = keyTexts.flatMap((keyText) => parseNoteKey(keyText) ?? []);
  return formatNote({ ...parsed, signatures: keys.flatMap((key) => signaturesOf(parsed, key)) });
}

/** The newest one signed the newest checkpoint. */
function logKeyOf(issuer: string, keys: readonly DomainKeyRow[]): string {
  const key = keys.findLast(({ purpose }) => purpose === 'checkpoint');
  return key === undefined ? '' : formatNoteKey(noteKeyOf(logOrigin(issuer), key.jwk));
}

/** Leaves of one artifact lie close together: each tile is read once for all their proofs. */
function rememberedTiles(read: TileReader): TileReader {
  const known = new Map<string, Uint8Array>();
  const nameOf = ({ level, index }: { level: number; index: number }): string => `${level}/${index}`;
  return async (needs) => {
    const missing = needs.filter((need) => !known.has(nameOf(need)));
    const tiles = missing.length === 0 ? [] : await read(missing);
    missing.forEach((need, at) => known.set(nameOf(need), tiles[at] ?? new Uint8Array(0)));
    return needs.map((need) => known.get(nameOf(need)) ?? new Uint8Array(0));
  };
}

function text(hash: Uint8Array): string {
  return Buffer.from(hash).toString('base64url');
}
