import { z } from 'zod';
import {
  artifactProof,
  bundledDecision,
  bundledSettlement,
  canonicalText,
  hashProof,
  heads,
  loggedParts,
  signedNote,
  statusList,
  timeMs,
  token,
} from './bundle-parts.js';
import { type Bundle, bundleSchema } from './bundle.js';
import { canonicalize } from './canonical.js';
import { BUNDLE_JSON_LIMITS, BUNDLE_LEAVES_MAX, BUNDLE_RANGE_LEAVES_MAX, BUNDLE_SETTLEMENTS_MAX } from './limits.js';
import { type Problem, problem } from './problem.js';
import { type JsonProblem, parseStrictJson } from './strict-json.js';
import { identifier, issuer, sha256Hash, uuid } from './tokens/fields.js';

const readSet = canonicalText.nullable().describe('what it was decided on; null: withheld from who asked');
const settled = z.strictObject({ ...bundledSettlement.shape, read_set: readSet });
const attempts = z.array(settled).max(BUNDLE_SETTLEMENTS_MAX);

/** One settlement: the artifact it drew on with everything of that, and each decision on the settlement itself. */
export const settlementBundleSchema = z.strictObject({
  v: z.literal(2),
  domain: issuer,
  subject: z.strictObject({ kind: z.literal('settlement'), id: uuid }),
  proof: z.strictObject({
    ...artifactProof,
    settlements: attempts.describe('granted on the artifact, so that its amounts add up'),
    refused: attempts.describe('attempts at this settlement that were denied'),
  }),
  synchronization: z.strictObject({ status_list: statusList, ...heads }),
  ...loggedParts(BUNDLE_LEAVES_MAX),
});
export type SettlementBundle = z.infer<typeof settlementBundleSchema>;
export type SettledBundleEntry = z.infer<typeof settled>;

const shownBy = z.union([
  z.strictObject({ decision: bundledDecision, intent: token }),
  z.strictObject({
    settlement_id: uuid,
    attempt: z.int().min(0),
    request: token,
    read_set: readSet,
    leaf_hash: sha256Hash,
  }),
]);

/** One incident of one flow, from the drift signal to the end (phases 5 to 9), as far as it went. */
export const incidentBundleSchema = z.strictObject({
  v: z.literal(2),
  domain: issuer,
  subject: z.strictObject({ kind: z.literal('incident'), id: uuid }),
  proof: z.strictObject({
    flow: uuid,
    epoch: z.int().min(0),
    dense: z.boolean().describe('every leaf of the log from the signal to the last one about it is here'),
    shown_by: shownBy.nullable().describe('the decision that showed the first drift; null: a person, a sweep, a rail'),
  }),
  synchronization: z.strictObject(heads),
  ...loggedParts(BUNDLE_LEAVES_MAX),
});
export type IncidentBundle = z.infer<typeof incidentBundleSchema>;

const bound = z.strictObject({
  size: z.int().min(1),
  root: sha256Hash,
  note: signedNote,
  consistency: hashProof.describe('of the start to the end, of the end to the checkpoint (RFC 9162 §2.1.4)'),
});
const count = z.int().min(0);

/** Every leaf of the log between two signed checkpoints that bound a time range, with what they add up to. */
export const rangeBundleSchema = z.strictObject({
  v: z.literal(2),
  domain: issuer,
  subject: z.strictObject({ kind: z.literal('range'), from_ms: timeMs, to_ms: timeMs.describe('not included') }),
  proof: z.strictObject({
    start: bound.nullable().describe('the last checkpoint signed before the range; null: it begins with the log'),
    end: bound.describe('the first checkpoint signed after the range, or the last one there is'),
    counts: z
      .array(z.strictObject({ type: identifier, count }))
      .describe('leaves by the time they state, within the range'),
    sums: z
      .array(z.strictObject({ type: identifier, currency: z.string().max(16), count, amount: z.string().max(64) }))
      .describe('of what was granted and of what completed, major units'),
  }),
  synchronization: z.strictObject(heads),
  ...loggedParts(BUNDLE_RANGE_LEAVES_MAX),
});
export type RangeBundle = z.infer<typeof rangeBundleSchema>;

export const BUNDLE_KINDS = ['artifact', 'settlement', 'incident', 'range'] as const;
export type BundleKind = (typeof BUNDLE_KINDS)[number];
interface BundleOf {
  readonly artifact: Bundle;
  readonly settlement: SettlementBundle;
  readonly incident: IncidentBundle;
  readonly range: RangeBundle;
}
export type AnyBundle = BundleOf[BundleKind];

export function isBundleOf<K extends BundleKind>(bundle: AnyBundle, kind: K): bundle is BundleOf[K] {
  return bundle.subject.kind === kind;
}

/** Version 1 is an artifact's, version 2 the others: a reader of version 1 alone refuses what it does not know. */
const SCHEMAS: Readonly<Record<BundleKind, z.ZodType<AnyBundle>>> = {
  artifact: bundleSchema,
  settlement: settlementBundleSchema,
  incident: incidentBundleSchema,
  range: rangeBundleSchema,
};

/** Only the kind is looked at, so that a fault is named by its place in that kind's schema. */
const KIND = z.object({ subject: z.object({ kind: z.enum(BUNDLE_KINDS) }) });

/** Reads a bundle as a verifier does that trusts nobody: one RFC 8785 text, every member known; a newline may end it. */
export function parseBundle(
  bytes: Uint8Array,
): { readonly ok: true; readonly bundle: AnyBundle } | JsonProblem | Problem {
  const text = bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes;
  const json = parseStrictJson(text, BUNDLE_JSON_LIMITS, 'bundle');
  if (!json.ok) return json;
  const kind = KIND.safeParse(json.value);
  const parsed = SCHEMAS[kind.success ? kind.data.subject.kind : 'artifact'].safeParse(json.value);
  if (!parsed.success) return problem('malformed', parsed.error.issues[0]?.path.map(String).join('.') ?? 'bundle');
  const isCanonical = Buffer.from(canonicalize(parsed.data)).equals(text);
  return isCanonical ? { ok: true, bundle: parsed.data } : problem('malformed', 'bundle');
}
