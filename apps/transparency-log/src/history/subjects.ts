import { type LeafType, hashJsonText } from '@spendgate/codec';

/** What a person can ask the past of. A halt's id is `scope:id`, such as `agent:buyer`. */
export const HISTORY_KINDS = [
  ...(['mandate', 'flow', 'policy', 'key', 'incident', 'halt', 'artifact'] as const),
  ...(['principal', 'agent', 'settlement_service', 'attester', 'person', 'rail', 'counterparty'] as const),
];
export type HistoryKind = (typeof HISTORY_KINDS)[number];

/** What the leaves say of one thing, the last word of each member. */
export type SubjectState = Readonly<Record<string, unknown>>;

/** One leaf's word on one thing. */
export interface SubjectChange {
  readonly kind: HistoryKind;
  readonly id: string;
  readonly change: SubjectState;
}

type Said = Readonly<Record<string, unknown>>;
type Reader = (said: Said, before: (kind: HistoryKind, id: string) => SubjectState) => SubjectChange | null;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const memberOf = (value: unknown): Said => (typeof value === 'object' && value !== null ? { ...value } : {});
const to = (kind: HistoryKind, id: unknown, change: SubjectState): SubjectChange => ({ kind, id: text(id), change });

const KEY_STATES: Readonly<Record<string, string>> = {
  key_added: 'active',
  domain_key_added: 'active',
  key_retired: 'retired',
  domain_key_retired: 'retired',
  key_removed: 'removed',
};

const readKey: Reader = ({ act, kid, kind, purpose, party }) => {
  const state = KEY_STATES[text(act)];
  return state === undefined ? null : to('key', kid, { state, purpose: purpose ?? kind, party: party ?? null });
};

const readMandate: Reader = ({ mandate, hash, parent_hash }) => {
  const { id, version, agent, principal } = memberOf(mandate);
  return to('mandate', id, { version, hash, parent_hash, agent, principal, revoked: false });
};

const readTransition: Reader = ({ flow, epoch, sequence, event, to: state }, before) => {
  const limbs = event === 'flow_revalidated' ? {} : (before('flow', text(flow))['limbs'] ?? {});
  return to('flow', flow, { state, epoch, sequence, limbs });
};

const readVerdict: Reader = ({ flow, limb, verdict }, before) => {
  const limbs = memberOf(before('flow', text(flow))['limbs']);
  return to('flow', flow, { limbs: { ...limbs, [text(limb)]: verdict } });
};

/** Halts, revoked parties, and what was registered: acts wider than one flow. */
const readAct: Reader = ({ act, scope, id, kind, state }) => {
  const name = text(act);
  if (name.startsWith('counterparty_')) return to('counterparty', id, { state });
  const party = HISTORY_KINDS.find((each) => each === kind);
  if (name.startsWith('party_') && party !== undefined) return to(party, id, { state });
  const halted = name === 'halt_set' ? 'halted' : name === 'halt_released' ? 'released' : 'revoked';
  return scope === undefined ? null : to('halt', `${text(scope)}:${text(id)}`, { state: halted });
};

const incidentIs =
  (state: (said: Said) => unknown): Reader =>
  (said) =>
    to('incident', said['incident'], { flow: said['flow'], epoch: said['epoch'], state: state(said) });
const artifactIs =
  (state: string): Reader =>
  ({ artifact }) =>
    to('artifact', artifact, { state });

const READERS: Readonly<Partial<Record<LeafType, Reader>>> = {
  key_changed: readKey,
  policy_activated: ({ policy, version, set_hash }) => to('policy', policy, { version, set_hash }),
  mandate_registered: readMandate,
  mandate_revoked: ({ mandate }) => to('mandate', mandate, { revoked: true }),
  flow_transition: readTransition,
  flow_baseline_set: ({ flow, epoch, baseline }) =>
    to('flow', flow, { epoch, baseline_hash: hashJsonText(baseline ?? null) }),
  verification_changed: readVerdict,
  incident_opened: incidentIs(() => 'open'),
  incident_changed: incidentIs(() => 'open'),
  incident_closed: incidentIs(({ change }) => change),
  control_act: readAct,
  artifact_suspended: artifactIs('suspended'),
  artifact_reinstated: artifactIs('valid'),
  artifact_revoked: artifactIs('revoked'),
};

/** Types of leaves that say something of a subject. */
export const SUBJECT_LEAVES = Object.keys(READERS) as LeafType[]; // as: the keys of our own table

/**
 * Reads what a leaf's payload says.
 *
 * @param before the state of a subject by the leaves before
 * @returns `null` for an act about something no history is kept of, such as a lane
 */
export function subjectChange(
  type: string,
  said: Said,
  before: (kind: HistoryKind, id: string) => SubjectState,
): SubjectChange | null {
  const isKnown = SUBJECT_LEAVES.find((each) => each === type);
  const read = isKnown === undefined ? undefined : READERS[isKnown];
  const found = read?.(said, before) ?? null;
  return found === null || found.id === '' ? null : found;
}
