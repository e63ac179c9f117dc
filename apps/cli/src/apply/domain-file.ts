import { CALENDAR_UNITS, DRIFT_EVENTS_PER_DAY_MAX, DRIFT_MODES, EACH_COUNTERPARTY } from '@spendgate/core';
import { MANDATE_DEPTH_MAX } from '@spendgate/codec';
import { z } from 'zod';

/** Party ids are short, lower case and safe in a path or a header. */
const id = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'lower case letters, digits, dot, dash; at most 64');
const named = z.strictObject({ id, name: z.string().min(1).max(140) });
const amount = z.string().max(64);
const time = z.iso.datetime({ offset: true });
const publicJwk = z.record(z.string(), z.unknown());
/** Where decisions and receipts are sent to a party without Kafka (Standard Webhooks). */
const webhook = z.strictObject({ url: z.string().max(2_048) });
/** A party may bring its public key; without one `apply` looks for `ID.jwk.json` in the key folder and makes it there. */
const keyed = named.extend({ key: publicJwk.optional() });

const category = z.string().regex(/^\d{4}$/, 'an ISO 18245 merchant category, four digits');
const counterparty = z.strictObject({
  id,
  legal_name: z.string().min(1).max(140),
  category,
  accounts: z.array(z.string().max(140)).max(16).default([]),
  settlement_services: z.array(id).min(1).max(16),
  /** `external`: moved by the settlement service; `simulated`: demo only; else the id of a declared rail. */
  rail: id.default('external'),
});

const policy = z.strictObject({
  id,
  /** Cedar text beside the domain file. */
  file: z.string(),
});

/** A limit per window, counterparty or category: at least one of them, and at least an amount or a count. */
const countedLimit = z.strictObject({
  /** By the calendar of a zone, or rolling: the last so many seconds. Absent: in total. */
  window: z
    .union([
      z.strictObject({ unit: z.enum(CALENDAR_UNITS), zone: z.string().max(64).default('UTC') }),
      z.strictObject({ seconds: z.int().min(1) }),
    ])
    .optional(),
  /** `*`: each counterparty by itself. */
  counterparty: z.union([id, z.literal(EACH_COUNTERPARTY)]).optional(),
  category: category.optional(),
  amount: amount.optional(),
  count: z.int().min(1).optional(),
});

const parts = z.int().min(0).max(10_000);
const shares = z
  .array(z.strictObject({ bound: amount, share: parts }))
  .min(1)
  .max(16);
/** How an agent spends at most, before anything was observed; shares are parts of 10,000. */
const spending = z.strictObject({
  amounts: shares,
  gaps_seconds: shares,
  new_counterparties: parts,
  denials: parts,
  quiet: z.array(z.int().min(0).max(3)).max(3).default([]),
  quiet_share: parts.default(0),
});

/** A mandate as people write it; `apply` turns it into `mandate+jwt` claims and signs it with the principal's key. */
const mandate = z.strictObject({
  id: z.uuid(),
  name: z.string().min(1).max(140),
  parent: z.uuid().optional(),
  principal: id,
  /** Absent: a level that groups others and cannot spend by itself. */
  agent: id.optional(),
  currency: z.string().length(3),
  /** Total limit and per-transaction limit, decimal strings in major units with the currency's digits. */
  total: amount,
  per_transaction: amount.optional(),
  /** Beside its own, a mandate is bound by those of every mandate above it. */
  counted: z.array(countedLimit).min(1).max(16).optional(),
  /** Absent: the parent's; at a root any registered counterparty. */
  counterparties: z.array(id).max(1024).optional(),
  /** Absent: the parent's; at a root none is blocked, and any category may be paid. */
  blocked_counterparties: z.array(id).min(1).max(256).optional(),
  categories: z.array(category).min(1).max(256).optional(),
  blocked_categories: z.array(category).min(1).max(256).optional(),
  valid_from: time.optional(),
  valid_until: time.optional(),
  /** Absent: the parent's; at a root `default`. */
  policy: id.optional(),
  environment: z
    .strictObject({
      max_age_seconds: z.int().min(1).max(86_400),
      measurements: z.array(z.string().max(128)).min(1).max(16),
    })
    .optional(),
  /** A spend above this amount is parked until a person approves, above the second one until two do. */
  approvals: z.strictObject({ above: amount, two_above: amount.optional() }).optional(),
  /** Sub-mandates its agent may sign for other agents: how many levels deep. Absent: none. */
  delegation: z.strictObject({ levels: z.int().min(1).max(MANDATE_DEPTH_MAX) }).optional(),
  /** Absent: what the level above declares; where none does, its spending is not watched. */
  spending: spending.optional(),
  park_seconds: z.int().min(1).max(86_400).optional(),
  revoked: z.boolean().default(false),
});

/** What `spendgate apply FILE.yaml` declares. Order in the file does not matter; parents may stand below children. */
export const DOMAIN_FILE = z.strictObject({
  domain: z
    .strictObject({
      issuer: z.string().min(1).max(256),
      kind: z.enum(['demo', 'own']).default('own'),
      /** Whether the statistical detectors may halt, and the intents a day their threshold is set by. Absent: as it is. */
      detectors: z
        .strictObject({ mode: z.enum(DRIFT_MODES), intents_per_day: z.int().min(0).max(DRIFT_EVENTS_PER_DAY_MAX) })
        .optional(),
    })
    .optional(),
  principals: z.array(keyed).max(10_000).default([]),
  people: z
    .array(keyed.extend({ roles: z.array(z.string()).default([]) }))
    .max(10_000)
    .default([]),
  settlement_services: z
    .array(keyed.extend({ webhook: webhook.optional() }))
    .max(10_000)
    .default([]),
  attesters: z.array(keyed).max(10_000).default([]),
  rails: z.array(keyed).max(10_000).default([]),
  agents: z
    .array(keyed.extend({ webhook: webhook.optional() }))
    .max(1_000_000)
    .default([]),
  counterparties: z.array(counterparty).max(1_000_000).default([]),
  policies: z.array(policy).max(1_000).default([]),
  mandates: z.array(mandate).max(1_000_000).default([]),
});

export type DomainFile = z.output<typeof DOMAIN_FILE>;
export type MandateEntry = DomainFile['mandates'][number];
export type CountedEntry = z.output<typeof countedLimit>;
