import {
  canonicalize,
  parseClaims,
  parseStrictJson,
  settlementBodyHash,
  settlementId,
  splitCompact,
} from '@spendgate/codec';
import { settlementActionId } from '@spendgate/codec';
import { type SettlementReadSet, type SettlementRequest, replaySettlement } from '@spendgate/core';
import { type Queryable, type StoredSettlement, readStoredSettlements } from '@spendgate/store';
import { requestOf } from './settling/gate-facts.js';
import type { RequestItem } from './settling/gate-item.js';
import { decisionHashOf } from './settling/receipt.js';

/** What recomputing one stored settlement gave. */
export interface ReplayedSettlement {
  readonly settlementId: string;
  readonly attempt: number;
  /** Names of what came out otherwise; empty: identical. */
  readonly differences: readonly string[];
}

/**
 * Recomputes stored settlement decisions from their stored inputs, byte for byte (D2).
 *
 * @param fromMs judged at or after this, Unix ms @param toMs judged before this
 */
export async function* replaySettlements(
  db: Queryable,
  fromMs?: number,
  toMs?: number,
): AsyncGenerator<ReplayedSettlement> {
  for await (const stored of readStoredSettlements(db, fromMs, toMs)) {
    yield { settlementId: stored.settlementId, attempt: stored.attempt, differences: differencesOf(stored) };
  }
}

/** A row that cannot even be recomputed (a damaged read set, other rules) differs by the reason why. */
function differencesOf(stored: StoredSettlement): string[] {
  try {
    return compare(stored);
  } catch (error) {
    if (error instanceof Error) return [error.message];
    throw error;
  }
}

function compare(stored: StoredSettlement): string[] {
  // A stored read set is the canonical JSON this code wrote.
  const readSet = JSON.parse(stored.readSet) as SettlementReadSet;
  const request = requestFrom(stored);
  if (request === undefined) return ['request'];
  const { decision, readSet: again } = replaySettlement(readSet, request);
  const text = canonicalize(again);
  const compared: [string, boolean][] = [
    ['read_set', text === stored.readSet],
    ['decision_hash', decisionHashOf(text).equals(stored.decisionHash)],
    ['outcome', decision.outcome === stored.outcome],
    ['code', decision.code === stored.code],
    ['field', decision.field === stored.field],
    ['amount', sameAmount(decision.amount, stored.amount)],
  ];
  return compared.filter(([, same]) => !same).map(([name]) => name);
}

/** The database drops trailing zeros of an amount; its value is what counts. */
function sameAmount(decided: string | null, stored: string | null): boolean {
  const trimmed = decided?.includes('.') ? decided.replace(/\.?0+$/, '') : decided;
  return (trimmed ?? null) === stored;
}

/** The presenter's own words, and who the gate found to have signed them. */
function requestFrom({ request: token, presenterKind }: StoredSettlement): SettlementRequest | undefined {
  const split = splitCompact(Buffer.from(token), { typ: 'settlement-request+jwt' });
  const payload = split.ok ? parseStrictJson(split.jws.payloadBytes) : split;
  const parsed = payload.ok ? parseClaims('settlement-request+jwt', payload.value) : payload;
  if (!split.ok || !parsed.ok) return undefined;
  const { claims } = parsed;
  const kind = presenterKind === 'agent' ? 'agent' : 'settlement_service';
  const item: RequestItem = {
    kind: 'request',
    claims,
    by: { kind, partyId: claims.iss, kid: split.jws.header.kid },
    token,
    bodyHash: settlementBodyHash(claims),
    settlementId: settlementId(claims.artifact.id, claims.action, settlementActionId(claims)),
    appendedAtMs: null,
  };
  return requestOf(item);
}
