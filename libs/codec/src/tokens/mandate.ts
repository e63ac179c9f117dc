import {
  CALENDAR_UNITS,
  type DeclaredSpending,
  EACH_COUNTERPARTY,
  LIMITS,
  isDeclarable,
  windowName,
} from '@spendgate/core';
import { z } from 'zod';
import { MANDATE_DEPTH_MAX } from '../limits.js';
import { isTimeZone } from '../calendar-window.js';
import { category, measurement, partyId, requestClaims, timeSeconds, uuid } from './fields.js';

/** A root principal may sign offline and hand it in later; how long the grant holds is `validity`, not `exp`. */
export const MANDATE_LIFETIME_SECONDS_MAX = 30 * 86_400;

const window = z
  .union([
    z.strictObject({
      unit: z.enum(CALENDAR_UNITS).describe('calendar window; a week begins on Monday (ISO 8601)'),
      zone: z.string().max(64).describe('IANA time zone by whose clock it begins'),
    }),
    z.strictObject({
      seconds: z.int().min(1).max(LIMITS.rollingSecondsMax).describe('rolling window: the last so many seconds'),
    }),
  ])
  .nullable()
  .describe('null: in total');

/** At least a window or a subject, at least an amount or a count, and not two of one kind: `checkMandate` sees to it. */
const countedLimit = z.strictObject({
  window,
  counterparty: z
    .union([partyId, z.literal(EACH_COUNTERPARTY)])
    .nullable()
    .describe('only spends at this counterparty count; `*`: at each, by itself; null: at any'),
  category: category.nullable().describe('only spends at counterparties of this category count; null: of any'),
  amount: z.string().nullable().describe('decimal string in major units: most that may be spent; null: no limit'),
  count: z.int().min(1).max(LIMITS.countLimitMax).nullable().describe('most spends authorized; null: no limit'),
});
export type CountedLimitClaim = z.infer<typeof countedLimit>;

const parts = z.int().min(0).max(10_000);
const shares = (what: string) =>
  z
    .array(z.strictObject({ bound: z.string().max(34).describe(what), share: parts.describe('parts of 10,000') }))
    .min(1)
    .max(16);
/** Shares are parts of 10,000; those of one list add up to that, and bounds ascend: `checkMandate` sees to it. */
const spending = z.strictObject({
  amounts: shares('decimal string in major units: at most this each'),
  gaps_seconds: shares('decimal string: at least these seconds after the intent before'),
  new_counterparties: parts.describe('intents at a counterparty not among the last 32, parts of 10,000'),
  denials: parts.describe('intents that are denied, parts of 10,000'),
  quiet: z.array(z.int().min(0).max(3)).max(3).describe('quarters of the UTC day with next to no spending'),
  quiet_share: parts.describe('intents within those quarters, parts of 10,000'),
});
export type SpendingClaim = z.infer<typeof spending>;

const parties = z.array(partyId).min(1).max(LIMITS.mandateCounterpartiesMax);
const categories = z.array(category).min(1).max(LIMITS.mandateCategoriesMax);

/**
 * The grant itself; its hash is SHA-256 over the RFC 8785 form of this object. Every member is written, null where
 * nothing is asked, except the optional ones, which are never null or empty: so one grant has one text. A limit this version cannot enforce is an unknown field, never ignored.
 */
