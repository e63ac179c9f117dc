import type { Json } from '../admission/types.js';
import { freezeOnce } from '../freeze-once.js';
import * as read from '../frozen.js';
import { admitsCounterparty } from './check-chain.js';
import type { Budget, CountedLimit, EnvironmentRequirement, Mandate, Payee, WindowBounds } from './types.js';

/**
 * A level of a chain by value, as far as a decision about one counterparty depends on it: of the lists of counterparties
 * and categories whether they admit this one, of the earlier hashes the one that is asked for. The path is stored once,
 * for the chain; counted limits are stored beside it, as far as they bear on the spend.
 *
 * @param linkedHash the hash by which the child below, or the artifact, names this mandate; `null`: none asks
 */
export function freezeGrant(mandate: Mandate, payee: Payee, linkedHash: string | null): read.JsonObject {
  const grant = admitsCounterparty(mandate, payee) ? freezeAdmitting(mandate) : freezeRefusing(mandate);
  const isEarlier = linkedHash !== null && mandate.supersededHashes.includes(linkedHash);
  return isEarlier ? { ...grant, superseded_hash: linkedHash } : grant;
}

const freezeAdmitting = freezeOnce((mandate: Mandate) => ({ admits: true, mandate: freezeMandate(mandate) }));
const freezeRefusing = freezeOnce((mandate: Mandate) => ({ admits: false, mandate: freezeMandate(mandate) }));

function freezeMandate(mandate: Mandate): read.JsonObject {
  const { environment, approvals } = mandate;
  return withoutNulls({
    id: mandate.id,
    version: mandate.version,
    parent: mandate.parent,
    parent_hash: mandate.parentHash,
    root: mandate.root,
    depth: mandate.depth,
    agent: mandate.agent,
    principal: mandate.principal,
    currency: mandate.currency,
    total_limit: mandate.totalLimit.toFixed(),
    per_transaction_limit: mandate.perTransactionLimit?.toFixed() ?? null,
    valid_from_ms: mandate.validFromMs,
    valid_until_ms: mandate.validUntilMs,
    policy_id: mandate.policyId,
    environment: environment === null ? null : freezeRequirement(environment),
    approvals_above: approvals?.above.toFixed() ?? null,
    approvals_two_above: approvals?.twoAbove?.toFixed() ?? null,
    delegation_levels: mandate.delegationLevels === 0 ? null : mandate.delegationLevels,
    park_seconds: mandate.parkSeconds,
    revoked_at_ms: mandate.revokedAtMs,
    hash: mandate.hash,
  });
}

/** Most members are `null` in most mandates; every decision stores them, so an absent one means `null`. */
function withoutNulls(members: read.JsonObject): read.JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
}

/** @param path ids from the root down to this mandate */
export function thawGrant(grant: read.JsonObject, path: readonly string[]): Mandate {
  const frozen = read.object(grant.mandate, 'mandate');
  return {
    id: read.text(frozen.id, 'id'),
    version: read.number(frozen.version, 'version'),
    parent: read.optional(frozen.parent, (value) => read.text(value, 'parent')),
    parentHash: read.optional(frozen.parent_hash, (value) => read.text(value, 'parent_hash')),
    root: read.text(frozen.root, 'root'),
    path,
    depth: read.number(frozen.depth, 'depth'),
    agent: read.optional(frozen.agent, (value) => read.text(value, 'agent')),
    principal: read.text(frozen.principal, 'principal'),
    currency: read.text(frozen.currency, 'currency'),
    totalLimit: read.amount(frozen.total_limit, 'total_limit'),
    perTransactionLimit: read.optional(frozen.per_transaction_limit, (value) => read.amount(value, 'per_transaction')),
    counterparties: read.flag(grant.admits, 'admits') ? null : [],
    blockedCounterparties: [],
    categories: null,
    blockedCategories: [],
    countedLimits: [],
    validFromMs: read.number(frozen.valid_from_ms, 'valid_from_ms'),
    validUntilMs: read.number(frozen.valid_until_ms, 'valid_until_ms'),
    policyId: read.text(frozen.policy_id, 'policy_id'),
    environment: read.optional(frozen.environment, thawRequirement),
    approvals: read.optional(frozen.approvals_above, (value) => ({
      above: read.amount(value, 'approvals_above'),
      twoAbove: read.optional(frozen.approvals_two_above, (two) => read.amount(two, 'approvals_two_above')),
    })),
    spending: null, // of a decision, as the watch it was ranked by
    delegationLevels: read.optional(frozen.delegation_levels, (value) => read.number(value, 'delegation_levels')) ?? 0,
    parkSeconds: read.optional(frozen.park_seconds, (value) => read.number(value, 'park_seconds')),
    revokedAtMs: read.optional(frozen.revoked_at_ms, (value) => read.number(value, 'revoked_at_ms')),
    hash: read.text(frozen.hash, 'hash'),
    supersededHashes: grant.superseded_hash === undefined ? [] : [read.text(grant.superseded_hash, 'superseded_hash')],
  };
}

function freezeRequirement({ maxAgeSeconds, measurements }: EnvironmentRequirement): Json {
  return { max_age_seconds: maxAgeSeconds, measurements: [...measurements] };
}

function thawRequirement(value: Json): EnvironmentRequirement {
  const frozen = read.object(value, 'environment');
  const maxAgeSeconds = read.number(frozen.max_age_seconds, 'max_age_seconds');
  return { maxAgeSeconds, measurements: read.texts(frozen.measurements, 'measurements') };
}

export function thawBudget(frozen: read.JsonObject): Budget {
  return {
    held: read.amount(frozen.held, 'held'),
    capturing: read.amount(frozen.capturing, 'capturing'),
    captured: read.amount(frozen.captured, 'captured'),
    refunded: read.amount(frozen.refunded, 'refunded'),
  };
}

export function freezeCounted(entry: CountedLimit): Json {
  return {
    kind: entry.kind,
    limit: entry.limit.toFixed(),
    name: entry.name,
    of: entry.of,
    used: entry.used === 'unknown' ? null : entry.used.toFixed(),
    window: entry.window === null ? null : freezeBounds(entry.window),
  };
}

function freezeBounds({ fromMs, bucketMs, untilMs }: WindowBounds): Json {
  return { bucket_ms: bucketMs, from_ms: fromMs, until_ms: untilMs };
}

export function thawCounted(value: Json): CountedLimit {
  const frozen = read.object(value, 'counted');
  return {
    kind: read.word(frozen.kind, 'kind', ['window', 'counterparty']),
    name: read.text(frozen.name, 'name'),
    of: read.word(frozen.of, 'of', ['amount', 'count']),
    limit: read.amount(frozen.limit, 'limit'),
    used: read.optional(frozen.used, (entry) => read.amount(entry, 'used')) ?? 'unknown',
    window: read.optional(frozen.window, thawBounds),
  };
}

function thawBounds(value: Json): WindowBounds {
  const frozen = read.object(value, 'window');
  return {
    fromMs: read.number(frozen.from_ms, 'from_ms'),
    bucketMs: read.number(frozen.bucket_ms, 'bucket_ms'),
    untilMs: read.optional(frozen.until_ms, (entry) => read.number(entry, 'until_ms')),
  };
}
