import { canonicalize, intentBodyHash, sha256Text } from '@spendgate/codec';
import { CLEARING, LIFECYCLE, isCauseKind, isFlowState } from '@spendgate/core';
import { decisionText } from '../replay/recompute-decision.js';
import { refuse } from './bundle-report.js';
import { compareDecision } from './check-authorization.js';
import { readSettled } from './check-settlements.js';
import { checkRecord, checkSigner } from './check-signers.js';
import { type OpenedIncident, type Story, type Told, kindOf, onlyCause, readStory } from './incident-story.js';
import { type Payload, listOf, memberOf, numberOf, textOf, timeText } from './opened-bundle.js';
import { type SignedAct, readActs } from './signed-acts.js';
import { verifySigned } from './signed.js';

/**
 * What was found, by which rule and on which evidence, and what showed it: the incident names exactly the signal its
 * containment came of; each further drift added its own cause.
 *
 * @throws {BundleFault}
 */
export async function checkSignal(opened: OpenedIncident): Promise<string> {
  const story = readStory(opened);
  const { signal, signals } = story;
  const shownBy = onlyCause(opened, signal);
  compareCause(story.opened, signal);
  for (const change of story.changes) {
    const isDrift = change.payload['change'] === undefined;
    if (isDrift) compareCause(change, nearestSignal(opened, change, signals));
  }
  const rest = await checkShownBy(opened, shownBy);
  const kinds = [...new Set(signals.map((each) => `${kindOf(each)} (${textOf(each.payload['rule'])})`))];
  return `${kinds.join(', ')}, shown by leaf ${shownBy.index}, ${shownBy.type}${rest}`;
}

/** An incident's cause is a signal's: kind, rule and evidence alike. */
function compareCause({ index, payload }: Told, { payload: said }: Told): void {
  const [cause] = listOf(payload['causes']);
  const { kind, rule, evidence } = memberOf({ cause }, 'cause');
  const named = { kind: said['limb'], rule: said['rule'], evidence: said['evidence'] ?? null };
  if (canonicalize({ kind, rule, evidence: evidence ?? null }) !== canonicalize(named))
    refuse(index, `leaf ${index} names another drift than its signal`);
}

/** A further drift moves the flow where it is not contained any more, or adds its cause at once. */
function nearestSignal(opened: OpenedIncident, change: Told, signals: readonly Told[]): Told {
  const cause = onlyCause(opened, change);
  return signals.find(({ hash }) => hash === cause.hash) ?? refuse(change.index, 'a cause nobody found');
}

/** The decision whose frozen inputs the bundle carries is the one that showed the drift. */
async function checkShownBy(opened: OpenedIncident, shownBy: Told): Promise<string> {
  const { shown_by } = opened.bundle.proof;
  const { index, payload } = shownBy;
  if (shown_by === null) return '';
  if ('settlement_id' in shown_by) {
    if (shown_by.leaf_hash !== shownBy.hash) refuse(index, 'proof.shown_by is another settlement');
    await readSettled(opened, shown_by, 'denied');
    if (shown_by.read_set !== null && sha256Text(shown_by.read_set) !== payload['decision_hash'])
      refuse(index, 'the settlement was not decided on this read set');
    return `, denied ${textOf(payload['code'])}`;
  }
  const { decision, intent } = shown_by;
  if (decision.leaf_hash !== shownBy.hash) refuse(index, 'proof.shown_by is another decision');
  compareDecision(decision, payload, index);
  const during = ({ iat }: { readonly iat: number }) => ({ fromMs: iat * 1_000, toMs: decision.judged_at });
  const { claims, key } = await verifySigned(opened, 'payment-intent+jwt', intent, index, during);
  const hash = intentBodyHash(claims).toString('base64url');
  if (hash !== payload['intent_hash'] || key.kid !== payload['agent_kid'] || claims.iss !== payload['agent'])
    refuse(index, 'the signed intent is not the one that was decided');
  if (decision.read_set !== null) checkDecided(payload, decision.intent_id, decision.read_set, index);
  return `, denied ${textOf(payload['code'])}`;
}

