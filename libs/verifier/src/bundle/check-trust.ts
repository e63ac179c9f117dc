import { type ArtifactClaims, artifactSchema, hashJsonText, splitAnyCompact, TOKEN_BYTES_MAX } from '@spendgate/codec';
import { refuse } from './bundle-report.js';
import { checkRecord, checkSigner } from './check-signers.js';
import { checkStatus } from './check-status.js';
import { type OpenedBundle, type OpenedLeaf, decisionLeaf, leafOf, memberOf, parseObject } from './opened-bundle.js';

/**
 * C11: whoever signed had a key the log had recorded before, the flow had the baseline and the domain the policy the
 * artifact names, all before the decision, and the status list is the one the artifact names.
 *
 * @throws {BundleFault}
 */
export async function checkTrust(opened: OpenedBundle): Promise<string> {
  const { leaf, payload } = decisionLeaf(opened);
  const claims = artifactClaims(opened, leaf.index);
  const used = signersOf(opened);
  for (const { kid, actIndex } of used) checkSigner(opened, kid, actIndex);
  for (const key of opened.bundle.keys) checkRecord(opened, key, null);
  const { flow, policy } = claims;
  const { judged_at } = opened.bundle.proof.decision;
  const baselines = inForceAt(opened, 'flow_baseline_set', judged_at, (said) => said['flow'] === flow.id);
  const isBaseline = baselines.some(({ payload: said }) => {
    return said?.['epoch'] === flow.epoch && hashJsonText(said['baseline'] ?? null) === flow.baseline_hash;
  });
  if (!isBaseline) refuse(baselines[0]?.index ?? leaf.index, "the flow's baseline was not the one the artifact names");
  const policies = inForceAt(opened, 'policy_activated', judged_at, (said) => said['policy'] === policy.id);
  const isPolicy = policies.some(({ payload: said }) => {
    return said?.['version'] === policy.version && said['set_hash'] === policy.set_hash;
  });
  if (!isPolicy) refuse(policies[0]?.index ?? leaf.index, 'the policy in force was not the one the artifact names');
  if (memberOf(payload, 'policy')['set_hash'] !== policy.set_hash) refuse(leaf.index, 'decided under another policy');
  const status = await checkStatus(opened, claims, leaf.index);
  const kids = new Set(used.map(({ kid }) => kid));
  return `${kids.size} keys, epoch ${flow.epoch}, policy ${policy.id} version ${policy.version}; ${status}`;
}

/** The claims as stated; that they are the signed ones is the authorization's to say. */
function artifactClaims({ bundle }: OpenedBundle, index: number): ArtifactClaims {
  const parsed = artifactSchema.safeParse(parseObject(bundle.proof.artifact.claims));
  return parsed.success ? parsed.data : refuse(index, 'proof.artifact.claims are no claims of an artifact');
}

interface Signer {
  readonly kid: string;
  /** Place of what a party signed: its key was recorded before. `null`: the domain signs stored claims at any time. */
  readonly actIndex: number | null;
}

/** Every key a signature of the bundle names, the checkpoint's excepted, which has its own form. */
function signersOf(opened: OpenedBundle): Signer[] {
  const { proof, synchronization } = opened.bundle;
  const places = (hash: string) => leafOf(opened, hash, 'what a party signed').index;
  const byParties = [
    { token: proof.intent, actIndex: places(proof.decision.leaf_hash) },
    ...proof.settlements.map((each) => ({ token: each.request, actIndex: places(each.leaf_hash) })),
    ...proof.outcomes.map((each) => ({ token: each.token, actIndex: places(each.leaf_hash) })),
  ];
  const byDomain = [
    proof.artifact.token,
    synchronization.status_list,
    ...proof.settlements.map((each) => each.receipt),
  ];
  const all = [...byParties, ...byDomain.map((token) => ({ token, actIndex: null }))];
  return all.flatMap(({ token, actIndex }) => {
    const split = token === null ? null : splitAnyCompact(Buffer.from(token), TOKEN_BYTES_MAX);
    if (split === null) return [];
    const kid = split.ok ? split.jws.header.kid : null;
    return [{ kid: kid ?? refuse(actIndex, 'something signed names no key'), actIndex }];
  });
}

/**
 * What was in force at a time: the last leaf of a type before it, and any of that very millisecond. By the time leaves
 * state and not by place: the log may take a decision before the baseline of the same bulk act.
 */
function inForceAt(
  { leaves }: OpenedBundle,
  type: string,
  atMs: number,
  matches: (payload: NonNullable<OpenedLeaf['payload']>) => boolean,
): OpenedLeaf[] {
  const all = leaves.filter((each) => each.leaf?.type === type && each.payload !== null && matches(each.payload));
  const timeOf = (each: OpenedLeaf): number => each.leaf?.time ?? Number.NaN;
  const before = all.filter((each) => timeOf(each) < atMs).sort((a, b) => timeOf(b) - timeOf(a) || b.index - a.index);
  return [...before.slice(0, 1), ...all.filter((each) => timeOf(each) === atMs)];
}
