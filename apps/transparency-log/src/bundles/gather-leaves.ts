import { BUNDLE_LEAVES_MAX, TOKEN_BYTES_MAX, parseLeaf, splitAnyCompact } from '@spendgate/codec';
import {
  type BundledArtifact,
  type BundledOutcome,
  type BundledSettlement,
  type DecisionView,
  type DomainKeyRow,
  type EvidenceLeaf,
  type Pool,
  readEvidenceLeaves,
  readFoundations,
} from '@spendgate/store';

/** What a bundle is about, as it is stored. */
export interface Asked {
  readonly artifact: BundledArtifact;
  readonly decision: DecisionView;
  readonly settlements: readonly BundledSettlement[];
  readonly outcomes: readonly BundledOutcome[];
  readonly domainKeys: readonly DomainKeyRow[];
  /** Of the checkpoint: nothing beyond it is shown. */
  readonly treeSize: number;
}

/** All leaves that have to do with it, in the order of the log. */
export interface Evidence {
  readonly asked: Asked;
  readonly leaves: readonly EvidenceLeaf[];
  /** Keys of the parties that signed. */
  readonly partyKids: readonly string[];
}

/** More leaves than a bundle holds. */
export class TooLarge extends Error {}

/**
 * Gathers the lineage: from the decision, the settlements and outcomes by their causes to the roots, and what they rest
 * on without naming it: who recorded the keys, the policy in force, the flow's baseline, the grants up to the root.
 *
 * @returns `undefined` when some of it is not under the checkpoint yet
 * @throws {TooLarge}
 */
export async function gatherLeaves(pool: Pool, asked: Asked): Promise<Evidence | undefined> {
  const { artifact, decision, settlements, outcomes, domainKeys, treeSize } = asked;
  const tokens = [decision.request, ...settlements.map((each) => each.request), ...outcomes.map((each) => each.token)];
  const partyKids = [...new Set(tokens.flatMap(kidsOf))];
  const { policy } = JSON.parse(artifact.claims) as { policy: { id: string } }; // as: the authorizer's own claims
  const texts = [
    ...[...partyKids, ...domainKeys.map((key) => key.kid)].map((kid) => `"kid":"${kid}"`),
    ...artifact.levels.map((level) => `"id":"${level.mandateId}"`),
    `"policy":"${policy.id}"`,
    `"flow":"${artifact.flowId}"`,
  ];
  const found = new Map<string, EvidenceLeaf>();
  const foundations = await readFoundations(pool, texts, treeSize, BUNDLE_LEAVES_MAX + 1);
  foundations.forEach((leaf) => found.set(nameOf(leaf.leafHash), leaf));
  const starts = [decision, ...settlements, ...outcomes].map((each) => each.leafHash);
  const isWhole = await followCauses(pool, [...starts, ...foundations.flatMap(causesOf)], found, treeSize);
  const leaves = [...found.values()].sort((a, b) => a.index - b.index);
  // A grant and its baseline come of one act, but not of one batch of the log.
  const hasBaseline = foundations.some(({ leaf }) => leaf.includes('"type":"flow_baseline_set"'));
  return isWhole && hasBaseline ? { asked, leaves, partyKids } : undefined;
}

/** Adds leaves and, level by level, their causes. @returns whether all of them are in the tree */
export async function followCauses(
  pool: Pool,
  starts: readonly Buffer[],
  found: Map<string, EvidenceLeaf>,
  treeSize: number,
): Promise<boolean> {
  let wanted = new Map(starts.map((hash) => [nameOf(hash), hash]));
  for (;;) {
    for (const name of found.keys()) wanted.delete(name);
    if (found.size + wanted.size > BUNDLE_LEAVES_MAX) throw new TooLarge();
    if (wanted.size === 0) return true;
    const leaves = await readEvidenceLeaves(pool, [...wanted.values()], treeSize);
    if (leaves.length < wanted.size) return false;
    leaves.forEach((leaf) => found.set(nameOf(leaf.leafHash), leaf));
    wanted = new Map(leaves.flatMap(causesOf).map((hash) => [nameOf(hash), hash]));
  }
}

export function causesOf({ leaf }: EvidenceLeaf): Buffer[] {
  const parsed = parseLeaf(Buffer.from(leaf));
  return parsed.ok ? parsed.leaf.causes.map((hash) => Buffer.from(hash, 'base64url')) : [];
}

export function kidsOf(token: string | null): string[] {
  const split = token === null ? null : splitAnyCompact(Buffer.from(token), TOKEN_BYTES_MAX);
  return split?.ok === true && split.jws.header.kid !== null ? [split.jws.header.kid] : [];
}

export function nameOf(hash: Buffer): string {
  return hash.toString('base64url');
}