/** A drift that denies names no limit, issues nothing and waits for nobody: the leaf says all else the hash is over. */
function checkDecided(payload: Payload, intentId: string, readSet: string, index: number): void {
  const { outcome, code, field, stages, spending } = payload;
  const decision = { outcome, code, field, limit: null, stages, spending, terms: null, parkedUntilMs: null };
  const text = decisionText({ bodyHash: textOf(payload['intent_hash']), intentId }, decision, readSet);
  if (sha256Text(text) !== payload['decision_hash']) refuse(index, 'the decision was not made on this read set');
}

/**
 * Signal, drift, containment and incident are one act: each names the one before by hash, the first two steps have
 * numbers that follow each other, all state one time, and every step of the flow is one of the lifecycle's table.
 *
 * @throws {BundleFault}
 */
export function checkContainment(opened: OpenedIncident): string {
  const story = readStory(opened);
  const { signal, drifted, contained, opened: opening } = story;
  if (drifted.payload['event'] !== 'drift_found') refuse(drifted.index, 'the flow did not drift');
  if (contained.payload['event'] !== 'flow_contained') refuse(contained.index, 'the flow was not contained');
  const steps = [signal, drifted, contained, opening];
  const later = steps.find(({ timeMs }) => timeMs !== signal.timeMs);
  if (later !== undefined) refuse(later.index, `leaf ${later.index} states another time than the signal`);
  if (numberOf(contained.payload['sequence']) !== numberOf(drifted.payload['sequence']) + 1)
    refuse(contained.index, 'something was decided between drift and containment');
  checkMoves(story);
  const adjacent = steps.every(({ index }, at) => index === signal.index + at);
  const where = adjacent
    ? `leaves ${signal.index} to ${opening.index}, one after the other`
    : `leaves ${steps.map(({ index }) => index).join(', ')}, with others' between`;
  return `${where}, at ${timeText(signal.timeMs)}`;
}

/** Each step is legal, goes on from where the one before ended, and has a later number: a decision takes one too. */
function checkMoves({ transitions }: Story): void {
  let before: Payload | null = null;
  for (const { index, payload } of transitions) {
    const { from, to, event, sequence } = payload;
    const isLegal = typeof from === 'string' && isFlowState(from) && Object.entries(LIFECYCLE[from].on).some(([on, next]) => on === event && next === to); // prettier-ignore
    if (!isLegal) refuse(index, `leaf ${index} is no step of the lifecycle`);
    if (before !== null && (!(numberOf(sequence) > numberOf(before['sequence'])) || from !== before['to']))
      refuse(index, `before leaf ${index} a step of the flow is missing`);
    before = payload;
  }
}

/** What would be spending: a decision that issues an artifact, and a capture that is granted. */
const SPENDING: Readonly<Record<string, string>> = {
  decision_authorized: 'mandate',
  settlement_capture_authorized: 'flow',
};

/**
 * Between containment and revalidation the flow issued no artifact and was granted no capture, by the times the leaves
 * state: shown by all leaves of the log in that stretch where the bundle has them, else by those it has.
 *
 * @throws {BundleFault}
 */
export function checkStandstill(opened: OpenedIncident): string {
  const story = readStory(opened);
  const { dense } = opened.bundle.proof;
  const { signal, contained, last, flow } = story;
  const isDecided = opened.leaves.some(
    ({ index, leaf }) => index === signal.index && leaf?.type.startsWith('decision_') === true,
  );
  let earlier = 0;
  const stretch = opened.leaves.filter(({ index }) => index >= signal.index && index <= last.index);
  if (dense) {
    const gap = stretch.findIndex(({ index }, at) => index !== signal.index + at);
    if (gap !== -1) refuse(signal.index + gap, `leaf ${signal.index + gap} is missing`);
  }
  const endMs = restartOf(story)?.timeMs ?? Number.POSITIVE_INFINITY;
  for (const { index, leaf, payload, state } of stretch) {
    if (leaf === null) return refuse(index, `leaf ${index} is no leaf`);
    const member = Object.hasOwn(SPENDING, leaf.type) ? SPENDING[leaf.type] : undefined;
    if (member === undefined || leaf.time >= endMs) continue;
    // Leaves of one lane keep their order: a decision that lies behind the one that showed the drift came after it.
    const isBehind = index > contained.index && leaf.type.startsWith('decision_') && isDecided;
    if (leaf.time <= signal.timeMs && !isBehind) {
      if (index > contained.index && payload?.[member] === flow) earlier += 1;
      continue;
    }
    if (payload === null) refuse(index, `leaf ${index} may be spending: it is ${state}`);
    if (payload?.[member] === flow) refuse(index, `leaf ${index} is spending of the contained flow`);
  }
  const decided = countDecisions(opened, story);
  const told = earlier === 0 ? '' : `; ${earlier} lie behind it and state a time before it`;
  const shown = dense ? `all ${stretch.length} leaves` : `${stretch.length} leaves about it`;
  return `no artifact and no capture in ${shown} from ${signal.index} to ${last.index}; ${decided} decisions of the flow are numbered there${told}`;
}

