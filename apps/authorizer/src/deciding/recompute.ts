import { intentBodyHash, parseClaims, parseStrictJson, splitCompact } from '@spendgate/codec';
import { type AdmissionResult, type Intent, InvariantError, replayDecision } from '@spendgate/core';
import type { StoredDecision } from '@spendgate/store';
import { INTENT_TYP } from '../intake/decode-intent.js';
import { toIntent } from './to-intent.js';

/**
 * Decides again what is stored, from the stored read set and the agent's own request: nothing else is asked.
 *
 * @throws {InvariantError} `ERR_STORED_DECISION`, `ERR_READ_SET_DAMAGED`: the row is not what was written;
 *   `ERR_RULES_VERSION`: another release decided it
 */
export function recomputeStored(row: Pick<StoredDecision, 'request' | 'readSet' | 'intentId' | 'decisionId'>): {
  intent: Intent;
  result: AdmissionResult;
} {
  const split = splitCompact(Buffer.from(row.request));
  const json = split.ok ? parseStrictJson(split.jws.payloadBytes) : split;
  const parsed = json.ok ? parseClaims(INTENT_TYP, json.value) : json;
  if (!parsed.ok) throw new InvariantError('ERR_STORED_DECISION', `${row.decisionId}: ${parsed.code} ${parsed.field}`);
  const intent = toIntent(parsed.claims, row.intentId, intentBodyHash(parsed.claims));
  // Any JSON object is a read set to replayDecision, which judges its members.
  const readSet = JSON.parse(row.readSet) as Parameters<typeof replayDecision>[0];
  return { intent, result: replayDecision(readSet, intent) };
}
