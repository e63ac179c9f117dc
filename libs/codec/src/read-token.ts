import { precedence } from '@spendgate/core';
import { judgeHeader, takeApart, type CompactJws, type CompactParts, type CompactProblem } from './compact-jws.js';
import { INTENT_BYTES_MAX, RECORD_JSON_LIMITS, REQUEST_JSON_LIMITS } from './limits.js';
import { problem } from './problem.js';
import { parseStrictJson, type JsonProblem } from './strict-json.js';
import { parseClaims, type ClaimsProblem } from './tokens/parse-claims.js';
import { isTokenTyp, type ClaimsOf, type TokenTyp } from './tokens/tokens.js';

/** A token of one `typ`, its form established and nothing verified: whose it is says the signature. */
export type ReadToken<T extends TokenTyp> = {
  [K in T]: { readonly ok: true; readonly typ: K; readonly jws: CompactJws; readonly claims: ClaimsOf<K> };
}[T];
export type TokenProblem = CompactProblem | JsonProblem | ClaimsProblem;

/**
 * Everything that can be said of a token before a key is asked: compact form, header, payload, claims. Of several
 * problems the first row of the denials table is reported, wherever in the token it is.
 *
 * @param typs the types this door takes
 * @param bytesMax of the whole token; above {@link INTENT_BYTES_MAX} the larger JSON limits hold
 */
export function readToken<T extends TokenTyp>(
  bytes: Uint8Array,
  typs: readonly T[],
  bytesMax: number = INTENT_BYTES_MAX,
): ReadToken<T> | TokenProblem {
  const parts = takeApart(bytes, bytesMax);
  if (!parts.ok) return parts;
  const header = judgeHeader(parts.header, typs);
  const limits = bytesMax > INTENT_BYTES_MAX ? RECORD_JSON_LIMITS : REQUEST_JSON_LIMITS;
  const payload = parseStrictJson(parts.jws.payloadBytes, limits);
  const typ = takenTyp(parts, typs);
  const claims = payload.ok && typ !== null ? parseClaims(typ, payload.value) : null;
  const found = first([header, payload, claims ?? header]);
  if (found !== null) return found;
  if (!header.ok || claims === null || !claims.ok) return problem('malformed', 'token');
  // `typ` and `claims` come from the same row of TOKENS; the compiler cannot follow that through a union.
  return { ok: true, typ, jws: { ...parts.jws, header: header.header }, claims: claims.claims } as ReadToken<T>;
}

function takenTyp<T extends TokenTyp>({ header: { typ } }: CompactParts, typs: readonly T[]): T | null {
  if (typeof typ !== 'string' || !isTokenTyp(typ)) return null;
  return typs.find((taken) => taken === typ) ?? null;
}

/** Of several results the problem that stands first in the denials table; of equal codes the first given. */
function first(results: readonly ({ readonly ok: true } | TokenProblem)[]): TokenProblem | null {
  let found: TokenProblem | null = null;
  for (const result of results) {
    if (!result.ok && (found === null || precedence(result.code) < precedence(found.code))) found = result;
  }
  return found;
}
