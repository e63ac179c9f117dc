import { type Bundle, type SettledBundleEntry, type SettlementBundle, sha256Text } from '@spendgate/codec';
import { settlementDifference } from '../replay/recompute-settlement.js';
import { refuse } from './bundle-report.js';
import { checkDecided, checkExecution } from './check-settlements.js';
import { type OpenedBundle, type OpenedLog, leafOf, parseObject, payloadOf, textOf } from './opened-bundle.js';

type OpenedSettlement = OpenedBundle<SettlementBundle>;

/**
 * The artifact's part of a settlement's bundle, judged as a bundle of the artifact: what allowed a settlement is what
 * allowed everything on its artifact.
 *
 * @param all with the refused attempts among the settlements
 */
export function artifactView(opened: OpenedSettlement, all: boolean): OpenedBundle {
  const { refused, settlements, ...proof } = opened.bundle.proof;
  const id = textOf(parseObject(proof.artifact.claims)?.['jti']);
  const bundle: Bundle = {
    ...opened.bundle,
    v: 1,
    subject: { kind: 'artifact', id },
    proof: { ...proof, settlements: all ? [...settlements, ...refused] : settlements },
  };
  return { ...opened, bundle };
}

/**
 * C15 for one settlement: each decision on it was asked for, answered and logged alike, granted or refused, and was made
 * on the read set the bundle carries; with it everything else that was granted on the artifact.
 *
 * @throws {BundleFault}
 */
export async function checkSettlement(opened: OpenedSettlement): Promise<string> {
  const { bundle } = opened;
  const view = artifactView(opened, false);
  const rest = await checkExecution(view);
  for (const refused of bundle.proof.refused) {
    const { index } = await checkDecided(view, refused, 'denied');
    if (refused.settlement_id !== bundle.subject.id) refuse(index, 'a refusal of another settlement');
  }
  const all = [...bundle.proof.settlements, ...bundle.proof.refused];
  for (const entry of all) checkReadSet(opened, entry);
  const own = all.filter(({ settlement_id }) => settlement_id === bundle.subject.id);
  if (own.length === 0) refuse(null, 'the bundle holds no decision on its settlement');
  return `${own.map((entry) => describe(opened, entry)).join(', then ')}; of its artifact ${rest}`;
}

function checkReadSet(opened: OpenedSettlement, { read_set, leaf_hash, settlement_id }: SettledBundleEntry): void {
  if (read_set === null) return;
  const leaf = leafOf(opened, leaf_hash, `settlement ${settlement_id}`);
  const { decision_hash } = payloadOf(leaf, `settlement ${settlement_id}`);
  if (sha256Text(read_set) !== decision_hash) refuse(leaf.index, 'the settlement was not decided on this read set');
}

/** What moved, in words. */
function describe(opened: OpenedSettlement, { leaf_hash, settlement_id }: SettledBundleEntry): string {
  const said = payloadOf(leafOf(opened, leaf_hash, `settlement ${settlement_id}`), 'the settlement');
  const name = textOf(said['action']) || 'settlement';
  if (said['outcome'] === 'denied') return `${name} denied: ${textOf(said['code'])}`;
  const outcomes = opened.bundle.proof.outcomes.filter((each) => each.settlement_id === settlement_id);
  const came = outcomes.map((each) => textOf(payloadOf(leafOf(opened, each.leaf_hash, 'an outcome'), 'it')['outcome']));
  return `${name} of ${textOf(said['amount'])} ${textOf(said['currency'])}: ${came.join(', ') || 'no outcome yet'}`;
}

/** @returns `'identical'`, or why the settlement's own decisions could not be made again */
export function replaySettlements(opened: OpenedSettlement): string {
  const { settlements, refused } = opened.bundle.proof;
  const own = [...settlements, ...refused].filter(({ settlement_id }) => settlement_id === opened.bundle.subject.id);
  const said = own.map((each) => replaySettlement(each, opened));
  return said.find((each) => each !== 'identical') ?? 'identical';
}

/** The same of one decision. */
export function replaySettlement(
  { request, read_set: readSet, leaf_hash }: Pick<SettledBundleEntry, 'request' | 'read_set' | 'leaf_hash'>,
  { byHash, keys }: Pick<OpenedLog, 'byHash' | 'keys'>,
): string {
  const said = byHash.get(leaf_hash)?.payload;
  if (readSet === null || said == null) return 'withheld';
  const { outcome, code, field, amount, decision_hash: decisionHash } = said;
  const isAgent = keys.get(textOf(said['presenter_kid']))?.purpose === 'agent';
  const presenterKind = isAgent ? 'agent' : 'settlement_service';
  const stored = { request, presenterKind, readSet, outcome, code, field, amount, decisionHash } as const;
  return settlementDifference(stored) ?? 'identical';
}
