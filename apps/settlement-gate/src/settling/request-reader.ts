import { verifyCompact } from '@spendgate/artifact';
import {
  SETTLEMENT_REQUEST_BYTES_MAX,
  type CompactJws,
  outcomeId,
  parseClaims,
  parseStrictJson,
  settlementActionId,
  settlementBodyHash,
  settlementId,
  splitCompact,
} from '@spendgate/codec';
import { type GateRefusal, type OutcomeItem, type RequestItem, type Signatory, refuse } from './gate-item.js';
import type { RegistryView } from './registry-view.js';

const REQUEST = 'settlement-request+jwt';
const OUTCOME = 'settlement-outcome+jwt';

/** A token in strict form whose claims are of their type. Nothing in it is verified yet. */
export type DecodedRequest = {
  readonly kind: 'decoded';
  readonly token: Buffer;
  readonly jws: CompactJws;
} & (
  | { readonly typ: typeof REQUEST; readonly claims: RequestItem['claims'] }
  | { readonly typ: typeof OUTCOME; readonly claims: OutcomeItem['claims'] }
);

/** Reads form only: no key, clock or database is asked, so rubbish costs little. An attacker controls every byte. */
export function decodeRequest(token: Buffer): DecodedRequest | GateRefusal {
  const split = splitCompact(token, { typ: [REQUEST, OUTCOME], bytesMax: SETTLEMENT_REQUEST_BYTES_MAX });
  if (!split.ok) return refuse(split.code, split.field);
  const { jws } = split;
  const payload = parseStrictJson(jws.payloadBytes);
  if (!payload.ok) return refuse(payload.code, payload.field);
  if (jws.header.typ === REQUEST) {
    const parsed = parseClaims(REQUEST, payload.value);
    if (!parsed.ok) return refuse(parsed.code, parsed.field);
    return { kind: 'decoded', token, jws, typ: REQUEST, claims: parsed.claims };
  }
  const parsed = parseClaims(OUTCOME, payload.value);
  if (!parsed.ok) return refuse(parsed.code, parsed.field);
  return { kind: 'decoded', token, jws, typ: OUTCOME, claims: parsed.claims };
}

const KINDS: Readonly<Record<string, Signatory['kind']>> = {
  settlement_service: 'settlement_service',
  agent: 'agent',
  rail: 'rail',
};

/**
 * Verifies a decoded request in the thread pool: the key is registered for this kind of request, active, and its owner
 * is who the request says it is from.
 *
 * @param appendedAtMs when the log took it: a key is judged as of then. `null` over HTTP: as of `nowMs`
 */
export async function verifyRequest(
  decoded: DecodedRequest,
  registry: Pick<RegistryView, 'key'>,
  options: { readonly domain: string; readonly nowMs: number; readonly appendedAtMs: number | null },
): Promise<RequestItem | OutcomeItem | GateRefusal> {
  const { jws, typ, claims } = decoded;
  const { kid } = jws.header;
  const key = registry.key(kid);
  const verdict = await verifyCompact(jws, { typ, keys: registry.key, atMs: options.appendedAtMs ?? options.nowMs });
  if (!verdict.ok) return refuse(verdict.code, verdict.field);
  const kind = key === undefined ? undefined : KINDS[key.partyKind];
  if (key === undefined || kind === undefined || claims.iss !== key.party) return refuse('issuer_unknown', 'iss');
  if (claims.aud !== options.domain) return refuse('domain_mismatch', 'aud', { verified: true });
  return itemOf(decoded, { kind, partyId: key.party, kid }, options.appendedAtMs);
}

function itemOf(decoded: DecodedRequest, by: Signatory, appendedAtMs: number | null): RequestItem | OutcomeItem {
  const token = decoded.token.toString('latin1'); // a compact JWS is ASCII
  if (decoded.typ === REQUEST) {
    const { claims } = decoded;
    return {
      kind: 'request',
      claims,
      by,
      token,
      bodyHash: settlementBodyHash(claims),
      settlementId: settlementId(claims.artifact.id, claims.action, settlementActionId(claims)),
      appendedAtMs,
    };
  }
  const { claims } = decoded;
  return {
    kind: 'outcome',
    claims,
    by,
    token,
    settlementId: reportedSettlement(claims),
    outcomeId: outcomeId(by.partyId, claims.jti),
  };
}

/** The settlement a report is about: its id follows from the artifact and the id its presenter chose. */
function reportedSettlement(claims: OutcomeItem['claims']): string {
  const { artifact, capture_id: captureId, refund_id: refundId } = claims;
  return captureId === undefined
    ? settlementId(artifact.id, 'refund', refundId ?? '')
    : settlementId(artifact.id, 'capture', captureId);
}
