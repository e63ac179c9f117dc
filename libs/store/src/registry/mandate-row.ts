import { type CountedLimitClaim, type MandateClaim, declaredOf, mandateSchema, sha256Text } from '@spendgate/codec';
import { type CountedTerms, type Grantor, type Mandate, decimal } from '@spendgate/core';

/** A mandate as stored: the signed claims are the truth, the other columns place it in its tree. */
export interface MandateRow {
  mandate_id: string;
  parent_hash: string | null;
  root_id: string;
  path: string[];
  depth: number;
  claims: string;
  mandate_hash: string;
  superseded_hashes: string[];
  leaf_hash: Buffer | null;
  grantor_kind: Grantor['kind'];
  grantor_id: string;
  revoked_at: Date | null;
}

/** The columns of {@link MandateRow}, for a table or alias `m`. */
export const MANDATE_COLUMNS = `m.mandate_id, m.parent_hash, m.root_id, m.path::text[] AS path, m.depth::int AS depth,
  m.claims, m.mandate_hash, m.superseded_hashes, m.leaf_hash,
  m.grantor_kind, m.grantor_id, m.revoked_at`;

/** A mandate with the leaf it was registered under: the cause of every decision made on it. */
export interface RegisteredMandate extends Mandate {
  readonly leafHash: Buffer | null;
  /** Who signed the version in force. */
  readonly grantor: Grantor;
}

/** Where a mandate stands in its tree. */
export type MandatePlace = Pick<Mandate, 'root' | 'path' | 'depth' | 'parentHash' | 'supersededHashes' | 'revokedAtMs'>;

/**
 * Reads a stored mandate. Claims that are not the ones whose hash was recorded, or not of their schema, were edited
 * behind our back: `'unknown'`, which denies.
 */
export function toMandate(row: MandateRow): RegisteredMandate | 'unknown' {
  if (sha256Text(row.claims) !== row.mandate_hash) return 'unknown';
  const mandate = mandateOf(row.claims, row.mandate_hash, {
    root: row.root_id,
    path: row.path,
    depth: row.depth,
    parentHash: row.parent_hash,
    supersededHashes: row.superseded_hashes,
    revokedAtMs: row.revoked_at === null ? null : row.revoked_at.getTime(),
  });
  return mandate === 'unknown'
    ? mandate
    : { ...mandate, leafHash: row.leaf_hash, grantor: { kind: row.grantor_kind, id: row.grantor_id } };
}

/**
 * The mandate that canonical claims grant; `'unknown'` when they are not of their schema, or an amount is none.
 *
 * @param claims RFC 8785 form of the `mandate` claim @param hash of these claims
 */
export function mandateOf(claims: string, hash: string, place: MandatePlace): Mandate | 'unknown' {
  const parsed = mandateSchema.safeParse(JSON.parse(claims));
  if (!parsed.success) return 'unknown';
  const claim = parsed.data;
  const { environment, limits } = claim;
  if (!amountsOf(claim).every((amount) => AMOUNT.test(amount))) return 'unknown';
  return {
    id: claim.id,
    version: claim.version,
    parent: claim.parent,
    agent: claim.agent,
    principal: claim.principal,
    currency: limits.currency,
    totalLimit: decimal(limits.total),
    perTransactionLimit: limits.per_transaction === null ? null : decimal(limits.per_transaction),
    counterparties: claim.counterparties,
    blockedCounterparties: claim.blocked_counterparties ?? [],
    categories: claim.categories ?? null,
    blockedCategories: claim.blocked_categories ?? [],
    countedLimits: (limits.counted ?? []).map(termsOf),
    validFromMs: claim.validity.from * 1_000,
    validUntilMs: claim.validity.until * 1_000,
    policyId: claim.policy.id,
    environment:
      environment === null
        ? null
        : { maxAgeSeconds: environment.max_age_seconds, measurements: environment.measurements },
    approvals: approvalsOf(claim),
    spending: declaredOf(claim),
    delegationLevels: claim.delegation?.levels ?? 0,
    parkSeconds: claim.park_seconds,
    hash,
    ...place,
  };
}

/** What numeric(38,18) holds. Whether the digits are the currency's is asked of each intent. */
const AMOUNT = /^[0-9]{1,20}(\.[0-9]{1,18})?$/;

function amountsOf({ limits, approvals }: MandateClaim): string[] {
  const counted = (limits.counted ?? []).map(({ amount }) => amount);
  return [
    limits.total,
    limits.per_transaction,
    approvals?.above ?? null,
    approvals?.two_above ?? null,
    ...counted,
  ].filter((each) => each !== null);
}

function approvalsOf({ approvals }: MandateClaim): Mandate['approvals'] {
  if (approvals === null) return null;
  const { above, two_above: twoAbove } = approvals;
  return { above: decimal(above), twoAbove: twoAbove === undefined ? null : decimal(twoAbove) };
}

function termsOf({ amount, ...terms }: CountedLimitClaim): CountedTerms {
  return { ...terms, amount: amount === null ? null : decimal(amount) };
}
