import { type TokenDenial, verifyToken } from '@spendgate/artifact';
import { type MandateTokenClaims, splitCompact, TOKEN_BYTES_MAX } from '@spendgate/codec';
import type { DenialCode, GrantRefusal, Grantor } from '@spendgate/core';
import { loadKeys } from '../registry/key-rows.js';
import { loadParties } from '../registry/load-facts.js';
import type { Transaction } from '../statement.js';

const TYP = 'mandate+jwt';

/** Where and when a signed mandate is judged. */
export interface GrantPlace {
  readonly tx: Transaction;
  /** The domain's issuer: `aud`. */
  readonly domain: string;
  /** Database clock, Unix ms. */
  readonly atMs: number;
}

export type GrantorVerdict =
  | { readonly ok: true; readonly claims: MandateTokenClaims; readonly grantor: Grantor }
  | ({ readonly ok: false } & GrantRefusal);

/**
 * Verifies a `mandate+jwt` against what is registered now: an active key of an active principal or agent, who signed for
 * this domain and whose token is still alive. What kind of signer it is says the key, never a claim: an agent may have
 * its principal's name.
 */
export async function verifyGrantor({ tx, domain, atMs }: GrantPlace, token: string): Promise<GrantorVerdict> {
  const split = splitCompact(Buffer.from(token), { typ: TYP, bytesMax: TOKEN_BYTES_MAX });
  if (!split.ok) return { ok: false, code: split.code, field: split.field };
  const [key] = await loadKeys(tx, [split.jws.header.kid]);
  const kind = key?.partyKind;
  if (key === undefined || (kind !== 'principal' && kind !== 'agent')) return refuse('key_unknown', 'kid');
  const verdict = await verifyToken(token, { typ: TYP, keys: (kid) => (kid === key.kid ? key : undefined), atMs });
  if (!verdict.ok) return { ok: false, code: denialOf(verdict.code), field: verdict.field };
  const { claims } = verdict;
  if (claims.iss !== key.party) return refuse('issuer_unknown', 'iss');
  if (claims.aud !== domain) return refuse('domain_mismatch', 'aud');
  const [party] = await loadParties(tx, [{ kind, id: key.party }]);
  if (party?.state !== 'active') return refuse(kind === 'agent' ? 'agent_unknown' : 'issuer_unknown', 'iss');
  if (key.continuity === 'broken') return refuse('identity_discontinuity', 'header.kid');
  return { ok: true, claims, grantor: { kind, id: key.party } };
}

function refuse(code: DenialCode, field: string): GrantorVerdict {
  return { ok: false, code, field };
}

/** What is handed in too late grants nothing; that it was signed in time does not help. */
function denialOf(code: TokenDenial): DenialCode {
  return code === 'expired' || code === 'not_yet_valid' ? 'mandate_expired' : code;
}
