import {
  canonicalize,
  parseClaims,
  parseStrictJson,
  settlementBodyHash,
  sha256Text,
  splitCompact,
} from '@spendgate/codec';
import { InvariantError, type SettlementReadSet, replaySettlement } from '@spendgate/core';
import { type Presenter, toSettlementRequest } from './to-settlement-request.js';

/** A settlement's decision as its leaf recorded it, beside what it was made from. */
export interface RecordedSettlement {
  /** The presenter's JWS. */
  readonly request: string;
  readonly presenterKind: Presenter['kind'];
  /** RFC 8785 form. */
  readonly readSet: string;
  readonly outcome: unknown;
  readonly code: unknown;
  readonly field: unknown;
  /** Major units, in the currency's own digits. */
  readonly amount: unknown;
  /** base64url. */
  readonly decisionHash: unknown;
}

/**
 * Decides a settlement again from its frozen inputs alone.
 *
 * @returns what differs, in words; `'other rules'` when it cannot be told; `null` when every byte is the same
 */
export function settlementDifference(stored: RecordedSettlement): string | null {
  const split = splitCompact(Buffer.from(stored.request), { typ: 'settlement-request+jwt' });
  const json = split.ok ? parseStrictJson(split.jws.payloadBytes) : split;
  const parsed = json.ok ? parseClaims('settlement-request+jwt', json.value) : json;
  if (!split.ok || !parsed.ok) return 'the request is none';
  const { claims } = parsed;
  const presenter = { kind: stored.presenterKind, partyId: claims.iss, kid: split.jws.header.kid };
  try {
    // as: any JSON object is a read set to `replaySettlement`, which judges its members
    const readSet = JSON.parse(stored.readSet) as SettlementReadSet;
    const request = toSettlementRequest(claims, presenter, settlementBodyHash(claims));
    const { decision, readSet: again } = replaySettlement(readSet, request);
    const text = canonicalize(again);
    if (text !== stored.readSet) return 'the read set is not what it was decided on';
    const members = ['outcome', 'code', 'field', 'amount'] as const;
    const other = members.find((name) => decision[name] !== (stored[name] ?? null));
    if (other !== undefined) return `recomputed ${other} ${decision[other] ?? 'none'}`;
    return sha256Text(text) === stored.decisionHash ? null : 'the decision hash is not that of the decision';
  } catch (error) {
    if (error instanceof InvariantError && error.code === 'ERR_RULES_VERSION') return 'other rules';
    if (error instanceof SyntaxError) return 'the read set is no JSON';
    if (error instanceof Error) return error.message;
    throw error;
  }
}