/**
 * Every decision on a flow takes one of its numbers, as every step does. So the steps' own numbers say how many decisions
 * lie between them, and where all leaves are here, as many are found: none was left out.
 *
 * @returns how many the numbers leave room for
 */
function countDecisions(opened: OpenedIncident, { transitions, signal, flow }: Story): number {
  const [first, end] = [transitions[0], transitions.at(-1)];
  if (first === undefined || end === undefined) return 0;
  const numbered = numberOf(end.payload['sequence']) - numberOf(first.payload['sequence']) - (transitions.length - 1);
  const times = opened.leaves.flatMap(({ leaf, payload }) => {
    const isOwn = leaf?.type.startsWith('decision_') === true && payload?.['mandate'] === flow;
    return isOwn && leaf.time >= signal.timeMs && leaf.time <= end.timeMs ? [leaf.time] : [];
  });
  // In the milliseconds of the first and the last step itself a decision may lie on either side.
  const inside = times.filter((time) => time > signal.timeMs && time < end.timeMs).length;
  const isShort = opened.bundle.proof.dense && numbered > times.length;
  if (isShort || !(numbered >= inside))
    refuse(end.index, `the flow's numbers have room for ${numbered} decisions, not ${inside}`);
  return numbered;
}

function restartOf({ transitions }: Story): Told | undefined {
  return transitions.find(({ payload }) => payload['event'] === 'flow_revalidated');
}

/**
 * Every act is what its person signed, with a key the log had recorded before; and every act that takes two has two:
 * other names, other keys, the second signature over the hash of what the first one asked.
 *
 * @throws {BundleFault}
 */
export async function checkPeople(opened: OpenedIncident): Promise<string> {
  const story = readStory(opened);
  const acts = await readActs(opened, story);
  for (const told of [...story.changes, ...(story.closed === null ? [] : [story.closed])]) checkBy(opened, told, acts);
  const named = [...acts.values()];
  const pairs = named.flatMap(({ requester, person }) =>
    requester === null ? [] : [`${requester.person} and ${person}`],
  );
  const all = new Set(named.map(({ person }) => person));
  return `${named.length} signed acts of ${[...all].join(', ') || 'nobody'}; two people: ${[...new Set(pairs)].join('; ') || 'nothing yet that takes two'}`;
}

/** A change names the people whose act it came of. */
function checkBy(opened: OpenedIncident, told: Told, acts: ReadonlyMap<string, SignedAct>): void {
  if (told.payload['change'] === undefined) return;
  const act = acts.get(onlyCause(opened, told).hash) ?? refuse(told.index, `leaf ${told.index} comes of no act`);
  const by = [act.requester?.person ?? act.person, ...(act.requester === null ? [] : [act.person])];
  if (canonicalize(told.payload['by'] ?? null) !== canonicalize(by))
    refuse(told.index, `leaf ${told.index} names other people`);
}

/**
 * A flow goes on only when every cause was cleared after it was found: by an act that names it, with the hash of a
 * document where its kind asks for one. A cause of an incident that is open or ended in revocation may stand.
 *
 * @throws {BundleFault}
 */
export async function checkClearing(opened: OpenedIncident): Promise<string> {
  const story = readStory(opened);
  const acts = await readActs(opened, story);
  const found = new Map(story.signals.map((each) => [kindOf(each), each]));
  const cleared: string[] = [];
  for (const [kind, signal] of found) {
    const change = story.changes.findLast(({ payload, index }) => {
      return payload['change'] === 'cause_cleared' && listOf(payload['causes']).includes(kind) && index > signal.index;
    });
    if (change === undefined) {
      if (story.closed?.payload['change'] === 'revalidated')
        refuse(signal.index, `the cause ${kind} was never cleared`);
      continue;
    }
    const act = acts.get(onlyCause(opened, change).hash) ?? refuse(change.index, 'cleared by no act');
    if (act.claims.action !== 'clear_cause' || !act.claims.causes.includes(kind))
      refuse(change.index, `the act does not clear ${kind}`);
    const evidence = isCauseKind(kind) ? CLEARING[kind].evidence : 'word';
    const { change_hash } = act.claims;
    if (evidence === 'document' && change_hash === null) refuse(change.index, `${kind} was cleared without a document`);
    cleared.push(`${kind} by ${act.person} on ${change_hash === null ? evidence : `document ${change_hash}`}`);
  }
  return cleared.length === 0 ? 'nothing was cleared' : cleared.join('; ');
}

