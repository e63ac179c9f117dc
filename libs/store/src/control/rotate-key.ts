import { type TokenDenial, type VerificationKey, parsePublicKey, readClaims, verifyToken } from '@spendgate/artifact';
import { type KeyTransitionClaims, TOKEN_BYTES_MAX, canonicalize, splitCompact } from '@spendgate/codec';
import type { DenialCode } from '@spendgate/core';
import type { ControlAct } from '../control-lock.js';
import type { PartyKind, RegisteredKey } from '../registry/facts.js';
import { actOf, loadKeyHistory } from '../registry/key-history.js';
import { loadKeys, loadPartyKeys } from '../registry/key-rows.js';
import { loadParties } from '../registry/load-facts.js';
import type { Queryable } from '../statement.js';
import { ownersOf, recordKeys, retireKey } from './record-keys.js';

const TYP = 'key-transition+jwt';
/** Keys of one party over its whole life: all are compared with the log whenever one is used. */
const KEYS_PER_PARTY_MAX = 1_000;
/** A transition is an act, not a plan: who signs for later has another clock. */
const SIGNED_AHEAD_MS_MAX = 60_000;

/** Machines go over to a new key by themselves; a person's or principal's key is confirmed by another operator. */
const MACHINES: ReadonlySet<PartyKind> = new Set(['agent', 'settlement_service', 'attester', 'rail']);

/** One key going over to another; times in Unix ms by the database's clock. */
export interface KeyTransition {
  readonly jti: string;
  readonly kind: PartyKind;
  readonly party: string;
  readonly oldKid: string;
  readonly successor: VerificationKey;
  /** The new key signs from here on. */
  readonly activeFromMs: number;
  /** The old one signs nothing from here on. */
  readonly retiredAtMs: number;
}

export type TransitionVerdict =
  | { readonly ok: true; readonly transition: KeyTransition; readonly isRecorded: boolean }
  | { readonly ok: false; readonly code: DenialCode; readonly field: string };

export interface TransitionTerms {
  readonly domain: string;
  /** Unix ms. */
  readonly atMs: number;
  /** Another operator has approved it. */
  readonly confirmed?: boolean;
}

/**
 * What would become of a transition, without any lock: repeats and rubbish need not stop everybody else.
 *
 * @param token `key-transition+jwt` by the old key, with `proof` by the new one (the way of RFC 8555 §7.3.5)
 */
export async function judgeTransition(
  db: Queryable,
  token: string,
  terms: TransitionTerms,
): Promise<TransitionVerdict> {
  const split = splitCompact(Buffer.from(token), { typ: TYP, bytesMax: TOKEN_BYTES_MAX });
  if (!split.ok) return split;
  const read = readClaims(TYP, split.jws);
  if (!read.ok) return read;
  const [old] = await loadKeys(db, [split.jws.header.kid]);
  if (old === undefined) return refuse('key_unknown', 'header.kid');
  if (old.successorKid !== null)
    return (await recorded(db, old, token, read.claims.jti)) ?? refuse('idempotency_conflict', 'old.kid');
  if (old.continuity === 'broken') return refuse('identity_discontinuity', 'header.kid');
  const keys = (kid: string): VerificationKey | undefined => (kid === old.kid ? old : undefined);
  const verdict = await verifyToken(token, {
    typ: TYP,
    keys,
    atMs: terms.atMs,
    issuer: old.party,
    audience: terms.domain,
  });
  if (!verdict.ok) return refuse(codeOf(verdict.code), verdict.field);
  const { claims } = verdict;
  const successor = await provenSuccessor(claims, old, terms);
  if ('code' in successor) return successor;
  const contradiction = await contradictionOf(db, claims, old, terms);
  if (contradiction !== null) return contradiction;
  const { jti } = claims;
  const { kid: oldKid, partyKind: kind, party } = old;
  const activeFromMs = Math.max(claims.overlap.from * 1_000, terms.atMs);
  const retiredAtMs = Math.max(claims.overlap.until * 1_000, terms.atMs);
  return {
    ok: true,
    transition: { jti, kind, party, oldKid, successor, activeFromMs, retiredAtMs },
    isRecorded: false,
  };
}

/**
 * Makes a transition real: the successor is enrolled, the old key retires at the end of the overlap. Three leaves: the
 * signed transition, and what it did to each key. The same transition again changes nothing.
 */
