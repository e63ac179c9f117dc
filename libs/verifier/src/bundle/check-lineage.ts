import { type ArtifactClaims, artifactSchema, hashJsonText } from '@spendgate/codec';
import { refuse } from './bundle-report.js';
import {
  type OpenedBundle,
  type OpenedLeaf,
  decisionLeaf,
  leafOf,
  memberOf,
  parseObject,
  textOf,
} from './opened-bundle.js';

/**
 * C12: every leaf's causes are in the bundle and before it in the log, what was settled comes from the decision, and the
 * decision from the mandate the artifact names, up to the root of its tree.
 *
 * @throws {BundleFault} with the first bad index
 */
export function checkLineage(opened: OpenedBundle): string {
  const { bundle, leaves } = opened;
  for (const { index, leaf } of leaves) checkCauses(opened, index, leaf);
  const { leaf: decision } = decisionLeaf(opened);
  const descended = descendantsOf(opened, decision);
  for (const each of [...bundle.proof.settlements, ...bundle.proof.outcomes]) {
    const effect = leafOf(opened, each.leaf_hash, 'a settlement');
    if (!descended.has(effect.hash)) refuse(effect.index, `leaf ${effect.index} does not come from the decision`);
  }
  const claims = artifactSchema.safeParse(parseObject(bundle.proof.artifact.claims));
  if (!claims.success) return refuse(decision.index, 'proof.artifact.claims are no claims of an artifact');
  const redacted = leaves.filter((each) => each.state === 'redacted').length;
  if (redacted !== bundle.lineage.redacted)
    refuse(null, `${redacted} leaves are redacted, not ${bundle.lineage.redacted}`);
  const levels = checkMandates(opened, decision, claims.data);
  return `${leaves.length} leaves, each with its causes; ${levels}`;
}

function checkCauses({ bundle, byHash }: OpenedBundle, index: number, leaf: OpenedLeaf['leaf']): void {
  if (leaf === null) return refuse(index, `leaf ${index} is no leaf`);
  if (leaf.domain !== bundle.domain) refuse(index, `leaf ${index} is of ${leaf.domain}`);
  for (const hash of leaf.causes) {
    const cause = byHash.get(hash) ?? refuse(index, `a cause of leaf ${index} is not in the bundle: ${hash}`);
    if (cause.index >= index) refuse(index, `leaf ${index} stands before its cause`);
  }
}

/** A leaf and all that comes of it: one pass, because each cause was seen to stand before its effect. */
function descendantsOf({ leaves }: OpenedBundle, from: OpenedLeaf): ReadonlySet<string> {
  const found = new Set([from.hash]);
  for (const { hash, leaf } of [...leaves].sort((a, b) => a.index - b.index)) {
    if (leaf?.causes.some((cause) => found.has(cause)) === true) found.add(hash);
  }
  return found;
}

/** From the mandate spent under to its root, by the hashes of the grants; a level that was withheld ends the climb. */
function checkMandates(opened: OpenedBundle, decision: OpenedLeaf, { lineage, flow }: ArtifactClaims): string {
  const mandates = opened.leaves.filter((each) => each.leaf?.type === 'mandate_registered');
  const withheld = mandates.filter((each) => each.payload === null).length;
  const granted = mandates.filter((each) => decision.leaf?.causes.includes(each.hash) === true);
  const [own] = granted;
  if (own === undefined) return refuse(decision.index, 'the decision names no mandate among its causes');
  let [at, depth, id] = [own, lineage.depth, flow.mandate];
  for (let hash = lineage.parent_hash; ; depth -= 1) {
    const { payload, index } = at;
    if (payload === null) {
      if (withheld <= depth) refuse(index, `${depth + 1} levels up to the root, ${withheld} of them withheld`);
      return `mandate ${flow.mandate}, ${withheld} of ${lineage.depth + 1} levels withheld`;
    }
    const mandate = memberOf(payload, 'mandate');
    if (mandate['id'] !== id || payload['hash'] !== hash || hashJsonText(mandate) !== hash) {
      refuse(index, `leaf ${index} does not grant mandate ${id} as the artifact's lineage names it`);
    }
    if (mandate['depth'] !== depth) refuse(index, `mandate ${id} is not ${depth} below its root`);
    if (depth === 0) {
      if (mandate['id'] !== lineage.root) refuse(index, `mandate ${id} is not the root ${lineage.root}`);
      return `${lineage.depth + 1} mandates up to root ${lineage.root}`;
    }
    [hash, id] = [textOf(payload['parent_hash']), textOf(mandate['parent'])];
    const parent = mandates.findLast(
      (each) => each.index < index && (each.payload === null || each.payload['hash'] === hash),
    );
    at = parent ?? refuse(index, `the parent of mandate ${id} is not in the bundle`);
  }
}
