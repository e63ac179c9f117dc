import { parseClaims, parseStrictJson, splitCompact } from '@spendgate/codec';
import type { TransportRecord } from '@spendgate/messaging';
import { type DecodedIntent, type Judged, refuse } from './candidate.js';

export const INTENT_TYP = 'payment-intent+jwt';

/**
 * Reads a record as a payment intent: strict compact form, strict JSON, every claim of the type and no other. Nothing is
 * trusted for having come from a topic, and nothing is verified here: the bytes are a stranger's.
 */
export function decodeIntent(record: TransportRecord): Judged<DecodedIntent> {
  if (record.value === null) return refuse(record, 'malformed', 'value', { unreadable: true });
  const split = splitCompact(record.value, { typ: INTENT_TYP });
  if (!split.ok) return refuse(record, split.code, split.field, { unreadable: true });
  const json = parseStrictJson(split.jws.payloadBytes);
  if (!json.ok) return refuse(record, json.code, json.field, { unreadable: true });
  const parsed = parseClaims(INTENT_TYP, json.value);
  if (!parsed.ok) return refuse(record, parsed.code === 'unknown_field' ? parsed.code : 'malformed', parsed.field);
  // Compact form is ASCII only, so latin1 gives the text without a UTF-8 pass.
  const jws = record.value.toString('latin1');
  return { ok: true, value: { record, jws, compact: split.jws, claims: parsed.claims } };
}
