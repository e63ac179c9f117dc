import type { DomainKeyPurpose, PublicJwk, TokenAlgorithm } from '@spendgate/artifact';
import { canonicalize } from '@spendgate/codec';
import type { ControlAct } from '../control-lock.js';
import { type Queryable, query, statement } from '../statement.js';
import { guarded } from '../transaction.js';

/** The public half of one of the domain's own keys. */
export interface DomainKeyRow {
  readonly kid: string;
  readonly purpose: DomainKeyPurpose;
  readonly alg: TokenAlgorithm;
  readonly jwk: PublicJwk;
  readonly activeFromMs: number;
  readonly retiredAtMs: number | null;
}

const INSERT = statement(
  'domain-keys-insert',
  `INSERT INTO domain_keys (kid, purpose, alg, jwk, active_from)
   SELECT k.kid, k.purpose, k.alg, k.jwk, to_timestamp($5 / 1000.0)
   FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[]) AS k (kid, purpose, alg, jwk)
   ON CONFLICT (kid) DO NOTHING RETURNING kid`,
);
const RETIRE_OTHERS = statement(
  'domain-keys-retire',
  `UPDATE domain_keys SET retired_at = to_timestamp($3 / 1000.0)
   WHERE purpose = ANY ($1::text[]) AND kid <> ALL ($2::text[]) AND retired_at IS NULL RETURNING kid, purpose`,
);
const READ = statement(
  'domain-keys-read',
  `SELECT kid, purpose, alg, jwk, floor(extract(epoch FROM active_from) * 1000)::float8 AS "activeFromMs",
     floor(extract(epoch FROM retired_at) * 1000)::float8 AS "retiredAtMs"
   FROM domain_keys ORDER BY active_from, kid`,
);

/**
 * Publishes the keys the domain signs with from now on; an older key of the same purpose is retired, and stays in the
 * key set for what it signed.
 *
 * @returns the kids that are new
 */
export async function recordDomainKeys(
  act: ControlAct,
  keys: readonly Pick<DomainKeyRow, 'kid' | 'purpose' | 'alg' | 'jwk'>[],
): Promise<string[]> {
  const kids = keys.map((key) => key.kid);
  const purposes = keys.map((key) => key.purpose);
  const columns = [kids, purposes, keys.map((key) => key.alg), keys.map((key) => canonicalize(key.jwk)), act.atMs];
  const added = new Set((await query<{ kid: string }>(act.tx, INSERT, columns)).map((row) => row.kid));
  if (added.size === 0) return [];
  const fresh = keys.filter((key) => added.has(key.kid));
  const retired = await query<{ kid: string; purpose: string }>(act.tx, RETIRE_OTHERS, [
    fresh.map((key) => key.purpose),
    kids,
    act.atMs,
  ]);
  for (const key of fresh) {
    const payload = { act: 'domain_key_added', kid: key.kid, purpose: key.purpose, jwk: key.jwk };
    record(act, 'domain_key_added', key.kid, payload);
  }
  for (const { kid, purpose } of retired) {
    record(act, 'domain_key_retired', kid, { act: 'domain_key_retired', kid, purpose });
  }
  return [...added];
}

/** Every key the domain ever published, oldest first: the key set as of any time. */
export function readDomainKeys(db: Queryable): Promise<DomainKeyRow[]> {
  return guarded(() => query<DomainKeyRow & Record<string, unknown>>(db, READ));
}

function record(act: ControlAct, name: string, kid: string, payload: unknown): void {
  act.record({ type: 'key_changed', payload, event: { name, subject: { kind: 'domain_key', id: kid } } });
}
