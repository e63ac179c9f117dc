import { z } from 'zod';
import { canonicalize } from './canonical.js';
import { BUNDLE_JSON_LIMITS, BUNDLE_LEAVES_MAX, BUNDLE_SETTLEMENTS_MAX, TOKEN_BYTES_MAX } from './limits.js';
import { problem, type Problem } from './problem.js';
import { parseStrictJson, type JsonProblem } from './strict-json.js';
import { denialCode, issuer, partyId, sha256Hash, uuid } from './tokens/fields.js';
import { KEY_PURPOSES } from './tokens/purposes.js';

/** Most keys a bundle may list: the domain's with their history, and those of the parties that signed. */
const KEYS_MAX = 1_000;
/** Hashes of one RFC 9162 proof: a tree of 2^53 leaves needs 54. */
const PROOF_HASHES_MAX = 64;
/** One text of a bundle: a leaf, a payload, a read set. */
const TEXT_CHARS_MAX = 1_000_000;

const token = z.string().max(TOKEN_BYTES_MAX).describe('compact JWS');
const canonicalText = z.string().max(TEXT_CHARS_MAX).describe('RFC 8785 text, the very bytes that were hashed');
const timeMs = z.int().min(0).describe('Unix ms');
const place = z.int().min(0).describe('index in the log, from 0');
const proof = z.array(sha256Hash).max(PROOF_HASHES_MAX).describe('RFC 9162 hashes, base64url');
const note = z.string().max(TEXT_CHARS_MAX).describe('C2SP signed note');

const decision = z.strictObject({
  decision_id: uuid,
  intent_id: uuid,
  outcome: z.enum(['authorized', 'denied', 'parked']),
  code: denialCode.nullable(),
  field: z.string().max(256).nullable(),
  supersedes: uuid.nullable().describe('the parked decision this one ended'),
  appended_at: timeMs,
  judged_at: timeMs,
  read_set: canonicalText.nullable().describe('what it was decided on; null: withheld from who asked for the bundle'),
  decision_hash: sha256Hash,
  leaf_hash: sha256Hash,
});

const settlement = z.strictObject({
  settlement_id: uuid,
  attempt: z.int().min(0),
  request: token.describe("the presenter's settlement-request+jwt"),
  claims: canonicalText.describe('claims of the receipt'),
  receipt: token.nullable().describe('settlement-receipt+jwt over these claims; null: nobody asked the gate for it'),
  leaf_hash: sha256Hash,
});

const outcome = z.strictObject({
  outcome_id: uuid,
  settlement_id: uuid,
  token: token
    .nullable()
    .describe("the reporter's settlement-outcome+jwt; null: a rail the gate calls, or nobody in time"),
  leaf_hash: sha256Hash,
});

const leaf = z.strictObject({
  index: place,
  leaf: canonicalText.describe('the bytes in the tree'),
  payload: canonicalText.nullable().describe('what the leaf commits to; null: redacted or withheld'),
  salt: sha256Hash.nullable().describe('32 bytes in base64url; null with the payload'),
});

/** The members RFC 7638 hashes and no other: one key, one text. */
const jwk = z.union([
  z.strictObject({ crv: z.literal('Ed25519'), kty: z.literal('OKP'), x: sha256Hash }),
  z.strictObject({ crv: z.literal('P-256'), kty: z.literal('EC'), x: sha256Hash, y: sha256Hash }),
]);

const key = z.strictObject({
  kid: sha256Hash.describe('RFC 7638 thumbprint'),
  jwk: jwk.describe('public members (RFC 7517)'),
  party: z.union([issuer, partyId]).describe('the domain, or the party it speaks for'),
  purpose: z.enum(KEY_PURPOSES),
  leaf: sha256Hash.describe('the leaf that recorded the key; when it was active, the leaves say'),
});

/**
 * One artifact with all that proves it, in the five parts of the product's fourth principle (E4). Lists are in the order
 * of the log. Every member: docs/reference/bundle.md.
 */
export const bundleSchema = z.strictObject({
  v: z.literal(1),
  domain: issuer,
  subject: z.strictObject({ kind: z.literal('artifact'), id: uuid }),
  proof: z.strictObject({
    artifact: z.strictObject({
      claims: canonicalText,
      token: token.nullable().describe('null: as the log serves it, which cannot sign artifacts'),
    }),
    intent: token.describe("the agent's payment-intent+jwt"),
    decision,
    settlements: z.array(settlement).max(BUNDLE_SETTLEMENTS_MAX),
    outcomes: z.array(outcome).max(BUNDLE_SETTLEMENTS_MAX),
  }),
  synchronization: z.strictObject({
    status_list: token.nullable().describe('statuslist+jwt at the time; null: there was none yet'),
    checkpoint: z.strictObject({ size: z.int().min(1), root: sha256Hash }),
    consistency: z
      .strictObject({ size: z.int().min(0), root: sha256Hash, proof })
      .nullable()
      .describe('from a remembered checkpoint'),
  }),
  lineage: z.strictObject({
    leaves: z.array(leaf).min(1).max(BUNDLE_LEAVES_MAX),
    redacted: z.int().min(0).describe('leaves without payload'),
  }),
  audit: z.strictObject({ inclusion: z.array(z.strictObject({ index: place, proof })).max(BUNDLE_LEAVES_MAX) }),
  persistence: z.strictObject({
    note: note.describe('the checkpoint as the log signed it'),
    log_key: z.string().max(512).describe('C2SP verifier key'),
    witnessed_by: z
      .array(z.string().max(512))
      .max(100)
      .describe('who cosigned it; empty: no proof against the operator'),
  }),
  keys: z.array(key).max(KEYS_MAX),
});
export type Bundle = z.infer<typeof bundleSchema>;
export type BundleLeaf = Bundle['lineage']['leaves'][number];
export type BundleKey = Bundle['keys'][number];
export type BundleSettlement = Bundle['proof']['settlements'][number];
export type BundleOutcome = Bundle['proof']['outcomes'][number];

/** Reads a bundle as a verifier does that trusts nobody: one RFC 8785 text, every member known; a newline may end it. */
export function parseBundle(bytes: Uint8Array): { readonly ok: true; readonly bundle: Bundle } | JsonProblem | Problem {
  const text = bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes;
  const json = parseStrictJson(text, BUNDLE_JSON_LIMITS, 'bundle');
  if (!json.ok) return json;
  const parsed = bundleSchema.safeParse(json.value);
  if (!parsed.success) return problem('malformed', parsed.error.issues[0]?.path.map(String).join('.') ?? 'bundle');
  const isCanonical = Buffer.from(canonicalize(parsed.data)).equals(text);
  return isCanonical ? { ok: true, bundle: parsed.data } : problem('malformed', 'bundle');
}
