import { type IncidentBundle, canonicalize, sha256, uuid8 } from '@spendgate/codec';
import { refuse } from './bundle-report.js';
import { type OpenedBundle, type OpenedLeaf, type Payload, listOf, memberOf, textOf } from './opened-bundle.js';

export type OpenedIncident = OpenedBundle<IncidentBundle>;

/** A leaf about the incident or its flow, with what it says. */
export interface Told extends OpenedLeaf {
  readonly type: string;
  /** Unix ms, as the leaf states it. */
  readonly timeMs: number;
  readonly causes: readonly string[];
  readonly payload: Payload;
}

/** What the leaves of a bundle tell of one incident, each list in the order of the log. */
export interface Story {
  readonly flow: string;
  /** The leaf that opened it, and the three steps that led to it. */
  readonly opened: Told;
  readonly contained: Told;
  readonly drifted: Told;
  readonly signal: Told;
  /** Every drift found on the flow in this epoch. */
  readonly signals: readonly Told[];
  /** Of the flow, from the drift on. */
  readonly transitions: readonly Told[];
  readonly changes: readonly Told[];
  readonly closed: Told | null;
  /** New baselines of the flow. */
  readonly baselines: readonly Told[];
  /** Signed acts of people on the incident, and those its leaves come of, by leaf hash. */
  readonly acts: ReadonlyMap<string, Told>;
  /** The last leaf about it. */
  readonly last: Told;
}

/**
 * Reads what the leaves tell. An incident is named by its flow and epoch, so no other's leaf can stand for its own.
 *
 * @throws {BundleFault}
 */
export function readStory(opened: OpenedIncident): Story {
  const { flow, epoch } = opened.bundle.proof;
  const { id } = opened.bundle.subject;
  if (uuid8(sha256(canonicalize(['incident', flow, epoch]))) !== id)
    refuse(null, 'an incident of another flow or epoch');
  const told = opened.leaves.flatMap((each) => toldOf(each) ?? []);
  const of = (type: string, test: (said: Payload) => boolean): Told[] =>
    told.filter((each) => each.type === type && test(each.payload));
  const isFlows = (said: Payload): boolean => said['flow'] === flow;
  const isOurs = (said: Payload): boolean => said['incident'] === id && isFlows(said) && said['epoch'] === epoch;
  const openings = of('incident_opened', isOurs);
  const [first] = openings;
  if (first === undefined) return refuse(null, 'no leaf opens the incident');
  if (openings[1] !== undefined) refuse(openings[1].index, 'the incident is opened twice');
  const contained = onlyCause(opened, first, 'flow_transition');
  const drifted = onlyCause(opened, contained, 'flow_transition');
  const signal = onlyCause(opened, drifted, 'verification_changed');
  const [closed = null, again] = of('incident_closed', isOurs);
  if (again !== undefined) refuse(again.index, 'the incident is closed twice');
  const transitions = of('flow_transition', isFlows).filter(({ index }) => index >= drifted.index);
  const changes = of('incident_changed', isOurs);
  const baselines = of('flow_baseline_set', isFlows).filter(({ index }) => index > first.index);
  const signals = of('verification_changed', (said) => isFlows(said) && said['verdict'] === 'broken').filter(
    ({ index, payload }) => index >= signal.index && payload['epoch'] === epoch,
  );
  const effects = [...signals, ...transitions, ...changes, ...(closed === null ? [] : [closed])];
  const led = new Set(effects.flatMap(({ causes }) => causes));
  const isOn = ({ payload, hash }: Told): boolean =>
    led.has(hash) || listOf(payload['targets']).some((target) => memberOf({ target }, 'target')['id'] === id);
  const acts = new Map(of('ops_action', () => true).flatMap((each) => (isOn(each) ? [[each.hash, each]] : [])));
  const all = [first, ...transitions, ...changes, ...baselines, ...(closed === null ? [] : [closed])];
  const last = all.reduce((latest, each) => (each.index > latest.index ? each : latest), first);
  return {
    flow,
    opened: first,
    contained,
    drifted,
    signal,
    signals,
    transitions,
    changes,
    closed,
    baselines,
    acts,
    last,
  };
}

function toldOf(each: OpenedLeaf): Told | null {
  const { leaf, payload } = each;
  if (leaf === null || payload === null) return null;
  return { ...each, type: leaf.type, timeMs: leaf.time, causes: leaf.causes, payload };
}

/** The one leaf that led to another; it lies before it. @throws {BundleFault} */
export function onlyCause(opened: OpenedIncident, effect: Told, type?: string): Told {
  const [hash, more] = effect.causes;
  if (hash === undefined || more !== undefined) return refuse(effect.index, `leaf ${effect.index} names no one cause`);
  const leaf =
    opened.byHash.get(hash) ?? refuse(effect.index, `the cause of leaf ${effect.index} is not in the bundle`);
  if (leaf.index >= effect.index) refuse(effect.index, `leaf ${effect.index} stands before its cause`);
  const told = toldOf(leaf) ?? refuse(leaf.index, `leaf ${leaf.index} is ${leaf.state}`);
  if (type !== undefined && told.type !== type) refuse(effect.index, `leaf ${effect.index} comes of a ${told.type}`);
  return told;
}

/** The kind a signal names, as causes of an incident are called. */
export function kindOf({ payload }: Told): string {
  return textOf(payload['limb']);
}
