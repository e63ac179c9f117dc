import { type KeyLookup, verifyCompactBatch } from '@spendgate/artifact';
import { intentBodyHash, intentId } from '@spendgate/codec';
import { type Candidate, type DecodedIntent, type Judged, refuse } from './candidate.js';
import { INTENT_TYP } from './decode-intent.js';

/**
 * A signer's clock may run ahead of the log's by this. What is signed for later would outlive every bound on an intent's
 * life: ids are kept until `exp`, and only `exp − iat` is bounded by form.
 */
export const SIGNED_AHEAD_MS_MAX = 60_000;

export interface VerifyIntentsOptions {
  /** Registered keys, loaded for the kids of the batch. */
  readonly keys: KeyLookup;
  /** Whether a party id is a registered agent, in whatever state. */
  readonly isAgent: (id: string) => boolean;
  /** The domain that decides here. */
  readonly issuer: string;
  /** When the key must be active, Unix ms. */
  readonly atMs: number;
}

/**
 * Verifies a batch of signatures in the thread pool. Only what passes may occupy an intent id, spend an agent's rate or
 * be decided on: otherwise anybody could use up another agent's ids.
 */
export async function verifyIntents(
  decoded: readonly DecodedIntent[],
  { keys, isAgent, issuer, atMs }: VerifyIntentsOptions,
): Promise<Judged<Candidate>[]> {
  const tokens = decoded.map((intent) => intent.compact);
  const verdicts = await verifyCompactBatch(tokens, { typ: INTENT_TYP, keys, atMs });
  return decoded.map((intent, index) => {
    const verdict = verdicts[index];
    const { record, claims } = intent;
    if (verdict === undefined) return refuse(record, 'internal_denied');
    if (!verdict.ok) return refuse(record, verdict.code, verdict.field);
    if (!isAgent(claims.iss)) return refuse(record, 'issuer_unknown', 'iss');
    if (claims.aud !== issuer) return refuse(record, 'domain_mismatch', 'aud');
    if (verdict.key.party !== claims.iss) return refuse(record, 'agent_key_mismatch', 'iss');
    if (claims.iat * 1_000 - record.appendedAtMs > SIGNED_AHEAD_MS_MAX) {
      return refuse(record, 'signature_invalid', 'iat');
    }
    return { ok: true, value: { ...intent, ...nameOf(intent, issuer), kid: verdict.key.kid } };
  });
}

function nameOf({ claims }: DecodedIntent, issuer: string): Pick<Candidate, 'intentId' | 'bodyHash'> {
  const name = { issuer, agent: claims.iss, mandate: claims.mandate, jti: claims.jti };
  return { intentId: intentId(name), bodyHash: intentBodyHash(claims) };
}
