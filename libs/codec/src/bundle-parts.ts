import { z } from 'zod';
import { TOKEN_BYTES_MAX, BUNDLE_SETTLEMENTS_MAX } from './limits.js';
import { denialCode, issuer, partyId, sha256Hash, uuid } from './tokens/fields.js';
import { KEY_PURPOSES } from './tokens/purposes.js';

/** Most keys a bundle may list: the domain's with their history, and those of the parties that signed. */
const KEYS_MAX = 1_000;
/** Hashes of one RFC 9162 proof: a tree of 2^53 leaves needs 54. */
const PROOF_HASHES_MAX = 64;
/** One text of a bundle: a leaf, a payload, a read set. */
const TEXT_CHARS_MAX = 1_000_000;

export const token = z.string().max(TOKEN_BYTES_MAX).describe('compact JWS');
export const canonicalText = z.string().max(TEXT_CHARS_MAX).describe('RFC 8785 text, the very bytes that were hashed');
export const timeMs = z.int().min(0).describe('Unix ms');
const place = z.int().min(0).describe('index in the log, from 0');
export const hashProof = z.array(sha256Hash).max(PROOF_HASHES_MAX).describe('RFC 9162 hashes, base64url');
export const signedNote = z.string().max(TEXT_CHARS_MAX).describe('C2SP signed note');

export const bundledDecision = z.strictObject({
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

export const bundledSettlement = z.strictObject({
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

/** What was asked, decided and done: everything of one artifact. */
export const artifactProof = {
  artifact: z.strictObject({
    claims: canonicalText,
    token: token.nullable().describe('null: as the log serves it, which cannot sign artifacts'),
  }),
  intent: token.describe("the agent's payment-intent+jwt"),
  decision: bundledDecision,
  settlements: z.array(bundledSettlement).max(BUNDLE_SETTLEMENTS_MAX),
  outcomes: z.array(outcome).max(BUNDLE_SETTLEMENTS_MAX),
};

/** The parts that prove leaves, whatever a bundle is about. @param leavesMax leaves at most */
export function loggedParts(leavesMax: number) {
  return {
    lineage: z.strictObject({
      leaves: z.array(leaf).min(1).max(leavesMax),
      redacted: z.int().min(0).describe('leaves without payload'),
    }),
    audit: z.strictObject({
      inclusion: z.array(z.strictObject({ index: place, proof: hashProof })).max(leavesMax),
    }),
    persistence: z.strictObject({
      note: signedNote.describe('the checkpoint as the log signed it'),
      log_key: z.string().max(512).describe('C2SP verifier key'),
      witnessed_by: z
        .array(z.string().max(512))
        .max(100)
        .describe('who cosigned it; empty: no proof against the operator'),
    }),
    keys: z.array(key).max(KEYS_MAX),
  };
}

/** The signed head all proofs lead to, and the remembered one it continues. */
export const heads = {
  checkpoint: z.strictObject({ size: z.int().min(1), root: sha256Hash }),
  consistency: z
    .strictObject({ size: z.int().min(0), root: sha256Hash, proof: hashProof })
    .nullable()
    .describe('from a remembered checkpoint'),
};

export const statusList = token.nullable().describe('statuslist+jwt at the time; null: there was none yet');
export type BundleOutcome = z.infer<typeof outcome>;
export type BundleLeaf = z.infer<typeof leaf>;
export type BundleKey = z.infer<typeof key>;
export type BundleSettlement = z.infer<typeof bundledSettlement>;
