import { hashJsonText, canonicalize, type MandateClaim } from '@spendgate/codec';
import {
  type DenialCode,
  type Grantor,
  LIMITS,
  type Mandate,
  type StatedAmount,
  checkScope,
  checkStatedAmounts,
} from '@spendgate/core';
import { mandateOf } from '../registry/mandate-row.js';

/** A verified mandate: who signed it and that they may was established before; `token` is the evidence. */
export interface MandateDeclaration {
  readonly claim: MandateClaim;
  /** The signed `mandate+jwt`. */
  readonly token: string;
  /** Who signed it; absent: its principal. */
  readonly grantor?: Grantor;
}

/** A mandate to write, placed in its tree. */
export interface PlannedMandate {
  readonly mandate: Mandate;
  readonly claim: MandateClaim;
  readonly claims: string;
  readonly token: string;
  readonly grantor: Grantor;
  readonly isNew: boolean;
}

export interface RefusedMandate {
  readonly id: string;
  readonly code: DenialCode;
  /** What is wider than the parent, or which member is wrong. */
  readonly field: string;
}

export interface MandatePlan {
  /** Parents before children. */
  readonly planned: readonly PlannedMandate[];
  readonly unchanged: readonly string[];
  readonly refused: readonly RefusedMandate[];
}

/**
 * Decides which mandates are recorded: parents first, each within its parent, each version one after the last.
 *
 * @param known the recorded mandates among those declared and their parents
 */
export function planMandates(
  declared: readonly MandateDeclaration[],
  known: ReadonlyMap<string, Mandate | 'unknown'>,
): MandatePlan {
  const all = new Map(known);
  const planned: PlannedMandate[] = [];
  const unchanged: string[] = [];
  const refused: RefusedMandate[] = [];
  for (const each of [...declared].sort((a, b) => a.claim.depth - b.claim.depth)) {
    const hash = hashJsonText(each.claim);
    const before = all.get(each.claim.id);
    if (before !== undefined && before !== 'unknown' && before.hash === hash) unchanged.push(each.claim.id);
    else {
      const verdict = place(each, hash, before, all);
      if ('code' in verdict) refused.push(verdict);
      else {
        all.set(verdict.mandate.id, verdict.mandate);
        planned.push(verdict);
      }
    }
  }
  return { planned, unchanged, refused };
}

function place(
  { claim, token, grantor = { kind: 'principal', id: claim.principal } }: MandateDeclaration,
  hash: string,
  before: Mandate | 'unknown' | undefined,
  all: ReadonlyMap<string, Mandate | 'unknown'>,
): PlannedMandate | RefusedMandate {
  const refuse = (code: DenialCode, field: string): RefusedMandate => ({ id: claim.id, code, field });
  if (before === 'unknown') return refuse('trust_unverifiable', 'mandate');
  if (claim.version !== (before?.version ?? 0) + 1) return refuse('scope_mismatch', 'version');
  if (before !== undefined) {
    if (before.revokedAtMs !== null) return refuse('mandate_revoked', 'id');
    const fixed = (['parent', 'principal'] as const).find((member) => before[member] !== claim[member]);
    if (fixed !== undefined) return refuse('scope_mismatch', fixed);
    if (before.currency !== claim.limits.currency) return refuse('currency_mismatch', 'limits.currency');
  }
  const parent = claim.parent === null ? null : all.get(claim.parent);
  if (parent === undefined || parent === 'unknown') return refuse('mandate_unknown', 'parent');
  if (parent !== null && parent.revokedAtMs !== null) return refuse('mandate_revoked', 'parent');
  const depth = parent === null ? 0 : parent.depth + 1;
  if (depth !== claim.depth || depth >= LIMITS.mandateDepthMax) return refuse('scope_escalation', 'depth');
  const amounts = checkStatedAmounts(claim.limits.currency, amountsOf(claim));
  if (amounts !== null) return refuse(amounts.code, amounts.field);
  const claims = canonicalize(claim);
  const mandate = mandateOf(claims, hash, {
    root: parent?.root ?? claim.id,
    path: [...(parent?.path ?? []), claim.id],
    depth,
    parentHash: parent?.hash ?? null,
    supersededHashes: before === undefined ? [] : [...before.supersededHashes, before.hash],
    revokedAtMs: null,
  });
  if (mandate === 'unknown') return refuse('malformed', 'mandate');
  if (isTwoBeforeOne(mandate)) return refuse('malformed', 'approvals.two_above');
  const scope = parent === null ? null : checkScope(mandate, parent);
  if (scope !== null && scope.code !== null) return refuse(scope.code, scope.dimension ?? 'mandate');
  return { mandate, claim, claims, token, grantor, isNew: before === undefined };
}

/** Two people for an amount that needs none: whoever signed it meant something else. */
function isTwoBeforeOne({ approvals }: Mandate): boolean {
  return approvals?.twoAbove?.lt(approvals.above) === true;
}

function amountsOf({ limits, approvals }: MandateClaim): StatedAmount[] {
  return [
    { field: 'limits.total', value: limits.total },
    { field: 'limits.per_transaction', value: limits.per_transaction },
    { field: 'approvals.above', value: approvals?.above ?? null, zero: true },
    { field: 'approvals.two_above', value: approvals?.two_above ?? null, zero: true },
    ...(limits.counted ?? []).map(({ amount }, at) => ({ field: `limits.counted[${at}].amount`, value: amount })),
  ];
}
