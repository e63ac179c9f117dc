import { canonicalize, intentBodyHash, parseClaims, parseStrictJson, sha256Text, splitCompact } from '@spendgate/codec';
import {
  type AdmissionDecision,
  type AdmissionResult,
  type Intent,
  InvariantError,
  replayDecision,
} from '@spendgate/core';
import { toIntent } from './to-intent.js';

const INTENT_TYP = 'payment-intent+jwt';

/** What a decision was made from, by value: the agent's own request and the frozen read set. */
export interface FrozenInputs {
  readonly decisionId: string;
  readonly intentId: string;
  /** The agent's JWS. */
  readonly request: string;
  /** RFC 8785 form. */
  readonly readSet: string;
}

/** A decision as it was recorded, beside its inputs. */
export interface RecordedDecision extends FrozenInputs {
  readonly outcome: string;
  readonly code: string | null;
  readonly field: string | null;
  readonly bodyHash: Buffer;
  readonly decisionHash: Buffer;
}

/**
 * Decides again what is stored, from the stored read set and the agent's own request: nothing else is asked.
 *
 * @throws {InvariantError} `ERR_STORED_DECISION`, `ERR_READ_SET_DAMAGED`: the row is not what was written;
 *   `ERR_RULES_VERSION`: another release decided it
 */
export function recomputeStored(row: FrozenInputs): { intent: Intent; result: AdmissionResult } {
  const split = splitCompact(Buffer.from(row.request));
  const json = split.ok ? parseStrictJson(split.jws.payloadBytes) : split;
  const parsed = json.ok ? parseClaims(INTENT_TYP, json.value) : json;
  if (!parsed.ok) throw new InvariantError('ERR_STORED_DECISION', `${row.decisionId}: ${parsed.code} ${parsed.field}`);
  const intent = toIntent(parsed.claims, row.intentId, intentBodyHash(parsed.claims));
  return { intent, result: replayDecision(readSetOf(row), intent) };
}

/** Any JSON object is a read set to `replayDecision`, which judges its members. */
function readSetOf({ decisionId, readSet }: FrozenInputs): Parameters<typeof replayDecision>[0] {
  try {
    return JSON.parse(readSet) as Parameters<typeof replayDecision>[0]; // as: see above
  } catch {
    // Each engine has words of its own for it; a report is the same wherever it is made.
    throw new InvariantError('ERR_READ_SET_DAMAGED', `${decisionId}: the read set is no JSON`);
  }
}

/** The text `decision_hash` covers: what was decided, on which intent, from which facts. RFC 8785 form. */
export function decisionText(
  intent: Pick<Intent, 'bodyHash' | 'intentId'>,
  decision: { readonly [member in keyof AdmissionDecision]: unknown },
  readSetText: string,
): string {
  // A flow that is not watched has no score, and says nothing of one.
  const { spending, ...unscored } = decision;
  const scored = spending === null || spending === undefined ? unscored : decision;
  // Members in RFC 8785 order; the read set is written once and used twice.
  return (
    `{"body":${canonicalize(intent.bodyHash)},"decision":${canonicalize(scored)},` +
    `"intent":${canonicalize(intent.intentId)},"read_set":${readSetText}}`
  );
}

/** @returns what differs in words; `'other rules'` when it cannot be told; `null` when every byte is the same */
export function differenceOf(stored: RecordedDecision): string | null {
  try {
    const { intent, result } = recomputeStored(stored);
    const readSet = canonicalize(result.readSet);
    if (readSet !== stored.readSet) return 'the read set is not what it was decided on';
    if (intent.bodyHash !== stored.bodyHash.toString('base64url')) return 'the request is another one';
    const { outcome, code, field } = result.decision;
    if (outcome !== stored.outcome || code !== stored.code || field !== stored.field) {
      return `recomputed ${outcome} ${code ?? ''} ${field ?? ''}, stored ${stored.outcome} ${stored.code ?? ''} ${stored.field ?? ''}`;
    }
    const hash = sha256Text(decisionText(intent, result.decision, readSet));
    return hash === stored.decisionHash.toString('base64url') ? null : 'the decision hash is not that of the decision';
  } catch (error) {
    if (error instanceof InvariantError && error.code === 'ERR_RULES_VERSION') return 'other rules';
    if (error instanceof Error) return error.message;
    throw error;
  }
}
