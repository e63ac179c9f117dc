import { type PublicJwk, type TokenAlgorithm, parsePublicKey } from '@spendgate/artifact';
import { canonicalize } from '@spendgate/codec';
import { InvariantError } from '@spendgate/core';
import type { ControlAct } from '../control-lock.js';
import type { PartyKind } from '../registry/facts.js';
import { type Queryable, execute, query, statement } from '../statement.js';

/** A party's public key as `parsePublicKey` accepted it. */
export interface KeyDeclaration {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly kind: PartyKind;
  readonly partyId: string;
  readonly alg: TokenAlgorithm;
  readonly jwk: PublicJwk;
  /** Unix ms; the act's time when absent. */
  readonly activeFromMs?: number;
}

const KNOWN = statement(
  'keys-known',
  `SELECT kid, kind, party_id, removed_at IS NOT NULL AS removed FROM party_keys WHERE kid = ANY ($1::text[])
   UNION ALL SELECT kid, 'domain', purpose, false FROM domain_keys WHERE kid = ANY ($1::text[])`,
);
const INSERT = statement(
  'keys-insert',
  `INSERT INTO party_keys (kid, kind, party_id, alg, jwk, active_from)
   SELECT k.kid, k.kind, k.party_id, k.alg, k.jwk, to_timestamp(k.active_ms / 1000)
   FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::float8[])
     AS k (kid, kind, party_id, alg, jwk, active_ms)`,
);
const RETIRE = statement(
  'key-retire',
  `UPDATE party_keys SET retired_at = least(retired_at, to_timestamp($2 / 1000.0)),
     successor_kid = coalesce($3, successor_kid)
   WHERE kid = $1 AND ($3::text IS NOT NULL OR retired_at IS NULL OR retired_at > to_timestamp($2 / 1000.0))
   RETURNING kind, party_id, round(extract(epoch FROM retired_at) * 1000)::float8 AS retired_at_ms`,
);
const REMOVE = statement(
  'key-remove',
  `UPDATE party_keys SET removed_at = to_timestamp($2 / 1000.0), retired_at = least(retired_at, to_timestamp($2 / 1000.0))
   WHERE kid = $1 AND removed_at IS NULL RETURNING kind, party_id`,
);

interface OwnerRow {
  kind: PartyKind;
  party_id: string;
}

/**
 * Registers keys; known ones of the same party are left alone.
 *
 * @throws {InvariantError} `ERR_KEY_REFUSED`: weak, off the curve, not in canonical form, or not what its kid or alg
 *   says; `ERR_KEY_OWNED`: it belongs to another party or purpose, one key never speaks for two; `ERR_KEY_REMOVED`: it
 *   was removed, and a removed key never comes back
 * @returns the kids that are new
 */
export async function recordKeys(
  act: ControlAct,
  keys: readonly KeyDeclaration[],
  causes: readonly Buffer[] = [],
): Promise<string[]> {
  const owners = await ownersOf(
    act.tx,
    keys.map((key) => key.kid),
  );
  const known = new Map(owners.map((row) => [row.kid, row]));
  const added = new Map<string, KeyDeclaration>();
  for (const key of keys) {
    checkPoint(key);
    const { kid, kind, partyId } = key;
    const again = added.get(kid);
    const owner = known.get(kid) ?? (again && { kind: again.kind, party_id: again.partyId, removed: false });
    if (owner === undefined) added.set(kid, key);
    else if (owner.kind !== kind || owner.party_id !== partyId)
      throw new InvariantError('ERR_KEY_OWNED', `key ${kid} belongs to ${owner.kind} ${owner.party_id}`);
    else if (owner.removed)
      throw new InvariantError('ERR_KEY_REMOVED', `key ${kid} of ${partyId} was removed: make a new one`);
  }
  await insert(act, [...added.values()], causes);
  return [...added.keys()];
}

/** Whose a key is or was: of a party, or of the domain itself. */
interface KeyOwner {
  readonly kid: string;
  readonly kind: PartyKind | 'domain';
  readonly party_id: string;
  readonly removed: boolean;
}

/** Owners of the keys that are known, in any order. */
export function ownersOf(db: Queryable, kids: readonly string[]): Promise<KeyOwner[]> {
  return query<KeyOwner & Record<string, unknown>>(db, KNOWN, [kids]);
}

/** Whoever declares a key, its point and its names are checked where it is stored. */
function checkPoint({ kid, partyId, alg, jwk }: KeyDeclaration): void {
  const parsed = parsePublicKey(jwk);
  const problem = !parsed.ok
    ? `${parsed.problem} (${parsed.detail})`
    : parsed.key.kid !== kid
      ? 'its kid is not its RFC 7638 thumbprint'
      : parsed.key.algorithms.includes(alg)
        ? null
        : `its alg is not ${alg}`;
  if (problem !== null) throw new InvariantError('ERR_KEY_REFUSED', `key ${kid} of ${partyId}: ${problem}`);
}

async function insert(act: ControlAct, keys: readonly KeyDeclaration[], causes: readonly Buffer[]): Promise<void> {
  if (keys.length === 0) return;
  const fromMs = keys.map((key) => key.activeFromMs ?? act.atMs);
  await execute(act.tx, INSERT, [
    keys.map((key) => key.kid),
    keys.map((key) => key.kind),
    keys.map((key) => key.partyId),
    keys.map((key) => key.alg),
    keys.map((key) => canonicalize(key.jwk)),
    fromMs,
  ]);
  keys.forEach(({ kid, kind, partyId, jwk }, index) => {
    const active_from_ms = fromMs[index] ?? act.atMs;
    recordChange(act, 'key_added', kid, { kind, party_id: partyId }, { jwk, active_from_ms }, causes);
  });
}

/**
 * A key signs nothing new from `atMs` on; what it signed before stays verifiable.
 *
 * @param successorKid the key that takes over, of a signed key transition; a retirement set before is never put off
 * @returns false when it was retired before, or is unknown
 */
export async function retireKey(
  act: ControlAct,
  kid: string,
  atMs: number,
  successorKid: string | null,
  causes: readonly Buffer[] = [],
): Promise<boolean> {
  const [row] = await query<OwnerRow & { retired_at_ms: number }>(act.tx, RETIRE, [kid, atMs, successorKid]);
  if (row === undefined) return false;
  const { retired_at_ms, ...owner } = row;
  recordChange(act, 'key_retired', kid, owner, { retired_at_ms, successor: successorKid }, causes);
  return true;
}

/** A lost or stolen key: nothing it signs is accepted once this has returned. @returns false when nothing changed */
export async function revokeKey(act: ControlAct, kid: string): Promise<boolean> {
  const [owner] = await query<OwnerRow & Record<string, unknown>>(act.tx, REMOVE, [kid, act.atMs]);
  if (owner !== undefined) recordChange(act, 'key_removed', kid, owner, {});
  return owner !== undefined;
}

function recordChange(
  act: ControlAct,
  name: string,
  kid: string,
  owner: OwnerRow,
  said: { jwk?: PublicJwk; successor?: string | null; active_from_ms?: number; retired_at_ms?: number },
  causes: readonly Buffer[] = [],
): void {
  const payload = { act: name, kid, kind: owner.kind, party: owner.party_id, jwk: null, successor: null, ...said };
  act.record({ type: 'key_changed', payload, causes, event: { name, subject: { kind: 'key', id: kid } } });
}
