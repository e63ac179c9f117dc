import { HALT_SCOPES, WIDE_SCOPES } from './halt-scopes.js';

/** People an act takes: one who is an operator; for two also another one, an approver, with another key. */
type People = 1 | 2;
type Targets = Readonly<Record<string, People>>;

const all = (kinds: readonly string[], people: People): Targets =>
  Object.fromEntries(kinds.map((kind) => [kind, people]));

const ofIncident = (people: People): Targets => ({ incident: people });

/**
 * What people may do when something must stop, or may go on: by kind of target, how many of them it takes. Stopping
 * never waits for a second person; letting go on, and ending for good, always does. A revocation that takes two halts
 * with the first signature. A kind that is missing cannot be named.
 */
export const OPS_ACTIONS = {
  halt: all(HALT_SCOPES, 1),
  release: { ...all(WIDE_SCOPES, 2), artifact: 2 },
  revoke: { artifact: 1, mandate: 2, agent: 2, counterparty: 2, principal: 2 },
  assign: ofIncident(1),
  note: ofIncident(1),
  evidence: ofIncident(1),
  escalate: ofIncident(1),
  clear_cause: ofIncident(1),
  recover: ofIncident(1),
  revalidate: ofIncident(2),
  revoke_flow: ofIncident(2),
  close_case: { case: 1 },
  // What a flow is measured against: the target names the flow and the time it is learned from.
  learn_profile: { profile: 2 },
  accept_log: { domain: 2 },
} as const satisfies Readonly<Record<string, Targets>>;
export type OpsAction = keyof typeof OPS_ACTIONS;

export function isOpsAction(value: string): value is OpsAction {
  return Object.hasOwn(OPS_ACTIONS, value);
}

/** @returns `null`: the action cannot be done to such targets, or they are of several kinds */
export function peopleFor(action: OpsAction, kinds: readonly string[]): People | null {
  const [kind, ...others] = [...new Set(kinds)];
  if (kind === undefined || others.length > 0) return null;
  const targets: Targets = OPS_ACTIONS[action];
  return Object.hasOwn(targets, kind) ? (targets[kind] ?? null) : null;
}
