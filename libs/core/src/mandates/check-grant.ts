import type { DenialCode } from '../denials.js';
import { type FlowState, LIFECYCLE } from '../lifecycle.js';
import { LIMITS } from '../limits.js';
import { type CurrencyTable, formatMoney, parseMoney, ZERO } from '../money.js';
import { ISO_4217 } from '../currencies.js';
import { checkNarrowing } from './check-scope.js';
import type { Mandate } from './types.js';

/** Who signed a version of a mandate: the principal whose money it is, or the agent of the mandate above. */
export interface Grantor {
  readonly kind: 'principal' | 'agent';
  readonly id: string;
}

/** A mandate as recorded, with who signed the version in force. */
export interface GrantedMandate {
  readonly mandate: Mandate;
  readonly grantor: Grantor;
}

/** A level above the mandate that is being signed, with how its flow stands. */
export interface LevelAbove {
  readonly mandate: Mandate;
  readonly flow: FlowState | 'unknown';
}

/** What is known when a signed version is handed in; read under the control lock, so none of it can move. */
export interface GrantFacts {
  /** The signed version, placed in its tree. */
  readonly proposed: Mandate;
  /** The version in force; `null`: the mandate is new. */
  readonly standing: GrantedMandate | null;
  /** Root first, down to the parent; empty at a root. */
  readonly above: readonly LevelAbove[];
  /** Live sub-mandates agents signed: from the parent, and by this agent anywhere. */
  readonly delegated: { readonly ofParent: number; readonly byAgent: number };
  /** Database clock after the lock, Unix ms. */
  readonly atMs: number;
}

export interface GrantRefusal {
  readonly code: DenialCode;
  /** The member of the mandate, or the dimension, that stands in the way. */
  readonly field: string;
}

type GrantRule = (grantor: Grantor, facts: GrantFacts) => string | null;

/**
 * What one signature may do without a second person (decision record 0008). Whose it is comes first, so that nobody
 * learns of another's mandates; the rest is in order of precedence. That the version is
 * within its parent, and the next one, is asked apart (`checkScope`); here it is who may sign for what:
 *
 * - A principal, within its own tree: a sub-mandate, a version of one, a root made narrower. A new root or a wider one
 *   is new authority and takes a change request of two people.
 * - An agent, only directly below a mandate that is its own and lets it: a sub-mandate for another agent, and new
 *   versions of what it signed itself. Never its own mandate, an ancestor, a sibling, or what its principal signed.
 */
const RULES: readonly (readonly [DenialCode, GrantRule])[] = [
  ['mandate_unknown', isSomebodyElses],
  ['mandate_expired', (_, { above, atMs }) => (above.every(({ mandate }) => lives(mandate, atMs)) ? null : 'parent')],
  ['mandate_revoked', (_, { above }) => (above.every(({ mandate }) => mandate.revokedAtMs === null) ? null : 'parent')],
  ['trust_unverifiable', (_, { above }) => (above.every(({ flow }) => flow !== 'unknown') ? null : 'parent')],
  ['flow_revoked', (_, { above }) => (above.some(({ flow }) => isOver(flow)) ? 'parent' : null)],
  ['flow_contained', isBesideContainment],
  ['scope_mismatch', isNotForAnother],
  ['scope_escalation', isMoreThanGranted],
];

/** @returns the first rule that a signed version breaks, or `null` when this signature suffices */
export function checkGrant(grantor: Grantor, facts: GrantFacts): GrantRefusal | null {
  for (const [code, rule] of RULES) {
    const field = rule(grantor, facts);
    if (field !== null) return { code, field };
  }
  return null;
}

/**
 * A mandate of another principal, or one not directly below a mandate of the agent's own, is as good as none.
 *
 * @param above root first, down to the parent
 * @returns the member that names what is not the signer's, or `null`
 */
export function findForeign(
  { kind, id }: Grantor,
  principal: string,
  above: readonly Pick<Mandate, 'agent' | 'principal'>[],
): 'principal' | 'parent' | null {
  if (kind === 'agent') return above.at(-1)?.agent === id ? null : 'parent';
  if (principal !== id) return 'principal';
  return above.every((mandate) => mandate.principal === id) ? null : 'parent';
}

function isSomebodyElses(grantor: Grantor, { proposed, above }: GrantFacts): string | null {
  const mandates = above.map(({ mandate }) => mandate);
  return findForeign(grantor, proposed.principal, mandates);
}

/** Validity may begin later: a sub-mandate cannot begin before its parent. */
function lives(mandate: Mandate, atMs: number): boolean {
  return atMs < mandate.validUntilMs;
}

function isOver(flow: LevelAbove['flow']): boolean {
  return flow === 'revoked' || flow === 'archived';
}

/** A new flow beside a contained one would be a way out of quarantine; only a principal may still narrow there. */
function isBesideContainment({ kind }: Grantor, { standing, above }: GrantFacts): string | null {
  if (kind === 'principal' && standing !== null) return null;
  const contained = above.some(({ flow }) => flow !== 'unknown' && LIFECYCLE[flow].phase > 4);
  return contained ? 'parent' : null;
}

/** An agent carves for one that is not in the chain already, and goes on with nothing but its own signature. */
function isNotForAnother({ kind, id }: Grantor, { proposed, standing, above }: GrantFacts): string | null {
  if (kind === 'principal') return null;
  const { agent } = proposed;
  if (agent === null || above.some(({ mandate }) => mandate.agent === agent)) return 'agent';
  if (standing === null) return null;
  if (standing.grantor.kind !== 'agent' || standing.grantor.id !== id) return 'iss';
  return standing.mandate.agent === agent ? null : 'agent';
}

function isMoreThanGranted({ kind }: Grantor, facts: GrantFacts): string | null {
  const { proposed, standing, above, delegated } = facts;
  if (kind === 'principal') {
    if (above.length > 0) return null;
    return standing === null ? 'parent' : checkNarrowing(proposed, standing.mandate).dimension;
  }
  // The right to delegate is the minimum over the levels, like every other bound: taken away above, it is gone below.
  const isGranted = above.every(({ mandate }) => mandate.delegationLevels >= proposed.depth - mandate.depth);
  if (!isGranted) return 'delegation';
  // How an agent's flows are watched is not an agent's to say; what its parent declares it may repeat, and nothing else.
  if (proposed.spending !== null && above.at(-1)?.mandate.spending === null) return 'spending';
  if (standing !== null) return null;
  if (delegated.ofParent >= LIMITS.delegatedPerMandateMax) return 'delegation.of_parent';
  return delegated.byAgent >= LIMITS.delegatedPerAgentMax ? 'delegation.by_agent' : null;
}

/** An amount a mandate states, with the member it stands in. */
export interface StatedAmount {
  readonly field: string;
  /** `null`: not stated. */
  readonly value: string | null;
  /** Whether zero means something: approval of every spend. */
  readonly zero?: boolean;
}

/** The amounts of a mandate are its signer's text: each is spelled as its currency is, and positive. */
export function checkStatedAmounts(
  currency: string,
  amounts: readonly StatedAmount[],
  table: CurrencyTable = ISO_4217,
): GrantRefusal | null {
  if (!table.has(currency)) return { code: 'currency_unsupported', field: 'limits.currency' };
  for (const { field, value, zero = false } of amounts) {
    if (value === null || (zero && value === formatMoney(ZERO, currency, table))) continue;
    const parsed = parseMoney(value, currency, table);
    if (typeof parsed === 'string') return { code: parsed, field };
  }
  return null;
}
