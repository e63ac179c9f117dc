import type { PublicJwk, TokenAlgorithm } from '@spendgate/artifact';
import { canonicalize } from '@spendgate/codec';
import { InvariantError } from '@spendgate/core';
import type { ControlAct } from '../control-lock.js';
import type { PartyKind } from '../registry/facts.js';
import { execute, query, statement } from '../statement.js';

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

const KNOWN = statement('keys-known', 'SELECT kid, kind, party_id FROM party_keys WHERE kid = ANY ($1::text[])');
const INSERT = statement(
  'keys-insert',
  `INSERT INTO party_keys (kid, kind, party_id, alg, jwk, active_from)
   SELECT k.kid, k.kind, k.party_id, k.alg, k.jwk, to_timestamp(k.active_ms / 1000)
   FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::float8[])
     AS k (kid, kind, party_id, alg, jwk, active_ms)`,
);
const RETIRE = statement(
  'key-retire',
  `UPDATE party_keys SET retired_at = to_timestamp($2 / 1000.0), successor_kid = coalesce($3, successor_kid)
   WHERE kid = $1 AND (retired_at IS NULL OR retired_at > to_timestamp($2 / 1000.0)) RETURNING kind, party_id`,
);
const REMOVE = statement(
  'key-remove',
  `UPDATE party_keys SET removed_at = to_timestamp($2 / 1000.0), retired_at = coalesce(retired_at, to_timestamp($2 / 1000.0))
   WHERE kid = $1 AND removed_at IS NULL RETURNING kind, party_id`,
);

interface OwnerRow {
  kind: PartyKind;
  party_id: string;
}

/**
 * Registers keys; known ones of the same party are left alone.
 *
 * @throws {InvariantError} `ERR_KEY_OWNED`: the key belongs to another party; one key never speaks for two
 * @returns the kids that are new
 */
export async function recordKeys(act: ControlAct, keys: readonly KeyDeclaration[]): Promise<string[]> {
  const rows = await query<OwnerRow & { kid: string }>(act.tx, KNOWN, [keys.map((key) => key.kid)]);
  const known = new Map(rows.map((row) => [row.kid, row]));
  const added = keys.filter((key) => {
    const owner = known.get(key.kid);
    if (owner !== undefined && (owner.kind !== key.kind || owner.party_id !== key.partyId)) {
      throw new InvariantError('ERR_KEY_OWNED', `key ${key.kid} belongs to ${owner.kind} ${owner.party_id}`);
    }
    return owner === undefined;
  });
  if (added.length === 0) return [];
  await execute(act.tx, INSERT, [
    added.map((key) => key.kid),
    added.map((key) => key.kind),
    added.map((key) => key.partyId),
    added.map((key) => key.alg),
    added.map((key) => canonicalize(key.jwk)),
    added.map((key) => key.activeFromMs ?? act.atMs),
  ]);
  for (const key of added) recordChange(act, 'key_added', key.kid, { kind: key.kind, party_id: key.partyId }, key.jwk);
  return added.map((key) => key.kid);
}

/**
 * A key signs nothing new from `atMs` on; what it signed before stays verifiable.
 *
 * @param successorKid the key that takes over, of a signed key transition
 * @returns false when it was retired before, or is unknown
 */
export async function retireKey(
  act: ControlAct,
  kid: string,
  atMs: number,
  successorKid: string | null,
): Promise<boolean> {
  const [owner] = await query<OwnerRow & Record<string, unknown>>(act.tx, RETIRE, [kid, atMs, successorKid]);
  if (owner !== undefined) recordChange(act, 'key_retired', kid, owner, null, successorKid);
  return owner !== undefined;
}

/** A lost or stolen key: nothing it signs is accepted once this has returned. @returns false when nothing changed */
export async function revokeKey(act: ControlAct, kid: string): Promise<boolean> {
  const [owner] = await query<OwnerRow & Record<string, unknown>>(act.tx, REMOVE, [kid, act.atMs]);
  if (owner !== undefined) recordChange(act, 'key_removed', kid, owner, null);
  return owner !== undefined;
}

function recordChange(
  act: ControlAct,
  name: string,
  kid: string,
  owner: OwnerRow,
  jwk: PublicJwk | null,
  successor: string | null = null,
): void {
  const payload = { act: name, kid, kind: owner.kind, party: owner.party_id, jwk, successor };
  act.record({ type: 'key_changed', payload, event: { name, subject: { kind: 'key', id: kid } } });
}