export async function rotateKey(act: ControlAct, token: string, confirmed = false): Promise<TransitionVerdict> {
  const verdict = await judgeTransition(act.tx, token, { domain: act.domain, atMs: act.atMs, confirmed });
  if (!verdict.ok || verdict.isRecorded) return verdict;
  const { kind, party, oldKid, successor, activeFromMs, retiredAtMs } = verdict.transition;
  const [alg = 'EdDSA'] = successor.algorithms;
  const said = { kid: oldKid, kind, party, successor: successor.kid, jwk: null, token };
  const leaf = act.record({
    type: 'key_changed',
    payload: { act: 'key_rotated', ...said, active_from_ms: activeFromMs, retired_at_ms: retiredAtMs },
    event: { name: 'key_rotated', subject: { kind: 'key', id: oldKid } },
  });
  const { kid, jwk } = successor;
  await recordKeys(act, [{ kid, kind, partyId: party, alg, jwk, activeFromMs }], [leaf]);
  await retireKey(act, oldKid, retiredAtMs, kid, [leaf]);
  return verdict;
}

/** The new key, when it is a good one and signed for the very same claims. */
async function provenSuccessor(
  { proof, ...claims }: KeyTransitionClaims,
  old: RegisteredKey,
  { domain, atMs }: TransitionTerms,
): Promise<VerificationKey | Refused> {
  const parsed = parsePublicKey(claims.new.jwk, { purpose: old.purpose, party: old.party });
  if (!parsed.ok) return refuse('malformed', 'new.jwk');
  const { key } = parsed;
  if (key.kid !== claims.new.kid) return refuse('malformed', 'new.kid');
  if (proof === undefined) return refuse('malformed', 'proof');
  const keys = (kid: string): VerificationKey | undefined => (kid === key.kid ? key : undefined);
  const verdict = await verifyToken(proof, { typ: TYP, keys, atMs, issuer: old.party, audience: domain });
  const isSame = verdict.ok && canonicalize(verdict.claims) === canonicalize(claims);
  return isSame ? key : refuse('signature_invalid', 'proof');
}

/** What the registry, or the claims among themselves, have against it. */
async function contradictionOf(
  db: Queryable,
  claims: KeyTransitionClaims,
  old: RegisteredKey,
  { atMs, confirmed = false }: TransitionTerms,
): Promise<Refused | null> {
  const { partyKind: kind, party: id } = old;
  if (claims.old.kid !== old.kid) return refuse('malformed', 'old.kid');
  if (claims.purpose !== old.purpose) return refuse('key_unknown', 'purpose');
  if (claims.iat * 1_000 - atMs > SIGNED_AHEAD_MS_MAX) return refuse('signature_invalid', 'iat');
  if (claims.overlap.from > claims.exp) return refuse('malformed', 'overlap.from');
  const [party] = await loadParties(db, [{ kind, id }]);
  if (party?.state !== 'active') return refuse('key_retired', 'iss');
  const [owner] = await ownersOf(db, [claims.new.kid]);
  if (owner !== undefined) {
    const isOwn = owner.kind === kind && owner.party_id === id;
    return refuse(isOwn ? 'idempotency_conflict' : 'agent_key_mismatch', 'new.kid');
  }
  if (!MACHINES.has(kind) && !confirmed) return refuse('scope_mismatch', 'iss');
  const all = (await loadPartyKeys(db, [{ kind, id }])).get(`${kind}/${id}`)?.keys.length ?? 0;
  return all < KEYS_PER_PARTY_MAX ? null : refuse('rate_limited', 'iss');
}

/** The same transition, made before. */
async function recorded(
  db: Queryable,
  old: RegisteredKey,
  token: string,
  jti: string,
): Promise<TransitionVerdict | undefined> {
  const { kid: oldKid, partyKind: kind, party, successorKid, isRemoved, retiredAtMs } = old;
  const leaves = (await loadKeyHistory(db, [{ kind, id: party }])).get(`${kind}/${party}`) ?? [];
  const isRecorded = leaves.map(actOf).some((said) => said.act === 'key_rotated' && said.token === token);
  const [successor] = await loadKeys(db, [successorKid ?? '']);
  if (!isRecorded || isRemoved || successor === undefined || retiredAtMs === null) return undefined;
  const { activeFromMs } = successor;
  return { ok: true, transition: { jti, kind, party, oldKid, successor, activeFromMs, retiredAtMs }, isRecorded: true };
}

type Refused = TransitionVerdict & { ok: false };

function refuse(code: DenialCode, field: string): Refused {
  return { ok: false, code, field };
}

/** Times and names of a token in the words of the denials table. */
function codeOf(code: TokenDenial): DenialCode {
  if (code === 'expired' || code === 'not_yet_valid') return 'signature_invalid';
  return code === 'audience_mismatch' ? 'domain_mismatch' : code;
}