export const mandateSchema = z.strictObject({
  id: uuid.describe('stays through versions; also the flow'),
  version: z.int().min(1).describe('counts up by one with each signed change'),
  parent: uuid.nullable().describe('the mandate it is cut from; null: a root'),
  principal: partyId.describe('who owns the money; the same at every level'),
  agent: partyId.nullable().describe('who may spend; null: a level that only bounds its children'),
  limits: z.strictObject({
    currency: z.string().describe('ISO 4217 code or configured asset; the same at every level'),
    total: z.string().describe('decimal string in major units: most that may be held and captured in all'),
    per_transaction: z.string().nullable().describe('decimal string in major units; null: no limit of its own'),
    counted: z
      .array(countedLimit)
      .min(1)
      .max(LIMITS.countedLimitsMax)
      .optional()
      .describe('limits per window, counterparty and category'),
  }),
  counterparties: parties.nullable().describe('who may be paid; null: any that is registered'),
  blocked_counterparties: parties.optional().describe('who may not be paid, whoever else may'),
  categories: categories.optional().describe('ISO 18245 categories that may be paid; absent: any'),
  blocked_categories: categories.optional().describe('ISO 18245 categories that may not be paid'),
  validity: z.strictObject({
    from: timeSeconds.describe('Unix seconds'),
    until: timeSeconds.describe('no decision at this instant or later; Unix seconds'),
  }),
  policy: z.strictObject({ id: partyId.describe('the policy set every intent is put to') }),
  environment: z
    .strictObject({
      max_age_seconds: z.int().min(1).max(86_400).describe('an attestation result older than this is stale'),
      measurements: z.array(measurement).min(1).max(LIMITS.measurementsMax).describe('reference values'),
    })
    .nullable()
    .describe('null: no attestation is required'),
  approvals: z
    .strictObject({
      above: z.string().describe('decimal string in major units: a larger intent waits for a person'),
      two_above: z.string().optional().describe('the same, at least `above`: a larger intent waits for two people'),
    })
    .nullable(),
  spending: spending
    .optional()
    .describe('how its agent spends at most: drift from it is watched; absent: as its parent, or not watched'),
  park_seconds: z
    .int()
    .min(1)
    .max(LIMITS.parkSecondsMax)
    .nullable()
    .describe('intents wait this long while contained; null: denied'),
  delegation: z
    .strictObject({
      levels: z.int().min(1).max(MANDATE_DEPTH_MAX).describe('how many levels below it may be signed by agents'),
    })
    .nullable()
    .describe('null: its agent may carve no sub-mandate from it'),
  depth: z.int().min(0).max(MANDATE_DEPTH_MAX).describe('levels above it; 0: a root'),
});
export type MandateClaim = z.infer<typeof mandateSchema>;

/** `mandate+jwt`: signed by the principal, or for a delegation by the agent of the parent mandate. */
export const mandateTokenSchema = z.strictObject({ ...requestClaims, mandate: mandateSchema.describe('the grant') });
export type MandateTokenClaims = z.infer<typeof mandateTokenSchema>;

/** @returns the first claim that contradicts another */
export function checkMandate({ mandate, iss }: MandateTokenClaims): string | null {
  if ((mandate.parent === null) !== (mandate.depth === 0)) return 'mandate.depth';
  if (mandate.parent === mandate.id) return 'mandate.parent';
  if (mandate.parent === null && iss !== mandate.principal) return 'mandate.principal';
  if (mandate.validity.from >= mandate.validity.until) return 'mandate.validity.until';
  const repeating = (['counterparties', 'blocked_counterparties', 'categories', 'blocked_categories'] as const).find(
    (list) => isRepeating(mandate[list] ?? []),
  );
  if (repeating !== undefined) return `mandate.${repeating}`;
  if (mandate.spending !== undefined && !isDeclarable(declaredOf(mandate))) return 'mandate.spending';
  const sums = mandate.limits.counted ?? [];
  const wrong = sums.findIndex((limit, index) => isWrong(limit, sums.slice(0, index)));
  return wrong === -1 ? null : `mandate.limits.counted[${wrong}]`;
}

/** What the claim declares, as the detectors take it. Lists of payees are no part of it: another list is no other law. */
export function declaredOf({ spending: claim }: Pick<MandateClaim, 'spending'>): DeclaredSpending | null {
  if (claim === undefined) return null;
  const { amounts, gaps_seconds: gapsSeconds, new_counterparties: newCounterparties, denials, quiet } = claim;
  const { quiet_share: quietShare } = claim;
  return { amounts, gapsSeconds, newCounterparties, denials, quiet, quietShare, counterparties: [] };
}

function isRepeating(list: readonly string[]): boolean {
  return new Set(list).size !== list.length;
}

/** Limits nothing or everything, in a zone nobody knows, or the same sum a second time: which would hold? */
function isWrong(limit: CountedLimitClaim, before: readonly CountedLimitClaim[]): boolean {
  const { counterparty, category: of, amount, count } = limit;
  if (amount === null && count === null) return true;
  if (limit.window === null && counterparty === null && of === null) return true;
  if (counterparty !== null && of !== null) return true;
  if (limit.window !== null && 'zone' in limit.window && !isTimeZone(limit.window.zone)) return true;
  const sum = sumName(limit);
  return before.some((other) => sumName(other) === sum);
}

function sumName({ window: per, counterparty, category: of }: CountedLimitClaim): string {
  return JSON.stringify([windowName(per), counterparty, of]);
}
