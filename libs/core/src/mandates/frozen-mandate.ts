import type { Json } from '../admission/types.js';
import * as read from '../frozen.js';
import { admitsCounterparty } from './check-chain.js';
import type { Budget, CountedLimit, EnvironmentRequirement, Mandate } from './types.js';

/**
 * One mandate by value, as far as a decision about one counterparty and one chain depends on it: of the list of
 * counterparties whether it admits this one, of the earlier hashes the one the child below names. Members that are
 * `null` or empty are left out; the path is stored once, for the whole chain.
 */
export function freezeMandate(mandate: Mandate, counterparty: string, linkedHash: string | null): read.JsonObject {
  const linked = linkedHash !== null && mandate.supersededHashes.includes(linkedHash);
  return {
    id: mandate.id,
    version: mandate.version,
    ...(mandate.parent === null ? {} : { parent: mandate.parent }),
    ...(mandate.parentHash === null ? {} : { parent_hash: mandate.parentHash }),
    root: mandate.root,
    depth: mandate.depth,
    ...(mandate.agent === null ? {} : { agent: mandate.agent }),
    principal: mandate.principal,
    currency: mandate.currency,
    total_limit: mandate.totalLimit.toFixed(),
    ...(mandate.perTransactionLimit === null ? {} : { per_transaction_limit: mandate.perTransactionLimit.toFixed() }),
    counterparty_admitted: admitsCounterparty(mandate, counterparty),
    valid_from_ms: mandate.validFromMs,
    valid_until_ms: mandate.validUntilMs,
    policy_id: mandate.policyId,
    ...(mandate.environment === null ? {} : { environment: freezeRequirement(mandate.environment) }),
    ...(mandate.approvals === null ? {} : { approvals_above: mandate.approvals.above.toFixed() }),
    ...(mandate.parkSeconds === null ? {} : { park_seconds: mandate.parkSeconds }),
    ...(mandate.revokedAtMs === null ? {} : { revoked_at_ms: mandate.revokedAtMs }),
    hash: mandate.hash,
    ...(linked ? { superseded_hash: linkedHash } : {}),
  };
}

/** @param path ids from the root down to this mandate */
export function thawMandate(frozen: read.JsonObject, path: readonly string[]): Mandate {
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
    counterparties: read.flag(frozen.counterparty_admitted, 'counterparty_admitted') ? null : [],
    validFromMs: read.number(frozen.valid_from_ms, 'valid_from_ms'),
    validUntilMs: read.number(frozen.valid_until_ms, 'valid_until_ms'),
    policyId: read.text(frozen.policy_id, 'policy_id'),
    environment: read.optional(frozen.environment, thawRequirement),
    approvals: read.optional(frozen.approvals_above, (value) => ({ above: read.amount(value, 'approvals_above') })),
    parkSeconds: read.optional(frozen.park_seconds, (value) => read.number(value, 'park_seconds')),
    revokedAtMs: read.optional(frozen.revoked_at_ms, (value) => read.number(value, 'revoked_at_ms')),
    hash: read.text(frozen.hash, 'hash'),
    supersededHashes:
      frozen.superseded_hash === undefined ? [] : [read.text(frozen.superseded_hash, 'superseded_hash')],
  };
}

function freezeRequirement({ maxAgeSeconds, measurements }: EnvironmentRequirement): Json {
  return { max_age_seconds: maxAgeSeconds, measurements };
}

function thawRequirement(value: Json): EnvironmentRequirement {
  const frozen = read.object(value, 'environment');
  const maxAgeSeconds = read.number(frozen.max_age_seconds, 'max_age_seconds');
  return { maxAgeSeconds, measurements: read.texts(frozen.measurements, 'measurements') };
}

export function freezeBudget(budget: Budget): read.JsonObject {
  return {
    held: budget.held.toFixed(),
    capturing: budget.capturing.toFixed(),
    captured: budget.captured.toFixed(),
    refunded: budget.refunded.toFixed(),
  };
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
    name: entry.name,
    of: entry.of,
    counterparty: entry.counterparty,
    limit: entry.limit.toFixed(),
    used: entry.used === 'unknown' ? null : entry.used.toFixed(),
  };
}

export function thawCounted(value: Json): CountedLimit {
  const frozen = read.object(value, 'counted');
  return {
    kind: read.word(frozen.kind, 'kind', ['window', 'counterparty']),
    name: read.text(frozen.name, 'name'),
    of: read.word(frozen.of, 'of', ['amount', 'count']),
    counterparty: read.optional(frozen.counterparty, (entry) => read.text(entry, 'counterparty')),
    limit: read.amount(frozen.limit, 'limit'),
    used: read.optional(frozen.used, (entry) => read.amount(entry, 'used')) ?? 'unknown',
  };
}