/**
 * How it ended. Revalidated: two people signed the hash of the very baseline the flow then got, with the next epoch.
 * Revoked: for good. Or it stands open.
 *
 * @throws {BundleFault}
 */
export async function checkClosing(opened: OpenedIncident): Promise<string> {
  const story = readStory(opened);
  const { closed, transitions, baselines } = story;
  const revoked = transitions.find(({ payload }) => payload['to'] === 'revoked');
  const restart = restartOf(story);
  if (closed === null) {
    if (restart !== undefined) refuse(restart.index, 'the flow goes on, and nobody closed the incident');
    const state = textOf(transitions.at(-1)?.payload['to']);
    return revoked === undefined
      ? `still open: the flow is ${state}`
      : `revoked with its mandate, leaf ${revoked.index}`;
  }
  const act = (await readActs(opened, story)).get(onlyCause(opened, closed).hash);
  if (act?.requester == null) return refuse(closed.index, 'the incident was not closed by two people');
  if (closed.payload['change'] === 'revoked') {
    if (act.claims.action !== 'revoke_flow' || revoked === undefined) refuse(closed.index, 'the flow was not revoked');
    return `revoked for good by ${act.requester.person} and ${act.person}`;
  }
  if (act.claims.action !== 'revalidate' || restart === undefined)
    return refuse(closed.index, 'the flow was not revalidated');
  if (!restart.causes.includes(closed.hash)) refuse(restart.index, 'the flow goes on by another act');
  const [baseline] = baselines.filter(({ index }) => index > restart.index);
  if (baseline === undefined)
    return `revalidated by ${act.requester.person} and ${act.person}; phase 9 is not reached yet`;
  const epoch = opened.bundle.proof.epoch + 1;
  if (baseline.payload['epoch'] !== epoch) refuse(baseline.index, `the new baseline is not of epoch ${epoch}`);
  const members = Object.entries(memberOf(baseline.payload, 'baseline')).filter(([name]) => name !== 'domain_epoch');
  if (sha256Text(canonicalize(Object.fromEntries(members))) !== act.requester.claims.change_hash)
    refuse(baseline.index, 'the new baseline is not the one two people signed');
  return `revalidated by ${act.requester.person} and ${act.person}; the baseline they signed is that of epoch ${epoch}`;
}

/** Keys as of then: each person's, and each key listed, is what its leaf recorded. @throws {BundleFault} */
export async function checkIncidentKeys(opened: OpenedIncident): Promise<string> {
  const story = readStory(opened);
  for (const { kid, index } of (await readActs(opened, story)).values()) checkSigner(opened, kid, index);
  const shownBy = onlyCause(opened, story.signal);
  const { shown_by } = opened.bundle.proof;
  const kid = shownBy.payload[shown_by !== null && 'settlement_id' in shown_by ? 'presenter_kid' : 'agent_kid'];
  if (shown_by !== null) checkSigner(opened, textOf(kid), shownBy.index);
  for (const key of opened.bundle.keys) checkRecord(opened, key, null);
  const { lineage, keys } = opened.bundle;
  const redacted = opened.leaves.filter(({ state }) => state === 'redacted').length;
  if (redacted !== lineage.redacted) refuse(null, `${redacted} leaves are redacted, not ${lineage.redacted}`);
  return `${keys.length} keys, each as a leaf recorded it`;
}

/** What the bundle of an incident does not show, in words. */
export function limitsOfIncident(opened: OpenedIncident): string[] {
  const limits = [
    'that the domain looked at what it says it looked at: a fact that cleared a cause is its word, unless a document is named',
  ];
  if (!opened.bundle.proof.dense) {
    limits.push(
      'that no artifact or capture of the flow lies among the leaves that are not here: read all of them with `spendgate verify log`, or export the time in ranges',
    );
  }
  return limits;
}
